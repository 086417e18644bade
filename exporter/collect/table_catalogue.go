package collect

import (
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

var (
	labelGroup = Label{Name: "group", Grows: PerGroup}
	labelFlag  = Label{Name: "flag", Values: valuesOf[catalogue.Flag](catalogue.NumFlags)}
)

// The live copy of the status messages.
var (
	MetricCatalogueEntries = define(Family{
		Name:   "icws_catalogue_entries",
		Help:   "Status messages that the server has; no series while the catalogue is stale.",
		server: whenFresh(value(func(r *reading) float64 { return float64(r.snapshot.Entries) })),
	})
	MetricStatuses = define(Family{
		Name:   "icws_statuses",
		Help:   "Status messages by group: (none) are those without one, (other) are the groups beyond limits.groups; no series while the catalogue is stale.",
		Labels: []Label{labelGroup},
		server: whenFresh(func(r *reading, out *samples) {
			for i := range r.snapshot.Groups {
				g := &r.snapshot.Groups[i]
				out.add(0, float64(g.Entries), g.Group)
			}
		}),
	})
	MetricStatusesFlagged = define(Family{
		Name:   "icws_statuses_flagged",
		Help:   "Status messages that have the flag set, by group and flag, as in icws_statuses; no series while the catalogue is stale.",
		Labels: []Label{labelFlag, labelGroup},
		server: whenFresh(func(r *reading, out *samples) {
			for i := range r.snapshot.Groups {
				g := &r.snapshot.Groups[i]
				for flag, n := range g.Flagged {
					out.add(flag, float64(n), g.Group)
				}
			}
		}),
	})
	MetricCatalogueGroups = define(Family{
		Name:   "icws_catalogue_groups",
		Help:   "Groups that the server uses, before any are folded into (other); no series while the catalogue is stale.",
		server: whenFresh(value(func(r *reading) float64 { return float64(r.snapshot.DistinctGroups) })),
	})
	MetricCatalogueHash = define(Family{
		Name:   "icws_catalogue_hash",
		Help:   "Hash of 48 bits over the ids, groups and flags of all status messages: equal catalogues have equal values in every language; no series while the catalogue is stale.",
		server: whenFresh(value(func(r *reading) float64 { return float64(r.snapshot.Hash) })),
	})
	MetricCatalogueStale = define(Family{
		Name:   "icws_catalogue_stale",
		Help:   "1 when the catalogue was never verified or not for too long, so that its counts are withheld; else 0.",
		server: value(func(r *reading) float64 { return number(!r.fresh) }),
	})
	MetricCatalogueLastVerified = define(Family{
		Name:   "icws_catalogue_last_verified_timestamp_seconds",
		Help:   "Unix time in seconds of the last full list or equal audit; no series before the first one.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.Feeds[probe.StatusMessages].LastVerified }),
	})
	MetricCatalogueLastFull = define(Family{
		Name:   "icws_catalogue_last_full_timestamp_seconds",
		Help:   "Unix time in seconds of the last full list; no series before the first one.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.Feeds[probe.StatusMessages].LastFull }),
	})
	MetricCatalogueLastChange = define(Family{
		Name:   "icws_catalogue_last_change_timestamp_seconds",
		Help:   "Unix time in seconds at which the catalogue changed last; no series before the first change.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.Feeds[probe.StatusMessages].LastChange }),
	})
)

// What happened to the live copy.
var (
	MetricCatalogueChanges = define(Family{
		Name:   "icws_catalogue_changes_total",
		Type:   Counter,
		Help:   "Status messages that were added, changed or removed, by a delta or by a full list.",
		Labels: []Label{{Name: "change", Values: valuesOf[catalogue.Change](catalogue.NumChanges)}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.changes[:] }),
	})
	MetricCatalogueDrift = define(Family{
		Name:   "icws_catalogue_drift_total",
		Type:   Counter,
		Help:   "Status messages that a full list corrected although no delta had announced it: the server had not told everything.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.drift }),
	})
	MetricCatalogueAnomalies = define(Family{
		Name:   "icws_catalogue_anomalies_total",
		Type:   Counter,
		Help:   "Contradictions between a message and the catalogue, by kind, such as a removed status that was not in it; the next check settles them.",
		OptIn:  detailFlag,
		Labels: []Label{{Name: "anomaly", Values: valuesOf[catalogue.Anomaly](catalogue.NumAnomalies)}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.anomalies[:] }),
	})
	MetricCatalogueResyncs = define(Family{
		Name:   "icws_catalogue_resyncs_total",
		Type:   Counter,
		Help:   "Requests for the whole catalogue, by reason.",
		OptIn:  detailFlag,
		Labels: []Label{{Name: "reason", Values: valuesOf[probe.ResyncReason](probe.NumResyncReasons)}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.resyncs[:] }),
	})
)
