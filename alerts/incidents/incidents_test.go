package incidents

import (
	"net/http"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// pair is what stands beside the server of a site.
type pair int

const (
	alone       pair = iota
	standby          // a second host, which refuses log-ons as a standby does
	deadStandby      // a second host that does not answer
	sibling          // another server of the same site
)

// incident is one thing that goes wrong: once with the event stream and once with
// polling, unless it is only a matter of one of them.
type incident struct {
	name string
	what string // in one sentence
	only string // a transport; empty: both
	// options are those of the simulated server, more are keys of its configuration.
	options     icwssim.Options
	more        string
	pair        pair
	certificate bool     // the server has one, which expires tomorrow
	steady      bool     // the statuses only change as the incident says
	servers     []string // of each transport; nil: one, with the name of the incident
	shards      int      // exporters that divide the servers; 0: one exporter
	replicas    int      // exporters that watch all of them; 0: one
	notStarted  int      // of them
	// fromTheStart says that it begins with the exporter.
	fromTheStart bool
	takesZeros   bool // Prometheus stores when counters began, which only protobuf says

	lasting time.Duration // 0: 20 minutes
	every   time.Duration // repeats begin and happen; 0: once
	// begin and end are what happens to each server, happen and over what happens to all.
	begin, end   func(*site)
	happen, over func(*world)

	// delivered are the alerts about each server that the Alertmanager delivers, muted
	// those that fire as well; alerts of an exporter begin with "exporter: ", those of one
	// server with its label and a colon.
	delivered, muted []string
	// endless says that the alerts rightly go on: what is wrong stays as it is.
	endless bool
	// timesTickets says that its row has the times of its tickets, where it has no page.
	timesTickets bool
	// slow is why a page takes longer than 6 minutes to come or to go.
	slow string
}

// transports are those with which an incident is run.
func (i incident) transports() []string {
	if i.only != "" {
		return []string{i.only}
	}
	return []string{"sse", "poll"}
}

var soon = 1

func clearFaults(s *site) { s.server.Clear() }

// reconfigure has the exporter read another key of the server, which ends every hold.
func reconfigure(w *world) {
	for _, s := range w.sites {
		s.changed = ", language: en-GB"
	}
	w.configure()
	w.reload()
}

var incidents = []incident{
	{name: "steady", what: "Nothing is wrong; statuses change now and then.", lasting: 90 * time.Minute},
	{
		name: "session-killed", what: "The server forgets our session once.",
		begin: func(s *site) { s.server.ExpireSessions() },
	},
	{
		name: "unauthorized-wave", what: "The server forgets our sessions about every minute.",
		every: 67 * time.Second, begin: func(s *site) { s.server.ExpireSessions() },
		// The polls are so many that it is not a twentieth of them.
		delivered: []string{"sse: IcwsRequestErrors warning 401", "IcwsSessionUnstable warning session"},
	},
	{
		name: "sessions-ended", what: "The server ends our sessions with a word, every five minutes.", lasting: 40 * time.Minute,
		every: 5 * time.Minute, begin: func(s *site) { s.server.EndSessions(true) },
		delivered: []string{"IcwsSessionUnstable warning session", "IcwsSessionUnstable warning subscription"},
	},
	{
		name: "cookie-stripped", what: "A proxy is restarted, and strips the cookie from every request.",
		begin: func(s *site) { s.stripsCookie.Store(true); s.n.cut(s.hosts[0]) },
		end:   func(s *site) { s.stripsCookie.Store(false) }, over: reconfigure,
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "server-errors", what: "The server answers 500 to everything.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			s.server.ExpireSessions()
		},
		end:       clearFaults,
		delivered: []string{"IcwsServerDown critical"},
		muted:     []string{"IcwsSessionUnstable warning owed"},
	},
	{
		name: "requests-failing", what: "The server takes our log-on, and answers 500 to most requests.", only: "sse",
		more:      ", breaker: {failures: 1000}", // or it would leave the server alone
		begin:     func(s *site) { s.failsMost.Store(true) },
		end:       func(s *site) { s.failsMost.Store(false) },
		delivered: []string{"IcwsRequestsFailing critical 5xx"},
	},
	{
		name: "polls-failing", what: "The server takes our log-on, and answers 500 to two polls of three.", only: "poll",
		more:      ", breaker: {failures: 1000}",
		begin:     func(s *site) { s.failsMost.Store(true) },
		end:       func(s *site) { s.failsMost.Store(false) },
		delivered: []string{"IcwsRequestsFailing critical 5xx"},
	},
	{
		name: "not-found", what: "A proxy answers 404 to the log-on.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Operation: "connect", Code: http.StatusNotFound})
			s.server.ExpireSessions()
		},
		end:       clearFaults,
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "not-answering", what: "The server takes connections and answers nothing.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Drop: true}); s.n.cut(s.hosts[0]) },
		end:       clearFaults,
		delivered: []string{"IcwsServerDown critical"},
		muted:     []string{"IcwsSessionUnstable warning owed"},
	},
	{
		name: "refused", what: "Nobody listens on the port of the server.",
		begin: func(s *site) { s.hide() }, end: func(s *site) { s.show() },
		delivered: []string{"IcwsServerDown critical"},
		muted:     []string{"IcwsSessionUnstable warning owed"},
	},
	{
		name: "refused-from-the-start", what: "The server refuses log-ons from the start of the exporter on.", fromTheStart: true,
		options: icwssim.Options{NotAccepting: true}, end: func(s *site) { s.server.SetNotAccepting(false) },
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "flapping", what: "The server answers 500 for 4 minutes of 8.", lasting: 60 * time.Minute,
		every: 8 * time.Minute, begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			s.server.ExpireSessions()
			time.AfterFunc(4*time.Minute, func() { s.server.Clear() })
		},
		end:       clearFaults,
		delivered: []string{"IcwsAvailabilityBudgetBurn critical 1h", "IcwsAvailabilityBudgetBurn critical 6h"},
		muted:     []string{"IcwsSessionUnstable warning subscription"},
		slow:      "the second outage spends the budget; see above",
	},
	{
		name: "password-expired", what: "The password is not accepted any more, until somebody writes the new one into the file.",
		begin: func(s *site) { s.server.SetPassword("new"); s.server.ExpireSessions() },
		over: func(w *world) {
			for _, s := range w.sites {
				s.writePassword(w.t, "new")
			}
		},
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "password-forgotten", what: "As before, and nobody writes it for 40 minutes.", lasting: 40 * time.Minute,
		begin: func(s *site) { s.server.SetPassword("new"); s.server.ExpireSessions() },
		over: func(w *world) {
			for _, s := range w.sites {
				s.writePassword(w.t, "new")
			}
		},
		delivered: []string{"IcwsServerDown critical", "IcwsWatchedBudgetBurn warning 6h"},
	},
	{
		name: "displaced", what: "An administrator ends our session and asks us not to come back.", lasting: 12 * time.Minute,
		begin: func(s *site) { s.server.EndSessions(false) }, over: reconfigure,
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "gone", what: "The server answers 410 to the subscription.",
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusGone})
			s.server.ExpireSessions()
		},
		end: clearFaults, over: reconfigure,
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "gone-in-part", what: "The server answers 410 to the switchover status.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Operation: "switchover_status", Code: http.StatusGone}) },
		end:       func(s *site) { s.server.Clear(); s.server.ExpireSessions() },
		delivered: []string{"IcwsRequestErrors warning 410"},
	},
	{
		name: "not-delivering", what: "The server accepts the subscription and delivers nothing.", steady: true,
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}) },
		end:       clearFaults,
		delivered: []string{"IcwsServerDown critical"},
	},
	{
		name: "lost-deltas", what: "The server loses the messages about changes.",
		begin:     func(s *site) { s.server.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas}) },
		end:       clearFaults,
		delivered: []string{"IcwsMessagesMissed warning drift"},
	},
	{
		name: "slow-delivery", what: "Messages come after 4 seconds.", steady: true, lasting: 90 * time.Minute,
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Late: icwssim.SwallowMessages, Delay: 4 * time.Second})
		},
		end:       clearFaults,
		delivered: []string{"IcwsLatencyBudgetBurn warning 6h"},
	},
	{
		name: "delta-burst", what: "A script edits the statuses without end.", lasting: 30 * time.Minute,
		every: time.Minute, begin: func(s *site) {
			for second := range 60 {
				time.AfterFunc(time.Duration(second)*time.Second, func() { s.server.Step(20) })
			}
		},
		delivered: []string{"IcwsCatalogueChurn warning"},
	},
	{
		name: "stream-cut", what: "A proxy cuts the event stream every three minutes.", only: "sse", lasting: 40 * time.Minute,
		every: 3 * time.Minute, begin: func(s *site) { s.n.cut(s.hosts[0]) },
		delivered: []string{"IcwsSessionUnstable warning subscription"},
	},
	{
		name: "switchover", what: "The pair switches over, and back.", pair: standby, steady: true,
		begin: (*site).switchOver, end: (*site).switchOver,
		delivered: []string{"IcwsSwitchover info"},
	},
	{
		name: "switchover-loop", what: "The pair switches over back and forth, every 16 minutes.", pair: standby, steady: true,
		lasting: 50 * time.Minute, every: 16 * time.Minute, begin: (*site).switchOver,
		delivered: []string{"IcwsSwitchover info", "IcwsSessionUnstable warning switchover"},
	},
	{
		name: "standby-dead", what: "The standby does not answer from the beginning on.", pair: deadStandby, fromTheStart: true,
		over: func(w *world) {
			for _, s := range w.sites {
				s.hosts = s.hosts[:1]
			}
			reconfigure(w)
		},
		delivered: []string{"IcwsStandbyDown warning no_answer"},
	},
	{
		name: "catalogue-emptied", what: "Somebody removes all statuses.", steady: true,
		begin:     func(s *site) { s.keep(func(int) bool { return false }) },
		end:       (*site).restore,
		delivered: []string{"IcwsCatalogueUnusable critical empty"},
	},
	{
		name: "catalogue-shrunk", what: "Somebody removes two statuses of three.", steady: true,
		begin:     func(s *site) { s.keep(func(i int) bool { return i%3 == 0 }) },
		end:       (*site).restore,
		delivered: []string{"IcwsCatalogueShrank warning"},
	},
	{
		name: "flags-removed", what: "Somebody takes the flags for ACD and for being selectable from all statuses.", steady: true,
		begin: func(s *site) {
			s.change(func(st *icwssim.Status) { st.IsAcdStatus, st.IsSelectableStatus = false, false })
		},
		end:       (*site).restore,
		delivered: []string{"IcwsCatalogueUnusable critical no_acd", "IcwsCatalogueUnusable critical not_selectable"},
	},
	{
		name: "site-differs", what: "A status is added to one of the two servers of a site.", pair: sibling, steady: true,
		more: ", site: branch", lasting: 40 * time.Minute,
		begin: func(s *site) {
			s.server.Apply(icwssim.Add(icwssim.Status{ID: "Only Here", Text: "Only here", Group: "Break"}))
		},
		end:       func(s *site) { s.server.Apply(icwssim.Remove("Only Here")) },
		delivered: []string{"exporter: IcwsCatalogueDiffers warning"},
	},
	{
		name: "password-soon", what: "The server says that our password expires tomorrow.", fromTheStart: true, endless: true,
		options:   icwssim.Options{DaysUntilPasswordExpiration: &soon},
		delivered: []string{"IcwsExpiring warning password"},
	},
	{
		name: "certificate-soon", what: "The certificate of the server expires tomorrow.", fromTheStart: true, endless: true, certificate: true,
		delivered: []string{"IcwsExpiring warning certificate"},
	},
	{
		name: "fleet-down", what: "Six servers of eight are down at once.", servers: []string{"north", "south", "east", "west"},
		begin: func(s *site) {
			if !strings.HasPrefix(s.label, "west-") {
				s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
				s.server.ExpireSessions()
			}
		},
		end:       clearFaults,
		delivered: []string{"exporter: IcwsServerDown critical fleet"},
		muted: []string{
			"north-sse: IcwsServerDown critical", "east-sse: IcwsServerDown critical", "south-sse: IcwsServerDown critical",
			"north-poll: IcwsServerDown critical", "east-poll: IcwsServerDown critical", "south-poll: IcwsServerDown critical",
			"north-sse: IcwsSessionUnstable warning owed", "east-sse: IcwsSessionUnstable warning owed", "south-sse: IcwsSessionUnstable warning owed",
			"north-poll: IcwsSessionUnstable warning owed", "east-poll: IcwsSessionUnstable warning owed", "south-poll: IcwsSessionUnstable warning owed",
		},
	},
	{
		name: "exporter-killed", what: "The exporter is killed, and started again later.",
		happen:    func(w *world) { w.exporters[0].kill() },
		over:      func(w *world) { w.exporters[0].start(w.t) },
		delivered: []string{"exporter: IcwsNotWatched critical exporter_down"},
	},
	{
		name: "configuration-refused", what: "The configuration is reloaded with a mistake in it.",
		happen:    func(w *world) { w.exporters[0].configure(w.t, "servers: [{name: ]"); w.reload() },
		over:      func(w *world) { w.configure(); w.reload() },
		delivered: []string{"exporter: IcwsExporterUnhealthy warning config_refused"},
	},
	{
		name: "shard-not-started", what: "Of two exporters that divide the servers, one is not started.", shards: 2, notStarted: 1, fromTheStart: true,
		over:      func(w *world) { w.exporters[0].start(w.t); w.discover(w.exporters...) },
		delivered: []string{"exporter: IcwsNotWatched critical missing_shard"},
	},
	{
		name: "no-target", what: "The scrape configuration loses every target.",
		happen:    func(w *world) { w.discover() },
		over:      func(w *world) { w.discover(w.exporters...) },
		delivered: []string{"exporter: IcwsNotWatched critical absent"},
		muted:     []string{"exporter: IcwsNotWatched critical vanished_target", "IcwsNotWatched critical vanished_server"},
	},
	{
		name: "target-vanished", what: "Service discovery loses one of two exporters.", shards: 2,
		happen:    func(w *world) { w.discover(w.exporters[0]) },
		over:      func(w *world) { w.discover(w.exporters...) },
		delivered: []string{"exporter: IcwsNotWatched critical vanished_target", "exporter: IcwsNotWatched critical missing_shard"},
		slow:      "see above",
	},
	{
		name: "server-vanished", what: "A server is taken out of the configuration.", servers: []string{"stays", "goes"},
		happen:    func(w *world) { w.sites[3].removed = true; w.configure(); w.reload() },
		over:      func(w *world) { w.sites[3].removed = false; w.configure(); w.reload() },
		delivered: []string{"goes-poll: IcwsNotWatched critical vanished_server"},
		slow:      "see above",
	},
	{
		name: "watched-twice", what: "A second exporter is started with the same configuration.", replicas: 2, notStarted: 1, lasting: 30 * time.Minute,
		happen:    func(w *world) { w.exporters[0].start(w.t); w.discover(w.exporters...) },
		over:      func(w *world) { w.exporters[0].configure(w.t, "servers: []\n"); w.exporters[0].reload(w.t) },
		delivered: []string{"IcwsWatchedTwice warning"},
	},
	{
		name: "crash-loop", what: "The exporter is started again every five minutes.", every: 5 * time.Minute, lasting: 30 * time.Minute,
		happen:    func(w *world) { w.exporters[0].stop(); w.exporters[0].start(w.t) },
		delivered: []string{"exporter: IcwsExporterRestarting warning"},
	},
	{
		name: "probe-hangs", what: "The probe hangs: its log does not take its next line.",
		begin:     func(s *site) { s.server.ExpireSessions() },
		happen:    func(w *world) { w.release = w.exporters[0].log.hang() },
		over:      func(w *world) { w.release() },
		delivered: []string{"IcwsNotWatched critical probe_stuck"},
		muted:     []string{"IcwsServerDown critical"},
	},
}
