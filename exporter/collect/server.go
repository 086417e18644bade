package collect

import (
	"sync"
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// Source publishes what a probe knows. Snapshot must return at once and never
// nil; every scrape calls it.
type Source interface {
	Snapshot() *probe.Snapshot
}

// StatusSource is a Source that also publishes its status messages, for the
// opt-in families icws_status_info and icws_status_flag. Statuses must return at
// once, a slice that is never changed afterwards: the same one until the list
// differs.
type StatusSource interface {
	Source
	Statuses() []catalogue.Entry
}

// ServerMetrics counts the events of one server. It is the probe.Observer of
// whichever probe watches the server and outlives them: its counters start at 0
// when the name is added and end when it is removed. Set.Add makes one. Any
// goroutine may use it.
type ServerMetrics struct {
	set         *Set
	id          uint64 // of no other one
	name        string // a legal label value
	escapedName string
	created     time.Time // when the counters began at 0
	site        atomic.Pointer[string]
	source      atomic.Pointer[Source] // never nil
	statuses    statusChoice

	operations     [icws.NumOperations]atomic.Pointer[operationMetrics] // nil before the first request
	errorResponses [numErrorIDs]atomic.Uint64
	receivedBytes  atomic.Uint64
	heartbeats     atomic.Uint64

	alternatesRejected atomic.Uint64
	sessionsAbandoned  atomic.Uint64
	sessionOpens       atomic.Uint64
	openFailures       [probe.NumOpenFailures]atomic.Uint64
	sessionCloses      [probe.NumCloseReasons]atomic.Uint64
	switchovers        atomic.Uint64
	breakerTransitions [probe.NumBreakerStates]atomic.Uint64
	breakerRejections  atomic.Uint64

	subscriptions [probe.NumSubscriptions]subscriptionMetrics

	changes   [catalogue.NumChanges]atomic.Uint64
	anomalies [catalogue.NumAnomalies]atomic.Uint64
	drift     atomic.Uint64
	resyncs   [probe.NumResyncReasons]atomic.Uint64

	userMoves userMoves
}

// Watch makes source what the server's gauges are read from, in place of the
// former one; nil means that nothing watches the server now.
func (m *ServerMetrics) Watch(source Source) {
	if source == nil {
		source = &unwatched{probe.Snapshot{State: probe.StateConnecting, StateSince: m.created, Heartbeat: m.created}}
	}
	m.source.Store(&source)
}

// unwatched is the source of a server while there is none: a probe that has not begun.
type unwatched struct{ snapshot probe.Snapshot }

func (u *unwatched) Snapshot() *probe.Snapshot { return &u.snapshot }

// noStatusSeries is the limit of a Set that has no series per status at all.
const noStatusSeries = -1

// read takes a reading at now, with at most maxStatuses status messages, and users of
// at most usersOf statuses, in full detail or not.
func (m *ServerMetrics) read(now time.Time, maxStatuses, usersOf int, full bool) reading {
	source := *m.source.Load()
	s := source.Snapshot()
	r := reading{ServerMetrics: m, snapshot: s, now: now, fresh: s.Fresh(now), full: full, maxStatuses: usersOf}
	if published, ok := source.(StatusSource); ok && maxStatuses >= 0 {
		r.chosen, r.notChosen = m.statuses.choose(published.Statuses(), maxStatuses)
	}
	return r
}

// statusChoice is which status messages of a server have series. The choice is
// sticky: what is exposed stays while it exists.
type statusChoice struct {
	mu     sync.Mutex
	from   []catalogue.Entry
	limit  int
	rows   []catalogue.Entry
	folded int
}

// choose returns at most limit of the entries, with ids that are distinct label
// values, and how many were left out.
func (c *statusChoice) choose(entries []catalogue.Entry, limit int) (rows []catalogue.Entry, folded int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit == c.limit && len(entries) == len(c.from) && (len(entries) == 0 || &entries[0] == &c.from[0]) {
		return c.rows, c.folded
	}
	former := make(map[string]bool, len(c.rows))
	for _, e := range c.rows {
		former[e.ID] = true
	}
	taken := make(map[string]bool, limit)
	var chosen []catalogue.Entry
	for _, kept := range []bool{true, false} {
		for _, e := range entries {
			e.ID = labelValue(e.ID)
			if len(chosen) < limit && former[e.ID] == kept && !taken[e.ID] {
				taken[e.ID] = true
				chosen = append(chosen, e)
			}
		}
	}
	c.limit = limit
	c.from, c.rows, c.folded = entries, chosen, len(entries)-len(chosen)
	return c.rows, c.folded
}
