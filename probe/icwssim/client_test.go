package icwssim

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a simulator behind a real socket.
func serve(t *testing.T, o Options) (*Server, *client) {
	t.Helper()
	s := New(o)
	web := httptest.NewServer(s)
	c := &client{t: t, base: web.URL, http: web.Client(), patience: time.Minute}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		s.Close()
		web.Close()
	})
	return s, c
}

// client speaks raw ICWS.
type client struct {
	t                  *testing.T
	base               string
	http               *http.Client
	sid, token, cookie string
	patience           time.Duration // for an answer or an event; after it the test fails
}

type result struct {
	code   int
	header http.Header
	body   string
	err    error
}

// open sends a request and leaves the body unread.
func (c *client) open(ctx context.Context, method, path, body string, header ...string) (*http.Response, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return c.http.Do(r)
}

func (c *client) do(method, path, body string, header ...string) result {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	defer limit(c.t, c.patience, cancel)()
	resp, err := c.open(ctx, method, path, body, header...)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return result{resp.StatusCode, resp.Header, string(text), err}
}

// limit has the test fail and calls cancel when stop was not called within patience.
func limit(t *testing.T, patience time.Duration, cancel func()) (stop func() bool) {
	return time.AfterFunc(patience, func() {
		t.Errorf("the server sent nothing for %v", patience)
		cancel()
	}).Stop
}

// session sends a request of the session, path below /icws/{sid}/.
func (c *client) session(method, path, body string, header ...string) result {
	c.t.Helper()
	return c.do(method, "/icws/"+c.sid+"/"+path, body, append([]string{"Cookie", c.cookie, HeaderToken, c.token}, header...)...)
}

const logOn = `{"__type":"urn:inin.com:connection:icAuthConnectionRequestSettings","applicationName":"t","userID":"demo","password":"demo"}`

const (
	subscriptionPath = "messaging/subscriptions/status/status-messages"
	messagesPath     = "messaging/messages"
)

func (c *client) connect(query string) result {
	c.t.Helper()
	r := c.do("POST", "/icws/connection"+query, logOn, "Accept-Language", "en-US")
	if r.code == http.StatusCreated {
		c.sid = r.header.Get(HeaderSession)
		c.token = r.header.Get(HeaderToken)
		c.cookie, _, _ = strings.Cut(r.header.Get("Set-Cookie"), ";")
	}
	return r
}

func (c *client) mustConnect() *client {
	c.t.Helper()
	if r := c.connect(""); r.code != http.StatusCreated {
		c.t.Fatalf("connect: %+v", r)
	}
	return c
}

func (c *client) mustSubscribe() *client {
	c.t.Helper()
	if r := c.mustConnect().session("PUT", subscriptionPath, ""); r.code != http.StatusOK || r.body != "" {
		c.t.Fatalf("subscribe: %+v", r)
	}
	return c
}

// other is a second client of the same server.
func (c *client) other() *client {
	return &client{t: c.t, base: c.base, http: c.http, patience: c.patience}
}

type wireMessage struct {
	Type            string   `json:"__type"`
	IsDelta         bool     `json:"isDelta"`
	Added           []Status `json:"statusMessagesAdded"`
	Changed         []Status `json:"statusMessagesChanged"`
	Removed         []string `json:"statusMessagesRemoved"`
	State           int      `json:"state"`
	NewState        int      `json:"newConnectionState"`
	PreviousState   int      `json:"previousConnectionState"`
	ShouldReconnect *bool    `json:"shouldReconnect"`
}

func (c *client) poll() []wireMessage {
	c.t.Helper()
	r := c.do("GET", "/icws/"+c.sid+"/"+messagesPath, "", "Cookie", c.cookie)
	if r.code != http.StatusOK {
		c.t.Fatalf("poll: %+v", r)
	}
	var messages []wireMessage
	parse(c.t, r.body, &messages)
	return messages
}

func parse(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
}

func properties(t *testing.T, r result) map[string]any {
	t.Helper()
	var v map[string]any
	parse(t, r.body, &v)
	return v
}

// events is an open event stream.
type events struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
	cancel   context.CancelFunc
	patience time.Duration
	pings    int
	lastID   string
}

func (c *client) stream(header ...string) *events {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer limit(c.t, c.patience, cancel)()
	header = append([]string{"Cookie", c.cookie, "Accept", "text/event-stream"}, header...)
	resp, err := c.open(ctx, "GET", "/icws/"+c.sid+"/"+messagesPath, "", header...)
	if err != nil {
		c.t.Fatal(err)
	}
	e := &events{t: c.t, response: resp, lines: bufio.NewReader(resp.Body), cancel: cancel, patience: c.patience}
	c.t.Cleanup(e.close)
	return e
}

func (e *events) close() {
	e.cancel()
	e.response.Body.Close()
}

// next returns the data of the next event; the error is that of the body.
func (e *events) next() (string, error) {
	defer limit(e.t, e.patience, e.cancel)()
	data := ""
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == ":ping":
			e.pings++
		case strings.HasPrefix(line, "id: "):
			e.lastID = line[4:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "" && data != "":
			return data, nil
		}
	}
}

func (e *events) message() wireMessage {
	e.t.Helper()
	data, err := e.next()
	if err != nil {
		e.t.Fatalf("stream: %v", err)
	}
	var m wireMessage
	parse(e.t, data, &m)
	return m
}

// replica is what a client makes of the messages.
type replica map[string]Status

func (r *replica) apply(m wireMessage) {
	if !m.IsDelta {
		*r = replica{}
	}
	for _, id := range m.Removed {
		delete(*r, strings.ToLower(id))
	}
	for _, st := range append(m.Added, m.Changed...) {
		(*r)[strings.ToLower(st.ID)] = st
	}
}

func replicaOf(truth Truth) replica {
	r := replica{}
	r.apply(wireMessage{Added: truth.Statuses})
	return r
}

// memory is a listener without sockets, for synctest bubbles.
type memory struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error { m.once.Do(func() { close(m.done) }); return nil }

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.done:
		return nil, net.ErrClosed
	}
}

// serveInBubble runs a simulator inside a synctest bubble; the bubble must not
// end before stop was called.
func serveInBubble(t *testing.T, o Options) (s *Server, c *client, stop func()) {
	t.Helper()
	s = New(o)
	listener := &memory{conns: make(chan net.Conn), done: make(chan struct{})}
	web := &http.Server{Handler: s}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		web.Serve(listener)
	}()
	transport := &http.Transport{DialContext: listener.dial}
	c = &client{t: t, base: "http://sim", http: &http.Client{Transport: transport}, patience: 24 * time.Hour}
	return s, c, func() {
		s.Close()
		transport.CloseIdleConnections()
		web.Close()
		<-ended
	}
}
