package icws

import "strings"

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
