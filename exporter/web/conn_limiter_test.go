package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"testing"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// limited serves h on a socket that has room for a few connections, and returns
// its address.
func limited(t *testing.T, connections int, configFile string, h http.Handler) string {
	t.Helper()
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}, ConfigFile: configFile})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- l.serve(ctx, l.open[0], h, connections, func(server *http.Server, limited net.Listener) error {
			return toolkit.Serve(limited, server, &toolkit.FlagConfig{WebConfigFile: &configFile}, l.opts.Logger)
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addresses()[0].String()
}

// keeping is a client who keeps his connection open and asks only when told to.
func keeping(t *testing.T, transport *http.Transport) *http.Client {
	transport = transport.Clone()
	transport.DisableKeepAlives = false
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// fetch returns the code, or the error as text, and whether the connection of an
// earlier request was used.
func fetch(t *testing.T, client *http.Client, url string) (code int, reused bool, err error) {
	t.Helper()
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, reused, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, reused, err
}

// Whoever asked once, with or without the password, and then keeps silent must not
// keep the scrape out.
func TestSilentClientsShutNobodyOut(t *testing.T) {
	file, guarded := writeWebConfig(t)
	withTLS := guarded.Transport.(*http.Transport)
	for name, c := range map[string]struct {
		scheme, file string
		transport    *http.Transport
		code         int
	}{
		"plain":                {"http://", "", new(http.Transport), 200},
		"without the password": {"https://", file, withTLS, 401},
	} {
		t.Run(name, func(t *testing.T) {
			const room = 4
			address := limited(t, 4*room, c.file, hello)
			for i := range 5 * room {
				if code, _, err := fetch(t, keeping(t, c.transport), c.scheme+address); code != c.code {
					t.Fatalf("client %d of a socket for %d gets %d, %v", i+1, room, code, err)
				}
			}
		})
	}
}

// Kubernetes must not restart the exporter because others sit on its health port.
func TestSilentClientsDoNotShutOutTheHealthChecks(t *testing.T) {
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}, HealthAddress: loopback})
	stop := serve(t, l, hello)
	url := "http://" + l.health.Addr().String() + "/-/healthy"
	for i := range maxHealthConnections/4 + 10 {
		if code, _, err := fetch(t, keeping(t, new(http.Transport)), url); code != http.StatusOK {
			t.Fatalf("health check %d gets %d, %v", i+1, code, err)
		}
	}
	same := keeping(t, new(http.Transport))
	for range 2 {
		if _, reused, err := fetch(t, same, url); reused || err != nil {
			t.Errorf("the connection of a health check stays open (%v)", err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// stubConn is a connection from an address that notes whether it was closed.
type stubConn struct {
	net.Conn
	from   net.Addr
	closed bool
}

func (c *stubConn) RemoteAddr() net.Addr             { return c.from }
func (c *stubConn) Close() error                     { c.closed = true; return nil }
func (c *stubConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *stubConn) SetWriteDeadline(time.Time) error { return nil }

// stubListener accepts what a test gives it.
type stubListener struct {
	net.Listener
	next *stubConn
}

func (l *stubListener) Accept() (net.Conn, error) { return l.next, nil }

// Of too many connections the one goes that has waited longest for its client, of
// the same address when one address has too many.
func TestTheLongestWaitEndsFirst(t *testing.T) {
	listener := &stubListener{}
	limiter := newConnLimiter(listener, 8, func() {})
	var all []*limitedConn
	accept := func(ip string) *limitedConn {
		listener.next = &stubConn{from: &net.TCPAddr{IP: net.ParseIP(ip), Port: 1000 + len(all)}}
		conn, err := limiter.Accept()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn.(*limitedConn))
		return all[len(all)-1]
	}
	closed := func() (numbers []int) {
		for i, c := range all {
			if c.Conn.(*stubConn).closed {
				numbers = append(numbers, i)
			}
		}
		return numbers
	}
	want := func(what string, numbers ...int) {
		t.Helper()
		if got := closed(); !slices.Equal(got, numbers) {
			t.Fatalf("%s: closed are %v, want %v", what, got, numbers)
		}
	}
	scraper := accept("10.0.0.1")
	scraper.beginAnswer()
	accept("10.0.0.2")
	accept("10.0.0.2")
	accept("10.0.0.2")
	want("three of one address, one of another, where two may be of one", 1)
	all[2].beginAnswer()
	all[2].endAnswer() // it has asked since
	accept("10.0.0.2")
	want("one address again", 1, 3)
	all[2].beginAnswer()
	all[4].beginAnswer()
	accept("10.0.0.2")
	want("both answers of the address are being made", 1, 3, 5)
	for i := range 5 {
		accept(fmt.Sprintf("10.0.1.%d", i))
	}
	want("room for all", 1, 3, 5)
	accept("10.0.2.1")
	want("one too many in all: of those who wait, the first", 1, 3, 5, 6)
	for _, c := range all {
		c.beginAnswer()
	}
	_, _ = scraper.Write([]byte("x")) // it still has a whole answer, and its client reads
	accept("10.0.3.1")
	want("all answers are being made", 1, 3, 5, 6, 12)
	if err := scraper.Close(); err != nil {
		t.Fatal(err)
	}
	accept("10.0.3.1")
	want("one has gone", 0, 1, 3, 5, 6, 12)
	if n := len(limiter.open); n != 8 {
		t.Errorf("%d connections are open, want 8", n)
	}
}

// A proxy or a network with one IPv6 prefix is one client.
func TestAddressesOfClients(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1", "[::ffff:10.0.0.1]:5": "10.0.0.1", "[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64", "[fe80::1%lo]:5": "fe80::/64",
	} {
		if got := addressOfClient(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(remote))); got != want {
			t.Errorf("%s is %q, want %q", remote, got, want)
		}
	}
	if got := addressOfClient(&net.UnixAddr{Name: "/run/x"}); got != "" {
		t.Errorf("a Unix socket is %q", got)
	}
}

func TestARequestUnderWayIsNeverCutOff(t *testing.T) {
	const room = 2
	entered, release := make(chan struct{}), make(chan struct{})
	url := "http://" + limited(t, 4*room, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		_, _ = io.WriteString(w, "whole")
	}))
	slow := make(chan error, room)
	for range room {
		client := keeping(t, new(http.Transport))
		go func() {
			_, _, err := fetch(t, client, url+"/slow")
			slow <- err
		}()
		<-entered
	}
	if code, _, err := fetch(t, keeping(t, new(http.Transport)), url); err == nil {
		t.Errorf("a connection too many gets %d", code)
	}
	close(release)
	for range room {
		if err := <-slow; err != nil {
			t.Errorf("a request under way ends with %v", err)
		}
	}
}
