package exporter

import (
	"slices"
	"strings"

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icws"
)

// advise logs a warning for what works now, but will not do so for long.
func (r *Reloader) advise(v config.Validated) {
	if rivals := rivalsAmong(v.Servers()); len(rivals) > 0 {
		r.fleet.opts.Logger.Warn("servers with the same host and the same user: each log-on may end the session of the other; remove one or give it another user",
			"servers", nameList(rivals))
	}
	servers := len(r.fleet.current.Load().watches)
	limit, known := descriptorLimit()
	if needed := descriptorsFor(servers); known && limit < needed && servers > r.advised {
		r.advised = servers
		r.fleet.opts.Logger.Warn("the limit on open files is too low for so many servers, so that connections may fail; raise it with LimitNOFILE= in the systemd unit or ulimit -n in the shell, and restart",
			"servers", servers, "limit", limit, "needed", needed)
	}
}

// descriptorsFor is how many file descriptors so many servers may take: the stream
// and the requests of each, a file that is being read, and the pages' own.
func descriptorsFor(servers int) uint64 { return 3*uint64(servers) + 1200 }

// rivalsAmong returns the servers that log on at the same host as the same user, as
// "a + b". ICWS tells neither hosts nor users apart by case.
func rivalsAmong(servers []config.Server) []string {
	names := make(map[string][]string)
	for _, s := range servers {
		for _, host := range s.Hosts {
			if base, err := icws.ExpandURL(s.URL, host); err == nil {
				logOn := strings.ToLower(base.String() + " " + s.User)
				names[logOn] = append(names[logOn], s.Name)
			}
		}
	}
	var rivals []string
	for _, same := range names {
		slices.Sort(same)
		if same = slices.Compact(same); len(same) > 1 {
			rivals = append(rivals, first(same, " + "))
		}
	}
	slices.Sort(rivals)
	return slices.Compact(rivals) // a pair of hosts has them twice
}
