package probe

import (
	"errors"
	"net/http"
	"time"

	"icws_exporter/probe/icws"
)

// What a probe must not do, as it is counted.
const (
	// hurried is a request sooner after a failure than backoff.min, or within a hold.
	hurried = "hurried"
	// unbroken is a failure beyond those that open the breaker.
	unbroken = "unbroken"
	// troubling is a renewal, DELETE and PUT, begun on a server in trouble.
	troubling = "renewed in trouble"
	// untaught is a log-on with a password that was refused and has not changed, or
	// within the hold of one that something in front of the server refused.
	untaught = "refused again"
	// doubled is a log-on to a host where another one is under way.
	doubled = "doubled"
	// unspared is a request while the breaker is open.
	unspared = "past the open breaker"
	// renewing is a DELETE of the subscription, looking a look at a host, and leaving the
	// DELETE of a session, too often.
	renewing = "renewed too often"
	looking  = "looked too often"
	leaving  = "left too often"
)

// manners follow the exchanges of a probe's loop, one after the other.
type manners struct {
	pause    time.Duration // backoff.min
	hold     time.Duration // auth_hold.min
	failures int           // in a row that open the breaker

	last     [2]loopExchange // the later one first
	refused  time.Time       // the last log-on that made no session
	held     time.Time       // until then a person is waited for
	heldFrom time.Time
	refusals refusals
	faulted  time.Time            // when the server last said so of the subscription
	asked    map[string]time.Time // by host: until then Retry-After wants no request
	failedAt time.Time            // the failure in a session before the last one
	instead  time.Time            // when something was asked at once in place of a stream
	inARow   int                  // failures since one that was none, or the breaker opened
	breaker  BreakerState
	openedAt time.Time // the breaker
	logOns   map[string]loopExchange
	often    map[string][]time.Time // requests of one kind

	// A session that is answered 401 is replaced at once by one other.
	replaced  bool // since it was live for a while
	opened    time.Time
	delivered bool // in the session
	state     State
	stateAt   time.Time
}

type loopExchange struct {
	op     icws.Operation
	failed bool
	code   int
	ended  time.Time
	closed bool // the breaker was, before it
}

// look follows a look at a host, which has a clock of its own: at the beginning of a
// probe, for a log-on that is not answered, and every five minutes; every
// request_timeout while that log-on is awaited.
func (m *manners) look(e icws.Exchange) []string {
	return m.atMost(8, time.Minute, looking, e)
}

// leave follows the DELETE of a session, which may be owed: it is tried before each
// log-on to its host, and then at growing pauses.
func (m *manners) leave(e icws.Exchange) []string {
	return m.atMost(20, time.Minute, leaving, e)
}

// atMost notes a request to a host and finds bad when there were more within a time.
func (m *manners) atMost(most int, within time.Duration, bad string, e icws.Exchange) []string {
	if m.often == nil {
		m.often = map[string][]time.Time{}
	}
	m.often[bad+e.Host] = append(m.often[bad+e.Host], e.Start)
	times := m.often[bad+e.Host]
	times = times[max(0, len(times)-most-1):]
	m.often[bad+e.Host] = times
	if len(times) > most && e.Start.Sub(times[0]) < within {
		return []string{bad}
	}
	return nil
}

func (m *manners) exchange(e icws.Exchange) (found []string) {
	found = append(m.teaches(e), m.doubles(e)...)
	if e.Operation != icws.OpUnsubscribe && m.breaker == BreakerOpen && e.Start.After(m.openedAt) {
		found = append(found, unspared)
	}
	if e.Operation == icws.OpUnsubscribe {
		// A session whose subscription delivers nothing costs two: that which renews it,
		// and that which leaves it.
		found = append(found, m.atMost(40, 10*time.Minute, renewing, e)...)
	}
	last := m.last[0]
	if e.Operation == icws.OpConnect && e.Start.Before(last.ended) {
		return found // was sent before, and its answer is late
	}
	if e.Operation == icws.OpSubscribe && last.op == icws.OpUnsubscribe && (m.last[1].failed || !last.closed) {
		found = append(found, troubling)
	}
	if m.hurries(e) || m.impatient(e) || inSession(e.Operation) && e.Start.Before(m.held) {
		found = append(found, hurried)
	}
	m.noteRetryAfter(e)
	if last.failed && inSession(last.op) {
		m.failedAt = last.ended
	}
	if e.Code == http.StatusGone && (e.Operation == icws.OpSubscribe || e.Operation == icws.OpPoll) {
		m.heldFrom = e.Start.Add(e.Duration)
		m.held = m.heldFrom.Add(goneHold)
	}
	m.unauthorized(e)
	failed := e.Failed() || e.Code >= 300
	m.last = [2]loopExchange{{e.Operation, failed, e.Code, e.Start.Add(e.Duration), m.breaker == BreakerClosed}, last}
	switch {
	case e.Reason == icws.FailCanceled && e.Failed():
	case inSession(e.Operation):
		found = append(found, m.count(e.Failed() || e.Code >= 500 || e.Code == http.StatusTooManyRequests)...)
	case e.Operation == icws.OpConnect && e.Code == http.StatusCreated:
		m.inARow, m.refusals, m.failedAt = 0, refusals{since: time.Now()}, time.Time{}
		m.opened, m.delivered = e.Start, false
	}
	return found
}

// unauthorized notes a session that was answered 401. When the one after it is too, and
// delivered nothing, no other one helps for a while.
func (m *manners) unauthorized(e icws.Exchange) {
	if e.Code != http.StatusUnauthorized || !inSession(e.Operation) {
		return
	}
	m.stateChanged(m.state)
	if m.replaced && !m.delivered && e.Start.Sub(m.opened) < stableAfter-time.Second {
		m.heldFrom = e.Start.Add(e.Duration)
		m.held = m.heldFrom.Add(m.hold)
	}
	m.replaced = true
}

func (m *manners) stateChanged(to State) {
	if m.state == StateLive && time.Since(m.stateAt) > stableAfter-time.Second {
		m.replaced = false
	}
	if to != m.state {
		m.state, m.stateAt = to, time.Now()
	}
}

// doubles notes a log-on. The one before it to the same host has to be answered when it
// is sent.
func (m *manners) doubles(e icws.Exchange) (found []string) {
	if e.Operation != icws.OpConnect {
		return nil
	}
	if m.logOns == nil {
		m.logOns = map[string]loopExchange{}
	}
	ended := e.Start.Add(e.Duration)
	if e.Start.Before(m.logOns[e.Host].ended) {
		found = []string{doubled}
	}
	m.logOns[e.Host] = loopExchange{ended: ended}
	return found
}

// refusals are when log-ons were refused that were sent since one worked or somebody did
// something about it: by the server, or by something in front of it, which may end by itself.
type refusals struct{ server, before, since time.Time }

// teaches notes that a log-on was refused. One that was sent before the refusal before
// it came is no second try.
func (m *manners) teaches(e icws.Exchange) (found []string) {
	var r *icws.ResponseError
	if !errors.As(e.Err, &r) || !r.AuthenticationFailed || e.Start.Before(m.refusals.since) {
		return nil
	}
	last := &m.refusals.before
	hold := m.hold
	if r.Code == http.StatusBadRequest {
		last, hold = &m.refusals.server, never
	}
	if !last.IsZero() && e.Start.After(*last) && e.Start.Sub(*last) < hold {
		found = []string{untaught}
	}
	*last = e.Start.Add(e.Duration)
	return found
}

func (m *manners) noteRetryAfter(e icws.Exchange) {
	var r *icws.ResponseError
	failed := errors.As(e.Err, &r) && r.RetryAfter > 0 && (r.Code >= 500 || r.Code == http.StatusTooManyRequests)
	if failed && (e.Operation == icws.OpSubscribe || e.Operation == icws.OpPoll || e.Operation == icws.OpList || e.Operation == icws.OpConnect) {
		if m.asked == nil {
			m.asked = map[string]time.Time{}
		}
		m.asked[e.Host] = later(m.asked[e.Host], e.Start.Add(e.Duration+min(r.RetryAfter, maxRetryAfter)))
	}
}

// hurries reports whether a session goes on too soon after a failure. One failure is
// tried again at once, but not when another one was a moment before; a stream that fails
// may be replaced by polling at once, and nothing depends on the switchover status.
func (m *manners) hurries(e icws.Exchange) bool {
	last := m.last[0]
	switch {
	case e.Operation == icws.OpConnect:
		m.faulted = time.Time{} // of the session before
		return e.Start.Before(m.asked[e.Host])
	case inSession(e.Operation) && e.Start.Before(m.asked[e.Host]):
		return true
	case e.Operation == icws.OpSubscribe && e.Start.Sub(m.faulted) < m.pause:
		return true
	case !last.failed, e.Start.Sub(last.ended) >= m.pause:
		return false
	case last.op == icws.OpSwitchoverStatus:
		return false
	case last.op == icws.OpStream && e.Operation != icws.OpStream && e.Start.Sub(m.instead) > atOnceAfter:
		m.instead = e.Start
		return false
	case m.failedAt.IsZero() || last.ended.Sub(m.failedAt) >= atOnceAfter:
		return false
	default:
		return inSession(last.op) && inSession(e.Operation)
	}
}

// inSession reports whether op needs a session and is no part of leaving it.
func inSession(op icws.Operation) bool {
	switch op {
	case icws.OpSubscribe, icws.OpPoll, icws.OpStream, icws.OpList, icws.OpSwitchoverStatus:
		return true
	}
	return false
}

func (m *manners) count(failure bool) []string {
	if !failure {
		m.inARow = 0
		return nil
	}
	m.inARow++
	if m.inARow > m.failures {
		return []string{unbroken}
	}
	return nil
}

// impatient reports whether a log-on was sent too soon after the one before it failed,
// or within a hold. One whose answer is late was sent before.
func (m *manners) impatient(e icws.Exchange) bool {
	if e.Operation != icws.OpConnect {
		return false
	}
	return !e.Start.Before(m.refused) && e.Start.Sub(m.refused) < m.pause ||
		!e.Start.Before(m.heldFrom) && e.Start.Before(m.held)
}

func (m *manners) openFailed(v OpenFailure) []string {
	if v != OpenFailureAuth { // the hold after that is looked at elsewhere
		m.refused = time.Now()
	}
	switch v {
	case OpenFailureUnavailable, OpenFailureServerError, OpenFailureNetwork:
		return m.count(true)
	}
	if v == OpenFailureGone {
		m.heldFrom = time.Now()
		m.held = m.heldFrom.Add(goneHold)
	}
	m.inARow = 0 // the server answers, whatever it says
	return nil
}

func (m *manners) lost(v LossReason) []string {
	switch v {
	case LossDisplaced:
		m.heldFrom = time.Now()
		m.held = m.heldFrom.Add(displacedHold)
	case LossFaulted:
		m.faulted = time.Now()
	}
	return nil
}

func (m *manners) breakerChanged(to BreakerState) []string {
	m.breaker = to
	if to == BreakerOpen {
		m.inARow, m.openedAt = 0, time.Now()
	}
	return nil
}
