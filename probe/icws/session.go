package icws

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Session is a session on one host, made by Client.Connect. Its methods may be
// called from several goroutines. It prints without its token and cookie.
//
// Every method that makes a request returns a *ResponseError or a *RequestError
// when it fails.
type Session struct {
	client *Client
	id     string
	// The secrets of the session, sent with every request.
	token, cookie string
	// secrets are what no error of a request may repeat: the two, and the password.
	secrets []string

	user, userDisplayName, icServer string
	alternateHosts                  []string
	passwordDays                    *int
	version                         Version
	features                        map[string]int
}

// ID returns the session id, which is part of every path.
func (s *Session) ID() string { return s.id }

// String returns the id and the host.
func (s *Session) String() string { return "session " + s.id + " on " + s.Host() }

// GoString returns the same, so that %#v shows no token either.
func (s *Session) GoString() string { return s.String() }

// Host returns the host and port that the session's requests go to.
func (s *Session) Host() string { return s.client.base.Host }

// User returns the id of the user that is logged on.
func (s *Session) User() string { return s.user }

// UserDisplayName returns the name of that user for people.
func (s *Session) UserDisplayName() string { return s.userDisplayName }

// ICServer returns the name of the IC server behind the session.
func (s *Session) ICServer() string { return s.icServer }

// AlternateHosts returns the hosts to try when this one fails later, as the
// server wrote them: look at each with ValidHost before use.
func (s *Session) AlternateHosts() []string { return slices.Clone(s.alternateHosts) }

// DaysUntilPasswordExpiration returns nil when the server did not say.
func (s *Session) DaysUntilPasswordExpiration() *int { return s.passwordDays }

// Version returns what the log-on said of the server; zero when it did not.
func (s *Session) Version() Version { return s.version }

// Features returns the features of the server with their versions.
func (s *Session) Features() map[string]int { return maps.Clone(s.features) }

// Feature returns the version of a feature, 0 when the server has none of it.
func (s *Session) Feature(name string) int { return s.features[name] }

// Subscribe creates or renews the subscription to the status messages
// (protocol.md, 2). The full message comes by Poll or Stream.
func (s *Session) Subscribe(ctx context.Context) error {
	return s.exchange(ctx, OpSubscribe, nil)
}

// Unsubscribe removes the subscription to the status messages (protocol.md, 2).
func (s *Session) Unsubscribe(ctx context.Context) error {
	return s.exchange(ctx, OpUnsubscribe, nil)
}

// Disconnect ends the session on the server (protocol.md, 1.7).
func (s *Session) Disconnect(ctx context.Context) error {
	return s.exchange(ctx, OpDisconnect, nil)
}

// List reads the whole list of status messages into sink, from the wire and
// without a copy (protocol.md, 4). An answer without a list is an error: it must
// not look like an empty catalogue.
func (s *Session) List(ctx context.Context, sink StatusSink) error {
	return s.exchange(ctx, OpList, func(d *document, _ http.Header) {
		d.statusList(sink)
	})
}

// Poll fetches the messages that wait, oldest first, and calls each after every
// whole one; its entries are then in sink. No message is no error. An error of
// each ends the poll and is returned as it is. After any other error, messages
// may have been lost: the server forgets what it has sent (protocol.md, 3.1).
func (s *Session) Poll(ctx context.Context, sink StatusSink, each func(Message) error) error {
	var stopped error
	err := s.exchange(ctx, OpPoll, func(d *document, _ http.Header) {
		stopped = d.messages(sink, func(m Message) error { return each(m.withoutSecrets(s.secrets)) })
	})
	if err != nil {
		return err
	}
	return stopped
}

// SwitchoverStatus asks for the state of the switchover pair (protocol.md, 1.7).
func (s *Session) SwitchoverStatus(ctx context.Context) (SwitchoverStatus, error) {
	var status SwitchoverStatus
	err := s.exchange(ctx, OpSwitchoverStatus, func(d *document, _ http.Header) {
		status = d.switchoverStatus().withoutSecrets(s.secrets)
	})
	return status, err
}

func (s *Session) exchange(ctx context.Context, op Operation, read func(*document, http.Header)) error {
	return s.client.exchange(ctx, s.request(op), read)
}

func (s *Session) request(op Operation) request {
	return request{
		op: op, session: s,
		url:     s.client.base.JoinPath(url.PathEscape(s.id), resources[op].path),
		secrets: s.secrets,
	}
}
