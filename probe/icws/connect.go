package icws

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"icws_exporter/probe/secret"
)

// Credentials are the user and the password of a log-on.
type Credentials struct {
	User     string
	Password secret.Text
}

// Connect makes a session (protocol.md, 1.1 and 1.2). It asks for features and
// version, and once more without them when a server that may not know the
// parameter answers 400: each of the two is an Exchange. A refused log-on is not
// tried twice. It returns a *ResponseError or a *RequestError, after RequestTimeout
// at the latest, also when the request has been sent: see LogOn. Then no connection
// of the client stays open, so that the next log-on looks the name up again.
func (c *Client) Connect(ctx context.Context, cr Credentials) (*Session, error) {
	s, key, err := c.logOn(ctx, cr, nil)
	if err != nil {
		key.abandon(ctx)
	}
	return s, err
}

// connect returns the key of a session that was made although its answer could not
// be read to its end.
func (c *Client) connect(ctx context.Context, cr Credentials, query string, p *patience) (*Session, SessionKey, error) {
	u := c.base.JoinPath(resources[OpConnect].path)
	u.RawQuery = query
	c.opts.Screen.Learn(cr.Password)
	r := request{op: OpConnect, url: u, body: cr.settings(c.opts.ApplicationName), patience: p}
	var address string
	r.connected = func(i httptrace.GotConnInfo) { address = i.Conn.RemoteAddr().String() }
	var s *Session
	err := c.exchange(ctx, r, func(d *document, h http.Header) {
		s = d.session(h)
		c.opts.Screen.LearnSession(s.secrets()...)
	})
	if s != nil {
		s.client, s.address = c, address
	}
	if err != nil {
		return nil, s.Key(), err
	}
	return s, SessionKey{}, nil
}

const abandonTimeout = 3 * time.Second

// abandon ends a session whose 201 could not be read to its end, where the
// headers name it: nobody else would, and it costs the server a slot.
func (k SessionKey) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	_ = k.End(ctx) // what failed is the log-on; this is reported as an Exchange
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
