package config

import (
	"net/url"

	"go.yaml.in/yaml/v4"

	"icws_exporter/probe/icws"
)

// ProxyURL is the address of an HTTP or SOCKS proxy. It prints without the user
// and the password that it may hold. The zero ProxyURL is no proxy.
type ProxyURL struct {
	full  Secret
	shown string
}

func parseProxyURL(text string) (ProxyURL, bool) {
	u, err := url.Parse(text)
	if err != nil || !icws.ValidHost(u.Host) || u.RawQuery != "" || u.Fragment != "" || len(u.Path) > 1 {
		return ProxyURL{}, false
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return ProxyURL{NewSecret(text), u.Scheme + "://" + u.Host}, true
	}
	return ProxyURL{}, false
}

// URL returns the whole address, or nil when there is no proxy.
func (p ProxyURL) URL() *url.URL {
	if p.IsZero() {
		return nil
	}
	u, err := url.Parse(p.full.Reveal())
	if err != nil {
		return nil
	}
	return u
}

// password is that of the address, empty without one.
func (p ProxyURL) password() Secret {
	u := p.URL()
	if u == nil || u.User == nil {
		return Secret{}
	}
	password, _ := u.User.Password()
	return NewSecret(password)
}

// IsZero reports whether there is no proxy.
func (p ProxyURL) IsZero() bool { return p.shown == "" }

// String is the scheme, host and port.
func (p ProxyURL) String() string { return p.shown }

// proxyURL reads the URL of a proxy; empty undoes that of the defaults.
func proxyURL() value[Server] {
	const want = "a URL such as http://proxy:3128, with http, https, socks5 or socks5h, or nothing for no proxy"
	read := func(r *resolver, into *Server, f field) bool {
		value, ok := r.word(f, want)
		if !ok {
			return false
		}
		into.HTTP.ProxyURL = ProxyURL{}
		if value == "" {
			return true
		}
		if into.HTTP.ProxyURL, ok = parseProxyURL(value); !ok || len(value) > 2048 {
			r.add(f.at, "not the URL of a proxy; expected %s", want)
			return false
		}
		return true
	}
	return value[Server]{
		kind: "URL", want: want, read: read, show: func(s *Server) *yaml.Node { return scalar(s.HTTP.ProxyURL.String()) },
		bad: []string{"proxy", "proxy:3128", "ftp://proxy:21", "http://", "http://proxy:0", "http://proxy/path", "'http://proxy?x'"},
	}
}
