//go:build e2e

package alerts

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// incident is one thing that goes wrong, on a server of its own.
type incident struct {
	name string
	what string // in one sentence
	// options is the simulated server; more adds keys to its configuration, and
	// moreAfter replaces them when the incident is over.
	options         icwssim.Options
	more, moreAfter string
	// every repeats begin that often; 0: once.
	every      time.Duration
	begin, end func(*site)

	delivered []string // what the Alertmanager delivers
	muted     []string // what fires as well and is muted
}

var (
	polled = icwssim.Options{MessagingVersion: 1}
	soon   = 1
)

// down is what comes with an outage whose cause has an alert.
var down = []string{"AvailabilityBudgetBurn critical", "CatalogueStale warning", "ServerDown critical"}

var incidents = []incident{
	{name: "steady", what: "Nothing is wrong; statuses change now and then."},
	{
		name: "session-killed", what: "The server forgets our session once.",
		begin: func(s *site) { s.server.ExpireSessions() },
	},
	{
		name: "unauthorized-wave", what: "The server forgets our sessions again and again.", options: polled,
		// No more often: a new session takes as long as in real time, and would burn the
		// budget of the availability in this short time.
		every: 12 * time.Second, begin: func(s *site) { s.server.ExpireSessions() },
		delivered: []string{"UnauthorizedSpike warning"},
	},
	{
		name: "server-errors", what: "The server answers 500 to everything.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			s.server.ExpireSessions()
		},
		end:       clearFaults,
		delivered: []string{"BreakerOpen critical", "ServerErrorSpike critical", "ServerErrorSpike warning"},
		muted:     down,
	},
	{
		name: "not-found", what: "A proxy answers 404 to the log-on.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Operation: "connect", Code: http.StatusNotFound})
			s.server.ExpireSessions()
		},
		end:       clearFaults,
		delivered: []string{"ServerDown critical"},
		muted:     []string{"AvailabilityBudgetBurn critical", "CatalogueStale warning"},
	},
	{
		name: "password-expired", what: "The password is not accepted any more, until somebody writes the new one into the file.",
		begin:     func(s *site) { s.server.SetPassword("new"); s.server.ExpireSessions() },
		end:       func(s *site) { s.writePassword("new") },
		delivered: []string{"AuthenticationHeld critical"},
		muted:     down,
	},
	{
		name: "displaced", what: "An administrator ends our session and asks us not to come back.",
		begin:     func(s *site) { s.server.EndSessions(false) },
		moreAfter: ", language: en-GB",
		delivered: []string{"Displaced critical"},
		muted:     down,
	},
	{
		name: "gone", what: "The server answers 410 to the subscription.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusGone})
			s.server.ExpireSessions()
		},
		end: clearFaults, moreAfter: ", language: en-GB",
		delivered: []string{"GoneResponses critical"},
		muted:     down,
	},
	{
		name: "gone-in-part", what: "The server answers 410 to the switchover status.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Operation: "switchover_status", Code: http.StatusGone}) },
		end:       func(s *site) { s.server.Clear(); s.server.ExpireSessions() },
		delivered: []string{"GoneResponses warning"},
	},
	{
		name: "not-delivering", what: "The server accepts the subscription and delivers nothing.", options: polled,
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}) },
		end:       clearFaults,
		delivered: []string{"NotDelivering critical", "SessionFlapping warning"},
		muted:     down,
	},
	{
		name: "lost-deltas", what: "The server loses the messages about changes.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas}) },
		end:       clearFaults,
		delivered: []string{"CatalogueDrift warning"},
	},
	{
		name: "slow-delivery", what: "Messages come after more than 2 seconds.", options: polled,
		more:      ", delivery_timeout: 9s, request_timeout: 9s",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Operation: "poll", Delay: 2500 * time.Millisecond}) },
		end:       clearFaults,
		delivered: []string{"LatencyBudgetBurn critical"},
	},
	{
		name: "delta-burst", what: "A script edits the statuses without end.",
		every: time.Second, begin: func(s *site) { s.server.Step(40) },
		delivered: []string{"DeltaStorm warning"},
	},
	{
		name: "stream-cut", what: "A proxy cuts the event stream again and again.",
		every: 18 * time.Second, begin: func(s *site) { s.front.CloseClientConnections() },
		delivered: []string{"SubscriptionLost warning"},
	},
	{
		name: "switchover", what: "The pair switches over, and back.",
		begin: switchOver, end: switchOver,
		delivered: []string{"Switchover info"},
	},
	{
		name: "switchover-loop", what: "The pair switches over back and forth.",
		every: 18 * time.Second, begin: switchOver,
		delivered: []string{"Switchover info", "SwitchoverLoop critical"},
		muted:     []string{"SubscriptionLost warning"},
	},
	{
		name: "standby-dead", what: "The standby does not answer from the beginning on.",
		delivered: []string{"StandbyDown warning"},
	},
	{
		name: "catalogue-emptied", what: "Somebody removes all statuses.",
		begin:     func(s *site) { s.keep(func(int) bool { return false }) },
		end:       (*site).restore,
		delivered: []string{"CatalogueEmpty critical"},
		muted:     []string{"CatalogueShrank warning"},
	},
	{
		name: "catalogue-shrunk", what: "Somebody removes two statuses of three.",
		begin:     func(s *site) { s.keep(func(i int) bool { return i%3 == 0 }) },
		end:       (*site).restore,
		delivered: []string{"CatalogueShrank warning"},
	},
	{
		name: "flags-removed", what: "Somebody takes the flags for ACD and for being selectable from all statuses.",
		begin: func(s *site) {
			s.change(func(st *icwssim.Status) { st.IsAcdStatus, st.IsSelectableStatus = false, false })
		},
		end:       (*site).restore,
		delivered: []string{"NoAcdStatus critical", "NoSelectableStatus critical"},
	},
	{
		name: "site-differs", what: "A status is added to one of the two servers of a site.",
		more: ", site: branch",
		begin: func(s *site) {
			s.server.Apply(icwssim.Add(icwssim.Status{ID: "Only Here", Text: "Only here", Group: "Break"}))
		},
		end:       func(s *site) { s.server.Apply(icwssim.Remove("Only Here")) },
		delivered: []string{"CatalogueDiffers warning"},
	},
	{
		name: "password-soon", what: "The server says that our password expires tomorrow.",
		options:   icwssim.Options{DaysUntilPasswordExpiration: &soon},
		delivered: []string{"PasswordExpiring critical"},
		muted:     []string{"PasswordExpiring warning"},
	},
	{
		name: "certificate-soon", what: "The certificate of the server expires tomorrow.",
		delivered: []string{"CertificateExpiring critical"},
		muted:     []string{"CertificateExpiring warning"},
	},
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
