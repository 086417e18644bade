package icws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/secret"
)

// Session is a session on one host, made by Client.Connect. Its methods may be
// called from several goroutines.
//
// Every method that makes a request returns a *ResponseError or a *RequestError
// when it fails.
type Session struct {
	client *Client
	id     string
	// token and cookie are sent with every request.
	token, cookie secret.Text

	icServer       string
	alternateHosts []string
	passwordDays   *int
	version        Version
	features       map[string]int
}

// ID returns the session id, which is part of every path.
func (s *Session) ID() string { return s.id }

// Host returns the host and port that the session's requests go to.
func (s *Session) Host() string { return s.client.base.Host }

// ICServer returns the name of the IC server behind the session.
func (s *Session) ICServer() string { return s.icServer }

// AlternateHosts returns the hosts to try when this one fails later, as the
// server wrote them: look at each with ValidHost before use.
func (s *Session) AlternateHosts() []string { return slices.Clone(s.alternateHosts) }

// DaysUntilPasswordExpiration returns nil when the server did not say.
func (s *Session) DaysUntilPasswordExpiration() *int { return s.passwordDays }

// Version returns what the log-on said of the server; zero when it did not.
func (s *Session) Version() Version { return s.version }

// The versions of the features messaging and connection from which on a server has the
// event stream (protocol.md, 3.2) and tells of a switchover (protocol.md, 1.7).
const (
	MessagingWithStream      = 2
	ConnectionWithSwitchover = 11
)

// Features returns the features of the server with their versions.
func (s *Session) Features() map[string]int { return maps.Clone(s.features) }

// Feature returns the version of a feature, 0 when the server has none of it.
func (s *Session) Feature(name string) int { return s.features[name] }

// Subscribe creates the subscription, or replaces it (protocol.md, 2). body says
// what it is about, as JSON; nil for a subscription that needs none. The full
// message comes by Poll or Stream.
func (s *Session) Subscribe(ctx context.Context, sub *Subscription, body any) error {
	return s.SubscribeWithin(ctx, 0, sub, body)
}

// SubscribeWithin is Subscribe for what takes a server long: it ends after limit
// instead of the time-out of other requests, unless that is 0.
func (s *Session) SubscribeWithin(ctx context.Context, limit time.Duration, sub *Subscription, body any) error {
	r := s.subscription(sub.Put, sub)
	r.limit = limit
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return &RequestError{Operation: sub.Put, Reason: FailOther, Err: fmt.Errorf("the subscription cannot be written as JSON: %w", err)}
		}
		r.body = text
	}
	return s.client.exchange(ctx, r, nil)
}

// Unsubscribe removes the subscription (protocol.md, 2).
func (s *Session) Unsubscribe(ctx context.Context, sub *Subscription) error {
	return s.client.exchange(ctx, s.subscription(sub.Delete, sub), nil)
}

// End ends the session on the server (protocol.md, 1.7), and closes its connections.
// It returns nil when the server has confirmed that the session is no more, by any
// success code, 401 or 404. It may be called again, and long after the last other
// request: it goes to the session's own address.
func (s *Session) End(ctx context.Context) error {
	defer s.Close()
	err := s.exchange(ctx, OpDisconnect, nil)
	var response *ResponseError
	if errors.As(err, &response) && (response.Code == http.StatusUnauthorized || response.Code == http.StatusNotFound) {
		return nil
	}
	return err
}

// Format prints no secret, for every verb and flag.
func (s Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<session>") }

// Close closes the connections of a session that the server has ended already.
func (s *Session) Close() { s.client.Close() }

// List reads all that the full message of a subscription would say, from the wire
// and without a copy (protocol.md, 4). An answer without a list is an error: it
// must not look like an empty one.
func (s *Session) List(ctx context.Context, to *Reader) error {
	return s.client.exchange(ctx, s.request(OpList, to.of.List), func(d *document, _ http.Header) {
		to.list(d)
	})
}

// Poll fetches the messages that wait, oldest first, and calls each after every
// whole one; its content is then with the reader of its subscription. No message
// is no error. After an error, messages may have been lost: the server forgets
// what it has sent (protocol.md, 3.1).
func (s *Session) Poll(ctx context.Context, to []*Reader, each func(Message)) error {
	return s.exchange(ctx, OpPoll, func(d *document, _ http.Header) {
		d.messages(to, each)
	})
}

// SwitchoverStatus asks for the state of the switchover pair (protocol.md, 1.7).
func (s *Session) SwitchoverStatus(ctx context.Context) (SwitchoverStatus, error) {
	var status SwitchoverStatus
	err := s.exchange(ctx, OpSwitchoverStatus, func(d *document, _ http.Header) {
		status = d.switchoverStatus()
	})
	return status, err
}

func (s *Session) exchange(ctx context.Context, op Operation, read func(*document, http.Header)) error {
	return s.client.exchange(ctx, s.request(op, resources[op].path), read)
}

func (s *Session) subscription(op Operation, sub *Subscription) request {
	r := s.request(op, subscriptionsPath+sub.Path)
	r.people = sub.Personal
	return r
}

func (s *Session) request(op Operation, path string) request {
	return request{
		op: op, session: s,
		url: s.client.base.JoinPath(url.PathEscape(s.id), path),
	}
}

// secrets are what lets others use the session: its id, its token and
// its own cookie. The cookies of load balancers are none: they are short, the same
// for everybody, and their values are in every text.
func (s *Session) secrets() []secret.Text {
	all := []secret.Text{secret.New(s.id), s.token}
	for pair := range strings.SplitSeq(s.cookie.Reveal(), "; ") {
		name, value, _ := strings.Cut(pair, "=")
		if len(name) < len(sessionCookie) || !strings.EqualFold(name[:len(sessionCookie)], sessionCookie) {
			continue
		}
		// What follows the bar is no part of the secret, only of its value.
		before, _, _ := strings.Cut(value, "|")
		all = append(all, secret.New(value), secret.New(before))
	}
	return all
}

// sessionCookie is what the name of the session's cookie begins with (protocol.md, 1.2).
const sessionCookie = "icws_"

// cookieOf keeps what Set-Cookie lines set, as it was written. The value of the
// session's cookie may hold characters that net/http drops (protocol.md, 1.2), and
// a proxy may have left a path that a cookie jar would not match (5.4).
func cookieOf(setCookie []string) string {
	var pairs []string
	for _, line := range setCookie {
		pair, _, _ := strings.Cut(line, ";")
		if pair = strings.TrimSpace(pair); pair != "" {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}
