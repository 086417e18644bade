package icws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// SessionKey is what ends a session when the Session itself is long gone. It prints
// no secret and holds no password. The zero SessionKey ends nothing.
type SessionKey struct{ session *Session }

// Key returns what ends the session later.
func (s *Session) Key() SessionKey {
	if s == nil || !s.usable() {
		return SessionKey{}
	}
	return SessionKey{&Session{
		client: s.client, id: s.id, address: s.address, token: s.token, cookie: s.cookie,
	}}
}

// IsZero reports whether there is nothing to end.
func (k SessionKey) IsZero() bool { return k.session == nil }

// Host returns the host and port that the session is on.
func (k SessionKey) Host() string { return k.session.Host() }

// End ends the session on the server (protocol.md, 1.7). It returns nil when the
// server has confirmed that the session is no more, by any success code, 401 or 404.
func (k SessionKey) End(ctx context.Context) error {
	if k.IsZero() {
		return nil
	}
	err := k.session.Disconnect(ctx)
	var response *ResponseError
	if errors.As(err, &response) && (response.Code == http.StatusUnauthorized || response.Code == http.StatusNotFound) {
		return nil
	}
	return err
}

// Format prints no secret, for every verb and flag.
func (k SessionKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<session key>") }
