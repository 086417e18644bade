package probe

import (
	"net/http"
	"slices"
	"time"

	"icws_exporter/probe/icwssim"
)

// unknowable is how many sessions a probe could not know of, or had to take for
// ended, until a moment.
type unknowable struct {
	at    time.Time
	count int
}

// forgetting is how long such a session lives on: the servers end it when nobody
// uses it.
const forgetting = 6 * time.Minute

// oneSession holds the promise P2: no server has more than one session of ours,
// besides those that nobody could know of.
func (d *day) oneSession() { d.atMostSessions(1) }

// settled wants one session and nothing owed, when it has been calm for so long that
// what nobody could know of has expired.
func (d *day) settled(calm time.Duration) {
	d.t.Helper()
	if calm < forgetting {
		return
	}
	if s := d.probe.Snapshot(); s.State == StateAuthHold && s.NextAttempt.IsZero() && d.kept {
		d.recovers() // by hand: the session that was lost was one with another password
		return
	}
	n := len(d.a.Sessions()) + len(d.b.Sessions())
	if owed := d.probe.Snapshot().SessionsOwed; n != 1 || owed != 0 {
		d.fatalf("%d sessions on the servers and %d owed, after %s of calm", n, owed, calm)
	}
}

// noSession is what is left when the process has ended.
func (d *day) noSession() { d.atMostSessions(0) }

func (d *day) atMostSessions(known int) {
	d.t.Helper()
	for host, sim := range d.sims {
		unknown := d.unknown(host)
		if n := len(sim.Sessions()); n > known+unknown {
			d.fatalf("%d sessions on %s, of which %d could not be known", n, host, unknown)
		}
	}
}

// unknown counts, from the side of a server, the sessions of the last minutes whose 201
// the probe never got, and those whose end somebody confirmed in the server's place.
func (d *day) unknown(host string) int {
	sim := d.sims[host]
	now := unknowable{at: time.Now(), count: sim.Counts().Of(icwssim.OpConnect, http.StatusCreated) + d.falseEnds(sim) - d.seen.get("session on "+host)}
	all := slices.DeleteFunc(d.unknowable[host], func(u unknowable) bool { return now.at.Sub(u.at) > forgetting })
	d.unknowable[host] = append(all, now)
	least := slices.MinFunc(d.unknowable[host], func(a, b unknowable) int { return a.count - b.count })
	return now.count - least.count
}

// falseEnds counts the DELETEs of sessions that a fault answered as if the session
// were no more.
func (d *day) falseEnds(sim *icwssim.Server) int {
	ends := d.ends[sim]
	fresh := sim.Counts().Of(icwssim.OpDisconnect) - ends.seen
	if fresh == 0 {
		return ends.untrue // the journal is long
	}
	ends.seen += fresh
	for _, e := range slices.Backward(sim.Journal()) {
		if fresh == 0 {
			break
		}
		if e.Operation != icwssim.OpDisconnect {
			continue
		}
		fresh--
		if e.Fault != 0 && (e.Code >= 200 && e.Code < 300 || e.Code == http.StatusUnauthorized || e.Code == http.StatusNotFound) {
			ends.untrue++
		}
	}
	d.ends[sim] = ends
	return ends.untrue
}

// ends are the DELETEs of sessions that were looked at, and those that were answered
// in the server's place.
type ends struct{ seen, untrue int }

// replace has another probe watch the servers, as after a reload.
func (d *day) replace() {
	d.loggedOnce()
	d.cancel(ErrReload)
	<-d.done
	d.spares()
	d.spared.anew()
	d.seen.mind(func(m *manners) []string {
		m.held, m.refused, m.asked, m.often, m.replaced = time.Time{}, time.Time{}, nil, nil, false // a person wants it tried
		return nil
	})
	d.states, d.logs, d.before = d.seen.total("state "), &logLines{}, nil
	d.start()
}
