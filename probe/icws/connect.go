package icws

import (
	"context"
	"net/http"
	"net/http/httptrace"

	"github.com/go-json-experiment/json/jsontext"

	"icws_exporter/probe/secret"
)

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
