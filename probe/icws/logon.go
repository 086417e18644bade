package icws

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"icws_exporter/probe/secret"
)

// UnreadSessionError is a log-on that made a session whose answer could not be read
// to its end. The headers of the answer named the session: End it, nobody else can.
type UnreadSessionError struct {
	Session *Session
	Err     error
}

// Error is that of what went wrong with the answer.
func (e *UnreadSessionError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong with the answer.
func (e *UnreadSessionError) Unwrap() error { return e.Err }

// LogOn makes a session (protocol.md, 1.1 and 1.2). It asks for features and version,
// and once more without them when a server that may not know the parameter answers 400:
// each of the two is an Exchange. A refused log-on is not tried twice.
//
// A server that is slow still serves a log-on that its client has given up, and then
// holds a session that nobody can end. So one whose request has been sent is not given
// up. RequestTimeout, or the end of unsent, ends it only before that. Afterwards it
// goes on until the answer comes, the connection breaks or ctx ends, and overdue is
// called, at most once and on another goroutine, to say that it goes on. The end of
// ctx resets the connection, so that a request that is still on its way is lost. It
// returns a *ResponseError, a *RequestError or an *UnreadSessionError, and then no
// connection of the client stays open, so that the next log-on looks the name up again.
func (c *Client) LogOn(ctx context.Context, cr Credentials, unsent context.Context, overdue func()) (*Session, error) {
	p := &patience{unsent: unsent, overdue: overdue}
	s, err := c.connect(ctx, cr, "include=features,version", p)
	var response *ResponseError
	if errors.As(err, &response) && response.Code == http.StatusBadRequest && !response.AuthenticationFailed {
		s, err = c.connect(ctx, cr, "", p)
	}
	if err != nil {
		c.Close()
	}
	return s, err
}

// patience is how long a log-on is waited for.
type patience struct {
	unsent  context.Context
	overdue func()
	told    atomic.Bool // that it is overdue
}

// The states of a request with patience.
const (
	notSent int32 = iota
	sent
	givenUp
)

// waiting is one exchange with patience. It is either sent or given up.
type waiting struct {
	*patience
	state  atomic.Int32
	conn   atomic.Pointer[net.TCPConn]
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stops  [2]func() bool // the waits for the end of unsent and of ctx
}

// wait returns the context of an exchange that nobody gives up once it is sent.
func (p *patience) wait(ctx context.Context, timeout time.Duration) (context.Context, *waiting) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	w := &waiting{patience: p, cancel: cancel}
	w.timer = time.AfterFunc(timeout, func() { w.late(context.DeadlineExceeded) })
	w.stops = [2]func() bool{
		context.AfterFunc(p.unsent, func() { w.late(context.Canceled) }),
		context.AfterFunc(ctx, func() { w.abort(context.Cause(ctx)) }),
	}
	return own, w
}

// connected notes the connection that the request goes over.
func (w *waiting) connected(conn net.Conn) {
	if c, ok := conn.(*tls.Conn); ok {
		conn = c.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		w.conn.Store(c)
	}
}

// abort ends the exchange. What the network still carries of the request, or the
// kernel would send again, is void with the connection.
func (w *waiting) abort(cause error) {
	if conn := w.conn.Load(); conn != nil {
		_ = conn.SetLinger(0) // else it is closed in order
	}
	w.cancel(cause)
}

// late gives the request up, or says that it goes on.
func (w *waiting) late(cause error) {
	if w.state.CompareAndSwap(notSent, givenUp) {
		w.cancel(cause)
		return
	}
	if !w.told.Swap(true) {
		w.overdue()
	}
}

// answered bounds what is left of the exchange once the headers are there.
func (w *waiting) answered(timeout time.Duration) {
	w.timer.Stop()
	w.timer = time.AfterFunc(timeout, func() { w.cancel(context.DeadlineExceeded) })
}

func (w *waiting) end() {
	w.timer.Stop()
	for _, stop := range w.stops {
		stop()
	}
	w.cancel(nil)
}

// tellSent has the request tell when it is sent: at the first look at its body,
// without which no server can serve it.
func (w *waiting) tellSent(req *http.Request, body []byte) {
	req.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(&watchedBody{bytes.NewReader(body), w}), nil
	}
	req.Body, _ = req.GetBody()
}

type watchedBody struct {
	rest *bytes.Reader
	w    *waiting
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if !b.w.state.CompareAndSwap(notSent, sent) && b.w.state.Load() == givenUp {
		return 0, context.Canceled
	}
	return b.rest.Read(p)
}

// Credentials are the user and the password of a log-on.
type Credentials struct {
	User     string
	Password secret.Text
}

func (c *Client) connect(ctx context.Context, cr Credentials, query string, p *patience) (*Session, error) {
	u := c.base.JoinPath(resources[OpConnect].path)
	u.RawQuery = query
	c.opts.Screen.Learn(cr.Password)
	r := request{op: OpConnect, url: u, body: cr.settings(c.opts.ApplicationName), patience: p}
	var s *Session
	err := c.exchange(ctx, r, func(d *document, h http.Header) {
		s = d.session(h)
		c.opts.Screen.LearnSession(s.secrets()...)
	})
	if s != nil {
		s.client = c
	}
	switch {
	case err == nil:
		return s, nil
	case s != nil && s.usable():
		return nil, &UnreadSessionError{s, err}
	default:
		return nil, err
	}
}

// settings is the body of the log-on.
func (c Credentials) settings(application string) []byte {
	b := []byte(`{"__type":"urn:inin.com:connection:icAuthConnectionRequestSettings"`)
	for _, m := range [...]struct{ name, value string }{
		{"applicationName", application}, {"userID", c.User}, {"password", c.Password.Reveal()},
	} {
		b = append(b, `,"`+m.name+`":`...)
		// Invalid UTF-8 is replaced: such a password cannot be the right one.
		b, _ = jsontext.AppendQuote(b, m.value)
	}
	return append(b, '}')
}
