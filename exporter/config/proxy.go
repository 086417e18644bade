package config

import (
	"net/url"

	"go.yaml.in/yaml/v4"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

// ProxyURL is the address of an HTTP or SOCKS proxy. It prints without the user
// and the password that it may hold. The zero ProxyURL is no proxy.
type ProxyURL struct {
	full  secret.Text
	shown string
}

func parseProxyURL(text string) (ProxyURL, bool) {
	u, err := url.Parse(text)
	if err != nil || !icws.ValidHost(u.Host) || u.RawQuery != "" || u.Fragment != "" || len(u.Path) > 1 {
		return ProxyURL{}, false
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return ProxyURL{secret.New(text), u.Scheme + "://" + u.Host}, true
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
func (p ProxyURL) password() secret.Text {
	u := p.URL()
	if u == nil || u.User == nil {
		return secret.Text{}
	}
	password, _ := u.User.Password()
	return secret.New(password)
}

// IsZero reports whether there is no proxy.
func (p ProxyURL) IsZero() bool { return p.shown == "" }

// String is the scheme, host and port.
func (p ProxyURL) String() string { return p.shown }

// proxyURL reads the URL of a proxy; empty undoes that of the defaults.
func proxyURL() value[Server] {
	parse := func(n *yaml.Node) (ProxyURL, string) {
		proxy, ok := parseProxyURL(n.Value)
		if n.Value != "" && (!ok || len(n.Value) > 2048) {
			return ProxyURL{}, "not the URL of a proxy"
		}
		return proxy, ""
	}
	return plain("URL", "a URL such as http://proxy:3128, with http, https, socks5 or socks5h, or nothing for no proxy",
		func(s *Server) *ProxyURL { return &s.HTTP.ProxyURL }, parse, func(p ProxyURL) *yaml.Node { return scalar(p.String()) },
		"proxy", "proxy:3128", "ftp://proxy:21", "http://", "http://proxy:0", "http://proxy/path", "'http://proxy?x'")
}
