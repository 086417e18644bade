package capture

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// keptHeaders may be kept as they are, apart from names in them. Of all others
// only the name is.
var keptHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Encoding",
	"Content-Length", "Content-Type", "Date", "Retry-After", "Server", "Transfer-Encoding", "User-Agent",
	"Vary", "Via", "Www-Authenticate", "X-Accel-Buffering", "X-Powered-By",
}

const leftOut = "(left out)"

// header redacts headers. It learns the token, the session and the cookies.
func (r *redactor) header(h http.Header) map[string][]string {
	kept := make(map[string][]string, len(h))
	for name, values := range h {
		canonical := http.CanonicalHeaderKey(name)
		out := make([]string, len(values))
		for i, value := range values {
			out[i] = r.headerValue(canonical, value)
		}
		kept[canonical] = out
	}
	return kept
}

func (r *redactor) headerValue(name, value string) string {
	switch {
	case name == "Set-Cookie":
		pair, attributes, _ := strings.Cut(value, ";")
		return r.cookie(pair) + r.attributes(attributes)
	case name == "Cookie":
		pairs := strings.Split(value, ";")
		for i, pair := range pairs {
			pairs[i] = r.cookie(pair)
		}
		return strings.Join(pairs, "; ")
	case name == "Inin-Icws-Csrf-Token":
		return r.placeholder(kindToken, value)
	case name == "Inin-Icws-Session-Id":
		return r.placeholder(kindSession, value)
	case name == "Location":
		return r.location(value)
	case slices.Contains(keptHeaders, name):
		return r.value(value)
	default:
		return leftOut
	}
}

// attributes are those of a cookie.
func (r *redactor) attributes(text string) string {
	var kept strings.Builder
	for attribute := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
		switch strings.ToLower(name) {
		case "":
			continue
		case "domain":
			value = r.placeholder(kindHost, strings.TrimPrefix(value, "."))
		case "path":
			value = r.path(value)
		default:
			value = r.value(value)
		}
		kept.WriteString("; " + name)
		if value != "" {
			kept.WriteString("=" + value)
		}
	}
	return kept.String()
}

func (r *redactor) cookie(pair string) string {
	name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
	if !found {
		return r.placeholder(kindCookie, name)
	}
	session, isSession := strings.CutPrefix(name, "icws_")
	if isSession {
		name = "icws_" + r.placeholder(kindSession, session)
		if len(value) >= 8 {
			r.secrets.add(value)
		}
	} else {
		name = r.value(name)
	}
	return name + "=" + r.placeholder(kindCookie, value)
}

// location redacts a URL, whose host may be one that nothing else names.
func (r *redactor) location(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return leftOut
	}
	if u.User != nil || u.RawQuery != "" {
		u.User, u.RawQuery = nil, ""
	}
	if u.Host != "" {
		u.Host = r.placeholder(kindHost, u.Host)
	}
	u.Path = r.path(u.Path)
	return u.String()
}

// path redacts a path from /icws on: what stands before is a proxy's.
func (r *redactor) path(text string) string {
	if i := strings.Index(strings.ToLower(text), "/icws/"); i >= 0 {
		text = text[i:]
		segments := strings.SplitN(text, "/", 4) // "", icws, session, rest
		if len(segments) > 2 && segments[2] != "connection" {
			segments[2] = r.placeholder(kindSession, segments[2])
			return r.person(strings.Join(segments, "/"))
		}
		return text
	}
	return r.value(text)
}

// hostOf is the placeholder of the host that a request is for. Behind a proxy it
// is a segment of the path (protocol.md, 5.4).
func (r *redactor) hostOf(request *http.Request) string {
	prefix, _, _ := strings.Cut(request.URL.Path, "/icws")
	for segment := range strings.SplitSeq(prefix, "/") {
		if p, found := r.known[kindHost+" "+strings.ToLower(withoutPort(segment))]; found {
			return p
		}
	}
	return r.placeholder(kindHost, request.URL.Host)
}

// ofPeople are the resources that name people, who are nobody's business
// (protocol-users.md, 1).
var ofPeople = []string{userStatus, "/configuration/users", "/configuration/workgroups/"}

// userStatus is the resource of the status of one user, whose id follows.
const userStatus = "/status/user-statuses"

func namesPeople(path string) bool {
	return slices.ContainsFunc(ofPeople, func(resource string) bool { return strings.Contains(path, resource) })
}

// person puts a placeholder in the place of the user whose status a path asks for.
func (r *redactor) person(path string) string {
	before, id, found := strings.Cut(path, userStatus+"/")
	if !found {
		return path
	}
	return before + userStatus + "/" + r.placeholder(kindPerson, id)
}
