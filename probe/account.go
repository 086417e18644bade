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

// account is a user on one server, in one spelling. Sessions, log-ons and refused
// passwords belong to it and not to a probe, which a reload replaces.
type account struct{ server, user string }

// accountAt returns the account of cfg on a host. A host that cannot be reached at
// all has one too, so that nothing has to be decided here.
func (c Config) accountAt(host string) account {
	a := account{server: strings.ToLower(host), user: strings.ToLower(c.User)}
	if base, err := icws.ExpandURL(c.URL, host); err == nil {
		a.server = serverOf(base)
	}
	return a
}

// accounts returns the account on each configured host, without repetition.
func (c Config) accounts() []account {
	var all []account
	for _, host := range c.Hosts {
		if a := c.accountAt(host); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// serverOf writes the address of a server in one way: other case, a default port
// that is spelled out, and other forms of an IP address make no other server.
func serverOf(base *url.URL) string {
	name, port := strings.TrimSuffix(strings.ToLower(base.Hostname()), "."), base.Port()
	if address, err := netip.ParseAddr(name); err == nil {
		name = address.Unmap().String()
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	return net.JoinHostPort(name, port) + strings.TrimRight(base.EscapedPath(), "/")
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
