package exporter

import (
	"slices"

	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/config"
	"icws_exporter/probe"
)

// advise logs a warning for what works now, but will not do so for long.
func (r *Reloader) advise(v config.Validated) {
	if shared := SharedUsers(v.Servers()); len(shared) > 0 {
		r.fleet.opts.Logger.Warn(advice.For(advice.SameUser, advice.About{}).Line(),
			"servers", nameList(shared))
	}
	servers := len(r.fleet.current.Load().watched)
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

// SharedUsers returns the servers that log on at the same host as the same user,
// as "a + b".
func SharedUsers(servers []config.Server) []string {
	names := make(map[probe.ServerUser][]string)
	for _, s := range servers {
		for _, serverUser := range s.Probe(config.Limits{}).ServerUsers() {
			names[serverUser] = append(names[serverUser], s.Name)
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
