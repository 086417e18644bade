package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"icws_exporter/probe/icws"
)

const hostPlace = "{host}"

// isServerName refuses the two names that the path of a page cannot hold.
func isServerName(name string) bool { return name != "." && name != ".." }

// isCertificateName accepts names and addresses without a port.
func isCertificateName(name string) bool {
	return icws.ValidHost(name) && (!strings.Contains(name, ":") || strings.Count(name, ":") > 1)
}

// isHostGlob accepts what can match a host name. The probe compares without the
// port, so a glob with one would never match.
func isHostGlob(glob string) bool {
	if _, err := path.Match(glob, ""); err != nil {
		return false
	}
	for _, c := range []byte(glob) {
		isHost := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.:", c) >= 0
		if !isHost && strings.IndexByte("*?[]^", c) < 0 {
			return false
		}
	}
	return strings.Count(glob, ":") != 1
}

// baseURL reads the template of the base URL. Its problems do not repeat it: it may
// hold a password that does not belong there.
func baseURL() value[Server] {
	reading := func(want string) value[Server] {
		return plain("URL", want, func(s *Server) *string { return &s.URL },
			func(n *yaml.Node) (string, string) { return n.Value, wrongWithURL(n.Value) }, scalar,
			`""`, "cic-a", "cic-a:8019", "ftp://cic-a", "https://", "'https://{host}:8019?x'", "'https://{host}:8019#x'", "'https://{host}:8019/{site}'",
			"'https://{host}:8019/icws'", "https://svc:pw@cic-a", "https://cic-a:99999", "'https://{host}/{host}'")
	}
	v := reading("a URL such as https://{host}:8019 or https://proxy/app/api/{host}")
	inFile, byFlag := v.read, reading("one host or URL, such as cic.example.com or https://cic.example.com:8019; repeat --server for more").read
	v.read = func(r *resolver, into *Server, f field) bool {
		if r.file == "" {
			return byFlag(r, into, f)
		}
		return inFile(r, into, f)
	}
	return v
}

func wrongWithURL(value string) string {
	scheme, rest, _ := strings.Cut(value, "://")
	authority, _, _ := strings.Cut(rest, "/")
	switch {
	case len(value) > 2048:
		return "longer than 2048 bytes"
	case strings.ContainsAny(value, ", "):
		return "has a comma or a blank, as a list has"
	case scheme != "http" && scheme != "https":
		return "the scheme is neither http nor https"
	case strings.Contains(authority, "@"):
		return "a user or password in a URL is not allowed, because URLs are shown"
	case strings.ContainsAny(value, "?#"):
		return "a query or fragment is not allowed"
	case strings.Count(value, hostPlace) > 1:
		return "{host} stands there more than once"
	}
	if !isPrintable(value) {
		return "not a valid URL"
	}
	if _, err := icws.ExpandURL(value, "host"); err != nil {
		return "not a valid URL"
	}
	if before, found := beforeICWS(value); found {
		return "ends with /icws, which the exporter adds itself; write " + before + " instead"
	}
	return ""
}

// beforeICWS returns what stands before /icws in a URL that goes on to ICWS's own
// resources, as vendor material writes it.
func beforeICWS(value string) (before string, found bool) {
	scheme, rest, _ := strings.Cut(value, "://")
	authority, path, _ := strings.Cut(rest, "/")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if strings.EqualFold(segments[i], "icws") {
			return scheme + "://" + strings.Join(append([]string{authority}, segments[:i]...), "/"), true
		}
		if !strings.EqualFold(segments[i], "connection") {
			break
		}
	}
	return "", false
}

// fixHosts makes hosts and URL agree: a template needs hosts, and a URL without
// {host} is its own only host.
func (r *resolver) fixHosts(s *Server, l layer) {
	hosts, given := l.fields["hosts"]
	if !strings.Contains(s.URL, hostPlace) {
		own := ownHost(s.URL)
		if given && !slices.Equal(s.Hosts, own) {
			r.add(l.fields["url"].at, "has no {host}, so that the hosts have no effect; expected {host} in it, or no hosts")
		}
		s.Hosts = own
		return
	}
	if !given {
		r.require(l, "hosts", "the hosts of the server, because its url has {host}, or a url without {host}")
	} else if len(s.Hosts) == 0 {
		r.add(hosts.at, "empty; expected at least one host")
	}
	for i, host := range s.Hosts {
		if _, err := icws.ExpandURL(s.URL, host); err != nil {
			r.add(place{hosts.at.line, hosts.at.column, fmt.Sprintf("%s[%d]", hosts.at.key, i)},
				"does not fit into the url; expected a host that makes a valid URL there")
		}
	}
}

// ownHost is the host of a URL without {host}, which readURL accepted.
func ownHost(url string) []string {
	u, err := icws.ExpandURL(url, "")
	if err != nil {
		return nil
	}
	return []string{u.Host}
}
