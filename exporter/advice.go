package exporter

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icws"
)

// advise logs a warning for what works now, but will not do so for long.
func (r *Reloader) advise(v config.Validated) {
	if shared := sameAccount(v.Servers()); len(shared) > 0 {
		r.fleet.opts.Logger.Warn(advice.For(advice.SameAccount, advice.About{}).Line(),
			"servers", nameList(shared))
	}
	servers := len(r.fleet.current.Load().watches)
	limit, known := descriptorLimit()
	if needed := descriptorsFor(servers); known && limit < needed && servers > r.advised {
		r.advised = servers
		r.fleet.opts.Logger.Warn(advice.For(advice.FewDescriptors, advice.About{}).Line(),
			"servers", servers, "limit", limit, "needed", needed)
	}
}

// descriptorsFor is how many file descriptors so many servers may take: the stream
// and the requests of each, a file that is being read, and the pages' own.
func descriptorsFor(servers int) uint64 { return 3*uint64(servers) + 1200 }

// sameAccount returns the servers that log on at the same host as the same user, as
// "a + b".
func sameAccount(servers []config.Server) []string {
	names := make(map[string][]string)
	for _, s := range servers {
		for _, host := range s.Hosts {
			if base, err := icws.ExpandURL(s.URL, host); err == nil {
				account := placeOf(base) + " " + strings.ToLower(s.User)
				names[account] = append(names[account], s.Name)
			}
		}
	}
	var shared []string
	for _, same := range names {
		slices.Sort(same)
		if same = slices.Compact(same); len(same) > 1 {
			shared = append(shared, first(same, " + "))
		}
	}
	slices.Sort(shared)
	return slices.Compact(shared) // a pair of hosts has them twice
}

// placeOf is the same for every spelling of the place that a URL leads to. ICWS has
// no case in hosts and users, and one Session Manager behind both its ports.
func placeOf(base *url.URL) string {
	name, port := strings.ToLower(strings.TrimSuffix(base.Hostname(), ".")), base.Port()
	if address, err := netip.ParseAddr(name); err == nil {
		name = address.Unmap().String()
	}
	if name == "localhost" || name == "::1" {
		name = "127.0.0.1"
	}
	switch {
	case port == "8018" && base.Scheme == "http", port == "8019" && base.Scheme == "https":
		port = "icws"
	case port == "" && base.Scheme == "http":
		port = "80"
	case port == "":
		port = "443"
	}
	return name + " " + port + " " + strings.ToLower(strings.Trim(base.Path, "/"))
}
