package cli

import (
	"net/http"
	"time"

	"icws_exporter/probe/icwssim"
)

// tour is a bad day in minutes. The first incident is the steady life between.
var tour = []incident{
	{
		name: "steady", what: "nothing is wrong; both servers are up and a few statuses change.",
		lasts: 20 * time.Second,
	},
	{
		name: "delta-burst", what: "somebody edits the statuses of chicago in bulk: icws_catalogue_changes_total climbs.",
		lasts: 15 * time.Second, recovery: 10 * time.Second, every: time.Second,
		begin: func(d *demoServers) { d.chicago.Step(40) },
	},
	{
		name: "session-killed", what: "the server forgets the session of chicago: one 401, then a new session at once.",
		recovery: 15 * time.Second,
		begin:    func(d *demoServers) { d.active().ExpireSessions() },
	},
	{
		name: "unauthorized-wave", what: "every session of both servers ends again and again: a wave of 401.",
		lasts: 30 * time.Second, recovery: 15 * time.Second, every: 6 * time.Second,
		begin: func(d *demoServers) {
			expireSettled(d.active())
			expireSettled(d.lab)
		},
	},
	{
		name: "server-errors", what: "chicago answers 500 to everything: the circuit breaker opens and spares it.",
		lasts: 30 * time.Second, recovery: 20 * time.Second,
		begin: func(d *demoServers) {
			d.chicago.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			d.standby.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			d.active().ExpireSessions()
		},
		end: (*demoServers).clear,
	},
	{
		name: "lost-deltas", what: "changes of both servers never reach us: the next delivery checks find the drift.",
		lasts: 25 * time.Second, recovery: 15 * time.Second,
		begin: func(d *demoServers) {
			d.active().Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
			d.lab.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		},
		end: (*demoServers).clear,
	},
	{
		name: "not-delivering", what: "lab accepts the subscription and delivers nothing: its subscription is lost, then its numbers are withheld.",
		lasts: 45 * time.Second, recovery: 20 * time.Second,
		begin: func(d *demoServers) { d.lab.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}) },
		end:   (*demoServers).clear,
	},
	{
		name: "switchover", what: "chicago switches over to its standby, and back.",
		lasts: 25 * time.Second, recovery: 20 * time.Second,
		begin: (*demoServers).switchOver,
		end:   (*demoServers).switchBack,
	},
	{
		name: "gone", what: "chicago answers 410 to the switchover status: that operation is left alone, the rest goes on.",
		lasts: 30 * time.Second, recovery: 15 * time.Second,
		begin: func(d *demoServers) {
			d.active().Inject(icwssim.Fault{Operation: "switchover_status", Code: http.StatusGone})
		},
		end: func(d *demoServers) {
			d.clear()
			d.active().ExpireSessions() // a new session asks again
		},
	},
	{
		name: "password-expired", what: "the password of lab expires: the log-on is held so that no policy locks the user, until somebody sets the new one.",
		lasts: 30 * time.Second, recovery: 20 * time.Second,
		begin: func(d *demoServers) {
			d.lab.SetPassword("another than ours")
			d.lab.ExpireSessions()
		},
		end: (*demoServers).setNewPassword,
	},
}

// expireSettled ends the sessions of a server unless one has just begun: a second
// 401 before anything was delivered has the probe hold back for a quarter of an
// hour, which is another story.
func expireSettled(s *simulation) {
	for _, session := range s.Sessions() {
		if time.Since(session.Created) < time.Second {
			return
		}
	}
	s.ExpireSessions()
}

// clear ends every fault.
func (d *demoServers) clear() {
	for _, s := range d.simulations {
		s.Clear()
	}
}

// switchOver has the standby of chicago take its place, with its catalogue.
func (d *demoServers) switchOver() { d.moveTo(d.chicago, d.standby) }

func (d *demoServers) switchBack() { d.moveTo(d.standby, d.chicago) }

func (d *demoServers) moveTo(from, to *simulation) {
	var edits []icwssim.Edit
	for _, st := range to.Truth().Statuses {
		edits = append(edits, icwssim.Remove(st.ID))
	}
	for _, st := range from.Truth().Statuses {
		edits = append(edits, icwssim.Add(st))
	}
	to.Silently(edits...)
	to.SetSwitchover(icwssim.Switchover{PrimaryHost: to.host, BackupHost: from.host, BackupState: new(0)})
	from.SetNotAccepting(true)
	to.SetNotAccepting(false)
	from.EndSessions(true)
}

// active is the host of chicago that takes log-ons.
func (d *demoServers) active() *simulation {
	if d.standby.Accepting() {
		return d.standby
	}
	return d.chicago
}
