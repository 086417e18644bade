package collect

import (
	"strings"

	"icws_exporter/probe"
)

// The exporter itself.
var (
	MetricExporterBuildInfo = define(Family{
		Name: "icws_exporter_build_info",
		Help: "Always 1; the labels say what the exporter was built from.",
		Labels: []Label{
			{Name: "version"}, {Name: "revision"}, {Name: "branch"}, {Name: "goversion"},
			{Name: "goos"}, {Name: "goarch"}, {Name: "tags"},
		},
		exporter: func(s *scrape, out *samples) {
			b := &s.set.opts.Build
			out.add(0, 1, b.Version, b.Revision, b.Branch, b.GoVersion, b.GoOS, b.GoArch, b.Tags)
		},
	})
	MetricExporterWebInfo = define(Family{
		Name:   "icws_exporter_web_info",
		Help:   "Always 1; the label is --web.external-url, below which the alerts link to the runbooks. No series without the flag.",
		Labels: []Label{{Name: "external_url"}},
		exporter: func(s *scrape, out *samples) {
			if u := s.set.opts.ExternalURL; u != nil {
				out.add(0, 1, strings.TrimRight(u.String(), "/"))
			}
		},
	})
	MetricExporterStartTime = define(Family{
		Name:     "icws_exporter_start_time_seconds",
		Help:     "Unix time in seconds at which the exporter started: it changes with every restart, on every platform.",
		exporter: func(s *scrape, out *samples) { out.add(0, seconds(s.set.created)) },
	})
	MetricExporterConfigLastReloadSuccessful = define(Family{
		Name: "icws_exporter_config_last_reload_successful",
		Help: "1 when the configuration was accepted the last time it was loaded; 0 when it was refused and the last good one stays.",
		exporter: func(s *scrape, out *samples) {
			if r := s.set.reload.Load(); r != nil {
				out.add(0, number(r.ok))
			}
		},
	})
	MetricExporterConfigLastReloadSuccess = define(Family{
		Name: "icws_exporter_config_last_reload_success_timestamp_seconds",
		Help: "Unix time in seconds at which a configuration was last accepted; no series before the first one.",
		exporter: func(s *scrape, out *samples) {
			if r := s.set.reload.Load(); r != nil && !r.at.IsZero() {
				out.add(0, seconds(r.at))
			}
		},
	})
	MetricExporterConfigHash = define(Family{
		Name: "icws_exporter_config_hash",
		Help: "Hash of 48 bits over the configuration in effect, secrets left out: exporters with equal configurations have equal values.",
		exporter: func(s *scrape, out *samples) {
			if r := s.set.reload.Load(); r != nil && !r.at.IsZero() {
				out.add(0, float64(r.hash))
			}
		},
	})
	MetricExporterServers = define(Family{
		Name:   "icws_exporter_servers",
		Help:   "Servers that this exporter watches, by the state of their probe.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.State](probe.NumStates)}},
		exporter: func(s *scrape, out *samples) {
			var servers [probe.NumStates]int
			for i := range s.servers {
				servers[s.servers[i].snapshot.State]++
			}
			for state, n := range servers {
				out.add(state, float64(n))
			}
		},
	})
	MetricExporterSeriesFolded = define(Family{
		Name:   "icws_exporter_series_folded",
		Help:   "Label values that a limit keeps out: groups folded into (other) of icws_statuses, and status messages without icws_status_info.",
		Labels: []Label{{Name: "family", Values: []string{"icws_statuses", "icws_status_info"}}},
		exporter: func(s *scrape, out *samples) {
			groups, statuses := 0, 0
			for i := range s.servers {
				groups += s.servers[i].snapshot.FoldedGroups
				statuses += s.servers[i].notChosen
			}
			out.add(0, float64(groups))
			out.add(1, float64(statuses))
		},
	})
	MetricExporterLogMessages = define(Family{
		Name:   "icws_exporter_log_messages_total",
		Type:   Counter,
		Help:   "Messages that the exporter logged, by level.",
		Labels: []Label{{Name: "level", Values: logLevels}},
		exporter: func(s *scrape, out *samples) {
			for i := range s.set.logMessages {
				out.add(i, float64(s.set.logMessages[i].Load()))
			}
		},
	})
	MetricExporterWebConfigLastReloadSuccessful = define(Family{
		Name: "icws_exporter_web_config_last_reload_successful",
		Help: "1 while the web configuration file is in effect as it is; 0 when it has a mistake or takes protection off, and the last good one stays. No series without such a file.",
		exporter: func(s *scrape, out *samples) {
			if ok := s.set.webConfig.Load(); ok != nil {
				out.add(0, number(*ok))
			}
		},
	})
	MetricExporterLogLinesDropped = define(Family{
		Name: "icws_exporter_log_lines_dropped_total",
		Type: Counter,
		Help: "Lines of the log that were lost: the reader of the log was too slow, or they could not be written.",
		exporter: func(s *scrape, out *samples) {
			dropped := uint64(0)
			if s.set.opts.LogLinesDropped != nil {
				dropped = s.set.opts.LogLinesDropped()
			}
			out.add(0, float64(dropped))
		},
	})
	MetricExporterShards = define(Family{
		Name:     "icws_exporter_shards",
		Help:     "Exporters among which the configured servers are divided.",
		exporter: func(s *scrape, out *samples) { out.add(0, float64(s.set.shard.Load().total)) },
	})
	MetricExporterShardOrdinal = define(Family{
		Name:     "icws_exporter_shard_ordinal",
		Help:     "Number of this exporter among icws_exporter_shards, from 0.",
		exporter: func(s *scrape, out *samples) { out.add(0, float64(s.set.shard.Load().ordinal)) },
	})
)
