package config

import (
	"net/url"

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

// MarshalText is String.
func (p ProxyURL) MarshalText() ([]byte, error) { return []byte(p.shown), nil }
