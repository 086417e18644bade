package icws

import (
	"strings"

	"icws_exporter/probe/secret"
)

// secrets are what whoever knows it can use the session with: its id, its token and
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
