package probe

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// spared is what the journals of the servers say of the circuit breaker. It knows only
// of failures that the servers answered themselves, so the breaker may have been open
// earlier and longer than it says, but never later.
type spared struct {
	read     map[string]int // entries of each journal
	failures []time.Time    // since the breaker was closed for certain
	opened   time.Time      // it is open for at least as long as it stays so
	host     string         // that took the last log-on
	refusedA time.Time      // when a refused the log-on of the running round
	last     time.Time      // the last request
	asked    time.Time      // the last PUT or list that a server answered

	// Since somebody began to count: the PUTs for the status messages, and the lists.
	puts, lists int
	session     string
	refusesList string // the session in which a list was refused last

	streamed string    // the host and session that opened a stream last
	reopened time.Time // when that was not its first, until something was asked for
}

// askedAgain is how soon after a stream was opened again the list has to be asked for: what
// came meanwhile is lost.
const askedAgain = time.Minute / 2

// certainWindow is how long the breaker counts a failure at least.
const certainWindow = breakerWindow - breakerBucket

// anew forgets all: there is another breaker.
func (s *spared) anew() { *s = spared{read: s.read, asked: time.Now(), refusesList: s.refusesList} }

// looksAtTheList wants that no more than five checks go by, in a time of calm, without
// the list, which cannot be mistaken for something older.
func (d *day) looksAtTheList(calm time.Duration) {
	d.t.Helper()
	d.spares()
	d.spared.puts, d.spared.lists, d.spared.session = 0, 0, ""
	for left := calm; left > 0; left -= 10 * time.Minute { // the journals do not hold more
		d.pass(min(left, 10*time.Minute))
		d.spares()
	}
	if s := &d.spared; s.puts > maxChecksWithoutList+1 && s.lists == 0 && s.session != s.refusesList {
		d.fatalf("%d checks in %s of calm, and none read the list", s.puts, calm)
	}
}

// hostExchange is an exchange in the journal of a host.
type hostExchange struct {
	icwssim.Exchange
	host string
}

// spares wants no request where failures must have opened the breaker.
func (d *day) spares() {
	d.t.Helper()
	s := &d.spared
	if s.read == nil {
		s.read = map[string]int{}
	}
	var all []hostExchange
	for host, sim := range d.sims {
		total := 0
		for _, codes := range sim.Counts() {
			for _, n := range codes {
				total += n
			}
		}
		fresh := total - s.read[host]
		journal := sim.Last(fresh)
		s.read[host] = total
		if fresh > len(journal) {
			s.anew() // some of them are not known any more
			return
		}
		for _, e := range journal {
			all = append(all, hostExchange{e, host})
		}
	}
	slices.SortStableFunc(all, func(x, y hostExchange) int { return x.Time.Compare(y.Time) })
	for _, e := range all {
		if e.Operation == icwssim.OpConnect || isOfStatuses(e.Exchange) {
			s.request(d, e)
		}
	}
}

// isOfStatuses reports whether the loop made the request in a session, for what is
// required. The breaker does not count the others.
func isOfStatuses(e icwssim.Exchange) bool {
	switch e.Operation {
	case icwssim.OpPoll, icwssim.OpStream, icwssim.OpList, icwssim.OpSwitchoverStatus:
		return true
	case icwssim.OpSubscribe:
		return strings.HasSuffix(e.Path, "status-messages")
	}
	return false
}

func (s *spared) request(d *day, e hostExchange) {
	d.t.Helper()
	if e.Time.Before(s.last) { // it was sent before what is known already
		s.anew()
		return
	}
	// It may have been sent before the last log-on, into a network that held it.
	elsewhere := e.Operation != icwssim.OpConnect && s.host != "" && e.host != s.host
	if open := e.Time.Sub(s.opened); open > 0 && open < d.cfg.BreakerOpenFor && !elsewhere {
		d.fatalf("%s on %s at %s, %s after failures that open the breaker", e.Operation, e.host, e.Time.Format("15:04:05.000"), open)
	}
	if e.Time.Sub(s.last) >= d.cfg.BreakerOpenFor { // it may have been open and closed again
		s.failures = nil
	}
	s.last = e.Time
	s.resyncs(d, e)
	switch {
	case e.Operation == icwssim.OpSubscribe && e.Code < 300:
		s.puts, s.session, s.asked = s.puts+1, e.Session, e.Time
	case e.Operation == icwssim.OpList && e.Code < 300:
		s.lists, s.asked = s.lists+1, e.Time
	case e.Operation == icwssim.OpList:
		s.refusesList = e.Session
	}
	ended := e.Time.Add(e.Took)
	failed := e.Code >= 500 || e.Code == http.StatusTooManyRequests
	if e.Operation == icwssim.OpConnect {
		if e.Code == http.StatusCreated && e.host != s.host {
			s.host, s.failures = e.host, nil // another host has another breaker
		}
		// A round is one call, which fails when no host answered otherwise.
		inRound := !s.refusedA.IsZero() && e.host == "b" && e.Time.Sub(s.refusedA) < time.Second
		s.refusedA = time.Time{}
		if failed && e.host == "a" {
			s.refusedA = ended
		}
		failed = failed && inRound
	}
	if !failed || elsewhere {
		return
	}
	s.failures = append(slices.DeleteFunc(s.failures, func(t time.Time) bool { return ended.Sub(t) >= certainWindow }), ended)
	if len(s.failures) >= int(d.cfg.BreakerFailures) {
		s.opened, s.failures = ended, nil
	}
}

// resyncs wants the whole list asked for soon after a stream was opened again.
func (s *spared) resyncs(d *day, e hostExchange) {
	d.t.Helper()
	session := e.host + " " + e.Session
	if session != s.streamed || e.Operation == icwssim.OpConnect {
		s.reopened = time.Time{}
	}
	switch e.Operation {
	case icwssim.OpStream:
		if e.Code == http.StatusOK && e.Fault == 0 && session == s.streamed {
			s.reopened = e.Time
		}
		s.streamed = session
	case icwssim.OpSubscribe, icwssim.OpList:
		stood := d.stops.Load() > 0 || time.Unix(0, d.wentOn.Load()).After(s.reopened)
		if late := e.Time.Sub(s.reopened); !s.reopened.IsZero() && late > askedAgain && !stood {
			d.fatalf("the stream was opened again at %s, and the list asked for %s later", s.reopened, late)
		}
		s.reopened = time.Time{}
	}
}
