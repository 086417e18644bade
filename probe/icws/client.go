package icws

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"icws_exporter/probe/secret"
)

// The defaults of Options.
const (
	DefaultMaxResponseBytes = 16 << 20
	DefaultRequestTimeout   = 10 * time.Second
	DefaultLanguage         = "en-US"
)

const mediaType = "application/vnd.inin.icws+JSON; charset=utf-8"

// Options are what a Client sends with its requests, and whom it tells of them.
type Options struct {
	UserAgent string
	// Language is the Accept-Language of every request; it decides the language
	// of the status texts for the life of a session. "" means DefaultLanguage.
	Language        string
	ApplicationName string
	// MaxResponseBytes bounds one answer, and one event of the stream. 0 means
	// DefaultMaxResponseBytes.
	MaxResponseBytes int64
	// RequestTimeout bounds a whole exchange; for the stream it ends when the
	// headers arrive. 0 means DefaultRequestTimeout.
	RequestTimeout time.Duration

	// Screen learns the password of a log-on before it is sent, and the secrets of
	// a session as soon as they are read. Nil: nobody has to know.
	Screen *secret.Screen

	// OnExchange is called once per HTTP exchange, on the goroutine that made it.
	// For a stream that is when its headers arrived or failed to.
	OnExchange func(Exchange)
	// OnRead is called with the bytes of every body and stream as they arrive, and
	// OnPing for each comment line of a stream, its heartbeat, on the goroutine that
	// reads.
	OnRead func(op Operation, n int)
	OnPing func()
}

// Client talks to one ICWS host. Its methods may be called from several
// goroutines. A session needs a Client whose RoundTripper it shares with no other
// session: see OneAddress.
type Client struct {
	base *url.URL // up to and with /icws
	rt   http.RoundTripper
	opts Options
	// answered is when an answer last began to come, in Unix nanoseconds.
	answered atomic.Int64
}

// NewClient makes a client for the host of base, which may have a path prefix (a
// proxy's; protocol.md, 5.4). User, query and fragment of base are ignored.
// Nothing but rt does I/O; redirects are never followed.
func NewClient(base *url.URL, rt http.RoundTripper, o Options) *Client {
	if o.MaxResponseBytes <= 0 {
		o.MaxResponseBytes = DefaultMaxResponseBytes
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.Language == "" {
		o.Language = DefaultLanguage
	}
	root := base.JoinPath("icws")
	root.User, root.RawQuery, root.Fragment, root.RawFragment = nil, "", "", ""
	return &Client{base: root, rt: rt, opts: o}
}

// Version asks for the version of the server, without a session (protocol.md,
// 6): a cheap sign of life, which ends the connection that it uses. It returns a
// *ResponseError or a *RequestError.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v Version
	err := c.exchange(ctx, request{
		op:  OpVersion,
		url: c.base.JoinPath(resources[OpVersion].path),
	}, func(d *document, _ http.Header) {
		v = d.version()
		if v == (Version{}) {
			d.fail(errNoVersion)
		}
	})
	return v, err
}

// Close closes the connections of the client that no request uses. The client may
// be used again.
func (c *Client) Close() {
	if rt, ok := c.rt.(interface{ CloseIdleConnections() }); ok {
		rt.CloseIdleConnections()
	}
}
