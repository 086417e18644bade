package icwssim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// HeaderToken and HeaderSession carry the CSRF token and the session id.
const (
	HeaderToken   = "ININ-ICWS-CSRF-Token"
	HeaderSession = "ININ-ICWS-Session-ID"
)

// authenticate finds the session of the call; refused says that the answer is
// to be sent instead of serving the call (protocol.md, 5.2).
func (s *Server) authenticate(c *call) (a answer, refused bool) {
	if c.endpoint.access == open {
		return answer{}, false
	}
	x := s.sessions[c.sid]
	if _, err := strconv.ParseUint(c.sid, 10, 32); err != nil || x == nil && s.quirks.UnknownSessionAsMissing {
		return unauthorized("", codeSessionID, "This request requires a session ID!"), true
	}
	// A session told to go may still fetch the message that says so.
	if x == nil || x.ended && (c.endpoint.operation != OpPoll || len(x.queue) == 0) {
		return unauthorized(idAuthentication, codeSessionUnknown, "The session is unknown or has ended."), true
	}
	switch cookie, found := sessionCookie(c.request, c.sid); {
	case !found:
		return unauthorized("", codeCookieMissing, "A session cookie was expected in the request, but not found."), true
	case cookie != x.cookie:
		return unauthorized("error.request.accessDenied.cookie.invalid", codeCookieInvalid, "The session cookie is invalid."), true
	}
	if c.endpoint.access == withToken && c.request.Header.Get(HeaderToken) != x.token {
		return unauthorized("", codeToken, "An authentication token was expected in the request, but not found."), true
	}
	x.used = time.Now()
	c.session = x
	return answer{}, false
}

// sessionCookie finds the cookie of a session. The value is opaque, may hold
// "|" and "=", and some clients echo the attributes behind it (protocol.md, 8).
func sessionCookie(r *http.Request, sid string) (value string, found bool) {
	for _, line := range r.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			if value, found = strings.CutPrefix(strings.TrimSpace(pair), "icws_"+sid+"="); found {
				return value, true
			}
		}
	}
	return "", false
}
