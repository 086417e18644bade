package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"icws_exporter/probe/icws"
)

// ServerUser is a user on one server, in one spelling; equal ones are the same. Sessions,
// log-ons and refused passwords belong to it and not to a probe, which a reload
// replaces.
type ServerUser struct{ server, user string }

// ServerUsers returns the user on each configured host, without repetition.
func (c Config) ServerUsers() []ServerUser {
	var all []ServerUser
	for _, host := range c.Hosts {
		if a := c.serverUserAt(host); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// serverUserAt returns the user on a host. A host that cannot be reached at all has
// one too, so that nothing has to be decided here.
func (c Config) serverUserAt(host string) ServerUser {
	a := ServerUser{server: strings.ToLower(host), user: strings.ToLower(c.User)}
	if base, err := icws.ExpandURL(c.URL, host); err == nil {
		a.server = serverOf(base)
	}
	return a
}

// serverOf is the same for every spelling of the place that a URL leads to. ICWS has
// no case in hosts and users, and one Session Manager behind both its ports.
func serverOf(base *url.URL) string {
	name, port := strings.TrimSuffix(strings.ToLower(base.Hostname()), "."), base.Port()
	if address, err := netip.ParseAddr(name); err == nil {
		name = address.Unmap().String()
	}
	if name == "localhost" || name == "::1" {
		name = "127.0.0.1"
	}
	switch base.Scheme + " " + port {
	case "http 8018", "https 8019":
		port = "" // those of ICWS
	case "http ":
		port = "80"
	case "https ":
		port = "443"
	}
	if port != "" {
		name = net.JoinHostPort(name, port)
	}
	return name + strings.ToLower(strings.TrimRight(base.EscapedPath(), "/"))
}

// digest tells passwords apart and gives none away: its key is random and never
// leaves the process.
type digest [sha256.Size]byte

type digestKey [32]byte

func newDigestKey() (k digestKey) {
	rand.Read(k[:]) // never fails
	return k
}

func (k *digestKey) of(password string) (d digest) {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(password))
	mac.Sum(d[:0])
	return d
}
