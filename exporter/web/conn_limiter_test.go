package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
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
		ended <- l.serve(ctx, l.open[0], h, connections, func(server *http.Server) error {
			return toolkit.Serve(l.open[0], server, &toolkit.FlagConfig{WebConfigFile: &configFile}, l.opts.Logger)
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
	file, guarded := webConfig(t)
	withTLS := guarded.Transport.(*http.Transport)
	withHTTP2 := withTLS.Clone()
	withHTTP2.ForceAttemptHTTP2 = true
	for name, c := range map[string]struct {
		scheme, file string
		transport    *http.Transport
		code         int
	}{
		"plain":                      {"http://", "", new(http.Transport), 200},
		"without the password":       {"https://", file, withTLS, 401},
		"without the password, by 2": {"https://", file, withHTTP2, 401},
	} {
		t.Run(name, func(t *testing.T) {
			const room = 4
			address := limited(t, room, c.file, hello)
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
	for i := range maxHealthConnections + 10 {
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

func TestTheLongestSilenceEndsFirst(t *testing.T) {
	limiter, idle := newConnLimiter(2), make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(hello)
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		limiter.note(conn, state)
		if state == http.StateIdle {
			idle <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	scraper, silent := keeping(t, new(http.Transport)), keeping(t, new(http.Transport))
	for i, c := range []struct {
		client *http.Client
		reused bool
	}{{scraper, false}, {silent, false}, {scraper, true}, {keeping(t, new(http.Transport)), false}, {scraper, true}, {silent, false}} {
		code, reused, err := fetch(t, c.client, server.URL)
		if code != http.StatusOK || reused != c.reused {
			t.Fatalf("request %d gets %d, %v; on an open connection: %v, want %v", i+1, code, err, reused, c.reused)
		}
		<-idle // a client has its answer before its silence begins
	}
}

func TestARequestUnderWayIsNeverCutOff(t *testing.T) {
	const room = 2
	entered, release := make(chan struct{}), make(chan struct{})
	url := "http://" + limited(t, room, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
