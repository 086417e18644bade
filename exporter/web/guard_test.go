package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/exporter/collect"
)

// everything has every page switched on.
func everything(perServer bool) http.Handler {
	set := collect.New(collect.Options{PerServer: perServer, ExporterMetrics: true})
	set.Add("chicago", "us")
	return NewHandler(Options{
		Fleet: stubFleet{}, Metrics: set, Reloader: &stubReloader{}, Lifecycle: true, Pprof: true,
	})
}

// Whoever does not log on learns nothing: not even which pages there are.
func TestWithoutAPasswordThereIsNothing(t *testing.T) {
	file, client := writeWebConfig(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}, ConfigFile: file, HealthAddress: loopback})
	stop := serve(t, l, everything(true))
	address := l.Addresses()[0].String()
	for _, path := range everyPath {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "TRACE"} {
			request, err := http.NewRequest(method, "https://"+address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusUnauthorized || method != "HEAD" && string(body) != "Unauthorized\n" {
				t.Errorf("%s %s answers %d %q", method, path, response.StatusCode, body)
			}
		}
	}
	if got := rawRequest(t, client, address, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 401 ") {
		t.Errorf("OPTIONS * gets %q", got)
	}
	health := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, code := range map[string]int{"/-/healthy": 200, "/-/ready": 200, "/metrics": 404, "/debug/pprof/": 404, "/-/reload": 404} {
		response, err := health.Get("http://" + l.health.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != code {
			t.Errorf("the health listener answers %d to %s, want %d", response.StatusCode, path, code)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A client that speaks HTTP/2 is served by HTTP/1.1, also when the file asks for
// HTTP/2: a flood of its frames would take hundreds of megabytes.
func TestPagesAreServedByHTTP1Alone(t *testing.T) {
	file, client := writeWebConfig(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "http_server_config: {http2: true}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := client.Transport.(*http.Transport).TLSClientConfig
	transport := &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client.Transport = transport
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}, ConfigFile: file})
	stop := serve(t, l, everything(false))
	address := l.Addresses()[0].String()
	for path, method := range map[string]string{"/metrics": "GET", "/-/reload": "POST", "/api/v1/servers": "GET"} {
		request, err := http.NewRequest(method, "https://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("ops", "guard-dog")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK || response.ProtoMajor != 1 {
			t.Errorf("%s answers %s over %s", path, response.Status, response.Proto)
		}
	}
	only := settings.Clone()
	only.NextProtos = []string{"h2"}
	if conn, err := tls.Dial("tcp", address, only); err == nil {
		if conn.ConnectionState().NegotiatedProtocol == "h2" {
			t.Error("a connection speaks HTTP/2")
		}
		conn.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func rawRequest(t *testing.T, client *http.Client, address, request string) string {
	t.Helper()
	connection, err := tls.Dial("tcp", address, client.Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(connection)
	return string(answer)
}

// pipeListener accepts connections in memory, so that the minutes of a slow
// client pass at once.
type pipeListener struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialled:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns once the connection is accepted.
func (l *pipeListener) dial() net.Conn {
	server, client := net.Pipe()
	l.dialled <- server
	return client
}

// inMemory runs test against the pages, in virtual time. At the end it stops the
// server, and every goroutine must be gone.
func inMemory(t *testing.T, handler http.Handler, test func(t *testing.T, l *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		pipes := &pipeListener{dialled: make(chan net.Conn), closed: make(chan struct{})}
		l := &Listeners{open: []net.Listener{pipes}, opts: ListenOptions{Logger: slog.New(slog.DiscardHandler)}}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- l.Serve(ctx, handler, nil) }()
		test(t, pipes)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// request sends one request and returns the whole answer.
func request(t *testing.T, l *pipeListener, text string) string {
	t.Helper()
	connection := l.dial()
	defer connection.Close()
	go func() { _, _ = io.WriteString(connection, text) }() // the server may answer before it has read all
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Errorf("no answer: %v", err)
	}
	return string(answer)
}

const scrapeText = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// wantScrape scrapes and wants the whole page within a time.
func wantScrape(t *testing.T, l *pipeListener, within time.Duration) {
	t.Helper()
	began := time.Now()
	answer := request(t, l, scrapeText)
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.Contains(answer, `icws_up{server="chicago",site="us"} 0`) {
		t.Errorf("a scrape gets %.100q", answer)
	}
	if took := time.Since(began); took > within {
		t.Errorf("a scrape takes %s, more than %s", took, within)
	}
}

func TestSlowHeadersDoNotDisturbScrapes(t *testing.T) {
	inMemory(t, everything(false), func(t *testing.T, l *pipeListener) {
		var clients sync.WaitGroup
		for range 300 {
			connection := l.dial()
			clients.Go(func() {
				defer connection.Close()
				began := time.Now()
				_, err := io.WriteString(connection, "GET /metrics HTTP/1.1\r\nX-Slow: ")
				for err == nil {
					time.Sleep(time.Second)
					_, err = io.WriteString(connection, "a")
				}
				if lasted := time.Since(began); lasted > 10*time.Second {
					t.Errorf("half a header keeps a connection for %s", lasted)
				}
			})
		}
		for range 10 {
			wantScrape(t, l, 0)
			time.Sleep(time.Second)
		}
		clients.Wait()
	})
}

// More silent connections than there are places: a scrape waits, but only until
// the first of them are thrown out.
func TestSilentConnectionsAreThrownOut(t *testing.T) {
	inMemory(t, everything(false), func(t *testing.T, l *pipeListener) {
		for range maxConnections {
			connection := l.dial()
			defer connection.Close()
		}
		wantScrape(t, l, 10*time.Second)
	})
}

func TestSlowReadersDoNotDisturbScrapes(t *testing.T) {
	inMemory(t, everything(false), func(t *testing.T, l *pipeListener) {
		var clients sync.WaitGroup
		for range 100 {
			connection := l.dial()
			clients.Go(func() {
				defer connection.Close()
				_, _ = io.WriteString(connection, scrapeText)
				time.Sleep(time.Minute)
				if answer, _ := io.ReadAll(connection); len(answer) > 0 {
					t.Errorf("a client that reads nothing for a minute is still waited for: it gets %d bytes", len(answer))
				}
			})
		}
		for range 10 {
			wantScrape(t, l, 0)
			time.Sleep(time.Second)
		}
		clients.Wait()
	})
}

func TestBodiesAreRefused(t *testing.T) {
	inMemory(t, everything(false), func(t *testing.T, l *pipeListener) {
		for _, head := range []string{
			"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
			"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
			"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
			"PUT /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
		} {
			connection := l.dial()
			var sending sync.WaitGroup
			sending.Go(func() {
				_, err := io.WriteString(connection, head)
				for err == nil { // until the server hangs up
					_, err = io.WriteString(connection, "1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n")
				}
			})
			began := time.Now()
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Errorf("%q: %v", head, err)
			} else if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%q gets %s", head, response.Status)
			}
			wantScrape(t, l, 0)
			_, _ = io.Copy(io.Discard, connection)
			sending.Wait()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%q is listened to for %s", head, took)
			}
			connection.Close()
		}
		// A few bytes, as some clients send with every POST, are passed over.
		small := request(t, l, "POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
		if !strings.HasPrefix(small, "HTTP/1.1 200 ") {
			t.Errorf("a POST with two bytes gets %.100q", small)
		}
	})
}

func TestHugeHeadersAreRefused(t *testing.T) {
	inMemory(t, everything(false), func(t *testing.T, l *pipeListener) {
		for _, text := range []string{
			"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
			"GET /metrics HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: a\r\n", 100_000) + "\r\n",
			"GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			if answer := request(t, l, text); !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
				t.Errorf("%d bytes of header get %.100q", len(text), answer)
			}
		}
		wantScrape(t, l, 0)
	})
}

// A profile over a time may take longer than everything else may. (The CPU's reads
// from the kernel and cannot be in virtual time.)
func TestALongProfileIsWhole(t *testing.T) {
	inMemory(t, everything(false), func(t *testing.T, l *pipeListener) {
		answer := request(t, l, "GET /debug/pprof/goroutine?seconds=45 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		head, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "application/octet-stream") || body == "" {
			t.Errorf("got %d bytes: %s", len(body), head)
		}
	})
}

func TestProfilesAreOffByDefault(t *testing.T) {
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap"} {
		if got := askPages(t, Options{}, "GET", path, nil); got.code != http.StatusNotFound || !strings.Contains(got.body, "--web.enable-pprof") {
			t.Errorf("%s answers %d: %s", path, got.code, got.body)
		}
	}
}

// An end must come even when a request does not.
func TestTheEndWaitsThreeSeconds(t *testing.T) {
	never := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var began time.Time
	inMemory(t, never, func(_ *testing.T, l *pipeListener) {
		connection := l.dial()
		go func() {
			defer connection.Close()
			_, _ = io.WriteString(connection, scrapeText)
			_, _ = io.Copy(io.Discard, connection)
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("the open request is cut off after %s, want 3s", took)
			}
		}()
		synctest.Wait()
		began = time.Now()
	})
}

// The same over real sockets: what is left behind shows at the end of the tests.
func TestHalfOpenSocketsDoNotDisturbScrapes(t *testing.T) {
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}})
	stop := serve(t, l, everything(false))
	address := l.Addresses()[0].String()
	var silent []net.Conn
	for range 200 {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, connection)
		_, _ = io.WriteString(connection, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 20 {
		response, err := client.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(page), `icws_up{server="chicago",site="us"} 0`) {
			t.Fatalf("a scrape gets %d bytes, %v", len(page), err)
		}
	}
	for _, connection := range silent {
		connection.Close() // or the end would wait for them, as for any open request
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
