package icws

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"icws_exporter/probe/secret"
)

const (
	testPassword = "s3cr3t-pässword\"&<"
	testToken    = "dG9rZW4x"
	testCookie   = "icws_1000001=5b0c-4711|languageId=en-us"
)

var testCredentials = Credentials{User: "svc-prom", Password: secret.New(testPassword)}

// sinkLog is a StatusSink that writes down what it is told.
type sinkLog struct{ lines []string }

func (s *sinkLog) Begin()                  { s.lines = append(s.lines, "begin") }
func (s *sinkLog) Add(e *StatusMessage)    { s.lines = append(s.lines, "add "+describe(e)) }
func (s *sinkLog) Change(e *StatusMessage) { s.lines = append(s.lines, "change "+describe(e)) }
func (s *sinkLog) Remove(id []byte)        { s.lines = append(s.lines, "remove "+string(id)) }

func describe(e *StatusMessage) string {
	text := fmt.Sprintf("%s|%s|%s|%s|%s", e.ID, e.Text, e.Icon, e.Group, e.SystemID)
	for n, name := range StatusFlagNames {
		if e.Flags&(1<<n) != 0 {
			text += " " + name
		}
	}
	return text
}

// into makes the readers that decode into sink.
func into(sink StatusSink) []*Reader { return []*Reader{NewStatusReader(sink)} }

// sinkCount is a StatusSink that costs nothing.
type sinkCount struct{ entries int }

func (s *sinkCount) Begin()                {}
func (s *sinkCount) Add(*StatusMessage)    { s.entries++ }
func (s *sinkCount) Change(*StatusMessage) { s.entries++ }
func (s *sinkCount) Remove([]byte)         { s.entries++ }

// seen is what a server was asked.
type seen struct {
	method, path, query string
	header              http.Header
	remote, body        string
}

// icwsServer answers each path with a handler of the test, and the log-on with
// testdata/connection.json.
type icwsServer struct {
	*httptest.Server
	mux *http.ServeMux

	mu       sync.Mutex
	requests []seen
}

func newServer(t *testing.T) *icwsServer {
	s := newUnstartedServer(t)
	s.Start()
	return s
}

func newUnstartedServer(t *testing.T) *icwsServer {
	t.Helper()
	s := &icwsServer{mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /icws/connection", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.inin.icws+JSON; charset=utf-8")
		w.Header().Set("Set-Cookie", testCookie+"; Path=/icws/1000001; HttpOnly")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, testdata(t, "connection.json"))
	})
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *icwsServer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, r.RemoteAddr, string(body)})
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

func (s *icwsServer) seen() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

// session answers a path below the session's.
func (s *icwsServer) session(pattern string, h http.HandlerFunc) {
	method, path, _ := strings.Cut(pattern, " ")
	s.mux.HandleFunc(method+" /icws/1000001/"+path, h)
}

func answering(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// hijacked answers with the bytes as they are and then closes the socket.
func hijacked(t *testing.T, raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		buf.WriteString(raw)
		buf.Flush()
	}
}

// client makes a client of the server, whose exchanges are written down.
func (s *icwsServer) client(t *testing.T, o Options) (*Client, *[]Exchange) {
	t.Helper()
	return newTestClient(t, s.URL, s.Client().Transport, o)
}

func newTestClient(t *testing.T, base string, rt http.RoundTripper, o Options) (*Client, *[]Exchange) {
	t.Helper()
	exchanges := new([]Exchange)
	o.OnExchange = func(e Exchange) { *exchanges = append(*exchanges, e) }
	return NewClient(mustURL(t, base), rt, o), exchanges
}

// connected is a session of the server.
func (s *icwsServer) connected(t *testing.T, o Options) (*Session, *[]Exchange) {
	t.Helper()
	c, exchanges := s.client(t, o)
	session, err := c.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	*exchanges = nil
	return session, exchanges
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rawServer lets a test speak to each connection itself, after the request line
// and headers have been read.
func rawServer(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					answer(conn)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); done.Wait() })
	return "http://" + l.Addr().String()
}

// roundTrip makes a RoundTripper of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func plainTransport(t *testing.T) *http.Transport {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
