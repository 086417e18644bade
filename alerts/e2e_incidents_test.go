//go:build e2e

package alerts

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// incident is one thing that goes wrong, on a server of its own: once with the event
// stream and once with polling, unless it is only a matter of one of them.
type incident struct {
	name string
	what string // in one sentence
	only string // a transport; empty: both
	// options is the simulated server; more adds keys to its configuration, and
	// moreAfter replaces them when the incident is over.
	options         icwssim.Options
	more, moreAfter string
	// every repeats begin that often; 0: once.
	every      time.Duration
	begin, end func(*site)

	delivered []string // what the Alertmanager delivers
	muted     []string // what fires as well and is muted
	// may are delivered or not, as the moments of the run fall.
	may []string
}

var soon = 1

// down is the page of a server that is not up.
const down = "IcwsServerDown critical"

var incidents = []incident{
	{name: "steady", what: "Nothing is wrong; statuses change now and then."},
	{
		name: "session-killed", what: "The server forgets our session once.",
		begin: func(s *site) { s.server.ExpireSessions() },
	},
	{
		name: "unauthorized-wave", what: "The server forgets our sessions again and again.",
		every: 7 * time.Second, begin: func(s *site) { s.server.ExpireSessions() },
		delivered: []string{"IcwsRequestErrors warning"},
		may:       []string{"IcwsAvailabilityBudgetBurn critical"}, // each new session takes as long as in real time
	},
	{
		name: "cookie-stripped", what: "A proxy strips the cookie from every request.",
		begin:     func(s *site) { s.stripsCookie.Store(true) },
		end:       func(s *site) { s.stripsCookie.Store(false) },
		moreAfter: ", language: en-GB",
		delivered: []string{down, "IcwsRequestErrors warning"},
		may:       []string{"IcwsWatchedBudgetBurn warning"},
	},
	{
		name: "server-errors", what: "The server answers 500 to everything.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			s.server.ExpireSessions()
		},
		end:       clearFaults,
		delivered: []string{down},
		may:       []string{"IcwsRequestErrors warning", "IcwsSessionUnstable warning"},
	},
	{
		name: "requests-failing", what: "Two of three polls are answered with 500.", only: "poll",
		more:  ", poll_interval: 4s, breaker: {failures: 9, open_for: 3s}",
		every: 4 * time.Second, begin: func(s *site) {
			s.server.Clear()
			s.server.Inject(icwssim.Fault{Operation: "poll", Code: http.StatusInternalServerError, Count: 2})
		},
		end:       clearFaults,
		delivered: []string{"IcwsRequestErrors warning"},
		// In this short time every third failure in a row ends a session.
		may: []string{"IcwsRequestsFailing critical", "IcwsSessionUnstable warning", "IcwsAvailabilityBudgetBurn critical"},
	},
	{
		name: "not-found", what: "A proxy answers 404 to the log-on.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Operation: "connect", Code: http.StatusNotFound})
			s.server.ExpireSessions()
		},
		end:       clearFaults,
		delivered: []string{down, "IcwsRequestErrors warning"},
	},
	{
		name: "not-answering", what: "The server takes connections and answers nothing.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Drop: true}); s.front.CloseClientConnections() },
		end:       clearFaults,
		delivered: []string{down},
		may:       []string{"IcwsRequestErrors warning", "IcwsSessionUnstable warning"},
	},
	{
		name: "flapping", what: "The server answers 500 for almost 5 minutes, and again and again.",
		every: 24 * time.Second, begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			s.server.ExpireSessions()
			time.AfterFunc(13*time.Second, func() { s.server.Clear() })
		},
		end:       clearFaults,
		delivered: []string{"IcwsAvailabilityBudgetBurn critical", "IcwsRequestErrors warning"},
		may:       []string{"IcwsSessionUnstable warning"},
	},
	{
		name: "password-expired", what: "The password is not accepted any more, until somebody writes the new one into the file.",
		begin:     func(s *site) { s.server.SetPassword("new"); s.server.ExpireSessions() },
		end:       func(s *site) { s.writePassword("new") },
		delivered: []string{down},
		may:       []string{"IcwsWatchedBudgetBurn warning"},
	},
	{
		name: "displaced", what: "An administrator ends our session and asks us not to come back.",
		begin:     func(s *site) { s.server.EndSessions(false) },
		moreAfter: ", language: en-GB",
		delivered: []string{down},
		may:       []string{"IcwsWatchedBudgetBurn warning"},
	},
	{
		name: "gone", what: "The server answers 410 to the subscription.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusGone})
			s.server.ExpireSessions()
		},
		end: clearFaults, moreAfter: ", language: en-GB",
		delivered: []string{down, "IcwsRequestErrors warning"},
		may:       []string{"IcwsWatchedBudgetBurn warning"},
	},
	{
		name: "gone-in-part", what: "The server answers 410 to the switchover status.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Operation: "switchover_status", Code: http.StatusGone}) },
		end:       func(s *site) { s.server.Clear(); s.server.ExpireSessions() },
		delivered: []string{"IcwsRequestErrors warning"},
	},
	{
		name: "not-delivering", what: "The server accepts the subscription and delivers nothing.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}) },
		end:       clearFaults,
		delivered: []string{down},
		may:       []string{"IcwsSessionUnstable warning", "IcwsLatencyBudgetBurn warning"},
	},
	{
		name: "lost-deltas", what: "The server loses the messages about changes.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas}) },
		end:       clearFaults,
		delivered: []string{"IcwsMessagesMissed warning"},
	},
	{
		name: "slow-delivery", what: "Messages come after more than 2 seconds.", only: "poll",
		more:      ", delivery_timeout: 9s, request_timeout: 9s",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Operation: "poll", Delay: 2500 * time.Millisecond}) },
		end:       clearFaults,
		delivered: []string{"IcwsLatencyBudgetBurn warning"},
	},
	{
		name: "delta-burst", what: "A script edits the statuses without end.",
		every: time.Second, begin: func(s *site) { s.server.Step(40) },
		delivered: []string{"IcwsCatalogueChurn warning"},
	},
	{
		name: "stream-cut", what: "A proxy cuts the event stream again and again.", only: "sse",
		every: 14 * time.Second, begin: func(s *site) { s.front.CloseClientConnections() },
		delivered: []string{"IcwsSessionUnstable warning"},
		may:       []string{"IcwsRequestErrors warning"},
	},
	{
		name: "switchover", what: "The pair switches over, and back.",
		begin: switchOver, end: switchOver,
		delivered: []string{"IcwsSwitchover info"},
	},
	{
		name: "switchover-loop", what: "The pair switches over back and forth.",
		every: 14 * time.Second, begin: switchOver,
		delivered: []string{"IcwsSessionUnstable warning", "IcwsSwitchover info"},
		may:       []string{"IcwsRequestErrors warning"},
	},
	{
		name: "standby-dead", what: "The standby does not answer from the beginning on.", only: "sse",
		delivered: []string{"IcwsStandbyDown warning"},
	},
	{
		name: "catalogue-emptied", what: "Somebody removes all statuses.",
		begin:     func(s *site) { s.keep(func(int) bool { return false }) },
		end:       (*site).restore,
		delivered: []string{"IcwsCatalogueUnusable critical"},
	},
	{
		name: "catalogue-shrunk", what: "Somebody removes two statuses of three.",
		begin:     func(s *site) { s.keep(func(i int) bool { return i%3 == 0 }) },
		end:       (*site).restore,
		delivered: []string{"IcwsCatalogueShrank warning"},
	},
	{
		name: "flags-removed", what: "Somebody takes the flags for ACD and for being selectable from all statuses.",
		begin: func(s *site) {
			s.change(func(st *icwssim.Status) { st.IsAcdStatus, st.IsSelectableStatus = false, false })
		},
		end:       (*site).restore,
		delivered: []string{"IcwsCatalogueUnusable critical"},
	},
	{
		name: "site-differs", what: "A status is added to one of the two servers of a site.", only: "sse",
		more: ", site: branch",
		begin: func(s *site) {
			s.server.Apply(icwssim.Add(icwssim.Status{ID: "Only Here", Text: "Only here", Group: "Break"}))
		},
		end:       func(s *site) { s.server.Apply(icwssim.Remove("Only Here")) },
		delivered: []string{"IcwsCatalogueDiffers warning"},
	},
	{
		name: "password-soon", what: "The server says that our password expires tomorrow; later the server is removed.", only: "sse",
		options:   icwssim.Options{DaysUntilPasswordExpiration: &soon},
		delivered: []string{"IcwsExpiring warning", "IcwsNotWatched critical"},
	},
	{
		name: "certificate-soon", what: "The certificate of the server expires tomorrow; later the server is removed.", only: "sse",
		delivered: []string{"IcwsExpiring warning", "IcwsNotWatched critical"},
	},
}

// transports are those with which an incident is run.
func (i incident) transports() []string {
	if i.only != "" {
		return []string{i.only}
	}
	return []string{"sse", "poll"}
}

func clearFaults(s *site) { s.server.Clear() }

// switchOver has the standby take the place of the active server, or back.
func switchOver(s *site) {
	from, to := s.server, s.standby
	if !from.Accepting() {
		from, to = to, from
	}
	from.SetNotAccepting(true)
	to.SetNotAccepting(false)
	from.EndSessions(true)
}

// keep removes the statuses whose place keeps refuses.
func (s *site) keep(keeps func(int) bool) {
	var edits []icwssim.Edit
	for i, st := range s.statuses {
		if !keeps(i) {
			edits = append(edits, icwssim.Remove(st.ID))
		}
	}
	s.server.Apply(edits...)
}

func (s *site) change(change func(*icwssim.Status)) {
	var edits []icwssim.Edit
	for _, st := range s.statuses {
		change(&st)
		edits = append(edits, icwssim.Change(st))
	}
	s.server.Apply(edits...)
}

// restore puts back the statuses of the beginning.
func (s *site) restore() {
	var edits []icwssim.Edit
	for _, st := range s.server.Truth().Statuses {
		edits = append(edits, icwssim.Remove(st.ID))
	}
	s.server.Apply(edits...)
	edits = nil
	for _, st := range s.statuses {
		edits = append(edits, icwssim.Add(st))
	}
	s.server.Apply(edits...)
}

// isRandom says whether the incident leaves the random life of its server on: where
// the statuses themselves are the matter, they only change as the incident says.
func (i incident) isRandom() bool {
	return !strings.HasPrefix(i.name, "catalogue-") && !slices.Contains([]string{"flags-removed", "site-differs", "switchover", "switchover-loop"}, i.name)
}
