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
	faulted  time.Time // when the server last said so of the subscription
	asked    time.Time // until then Retry-After wants no request
	inARow   int       // failures since one that was none, or the breaker opened
	breaker  BreakerState
}

type loopExchange struct {
	op     icws.Operation
	failed bool
	code   int
	ended  time.Time
	closed bool // the breaker was, before it
}

func (m *manners) exchange(e icws.Exchange) (found []string) {
	if e.Operation == icws.OpDisconnect {
		return nil // may be of a session that is owed, on another host
	}
	found = m.teaches(e)
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
	if e.Code == http.StatusGone && (e.Operation == icws.OpSubscribe || e.Operation == icws.OpPoll) {
		m.heldFrom = e.Start.Add(e.Duration)
		m.held = m.heldFrom.Add(goneHold)
	}
	failed := e.Failed() || e.Code >= 300
	m.last = [2]loopExchange{{e.Operation, failed, e.Code, e.Start.Add(e.Duration), m.breaker == BreakerClosed}, last}
	switch {
	case e.Reason == icws.FailCanceled && e.Failed():
	case inSession(e.Operation):
		found = append(found, m.count(e.Failed() || e.Code >= 500 || e.Code == http.StatusTooManyRequests)...)
	case e.Operation == icws.OpConnect && e.Code == http.StatusCreated:
		m.inARow, m.refusals = 0, refusals{}
	}
	return found
}

// refusals are when log-ons were refused, since one worked or somebody did something
// about it: by the server, or by something in front of it, which may end by itself.
type refusals struct{ server, before time.Time }

// teaches notes that a log-on was refused. One that was sent before the refusal before
// it came is no second try.
func (m *manners) teaches(e icws.Exchange) (found []string) {
	var r *icws.ResponseError
	if !errors.As(e.Err, &r) || !r.AuthenticationFailed {
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
	failed := errors.As(e.Err, &r) && (r.Code >= 500 || r.Code == http.StatusTooManyRequests)
	if failed && (e.Operation == icws.OpSubscribe || e.Operation == icws.OpPoll || e.Operation == icws.OpList) {
		m.asked = e.Start.Add(e.Duration + min(r.RetryAfter, maxRetryAfter))
	}
}

// hurries reports whether a session goes on too soon after a failure. A stream that
// fails may be replaced by polling at once, and nothing depends on the switchover
// status.
func (m *manners) hurries(e icws.Exchange) bool {
	last := m.last[0]
	switch {
	case e.Operation == icws.OpConnect:
		m.faulted, m.asked = time.Time{}, time.Time{} // of the session before
		return false
	case inSession(e.Operation) && e.Start.Before(m.asked):
		return true
	case e.Operation == icws.OpSubscribe && e.Start.Sub(m.faulted) < m.pause:
		return true
	case !last.failed, e.Start.Sub(last.ended) >= m.pause:
		return false
	case last.op == icws.OpList && last.code >= 400 && last.code < 500: // a check can do without it
		return false
	case !m.last[1].failed: // one failure is tried again at once
		return false
	case last.op == icws.OpSwitchoverStatus, last.op == icws.OpStream && e.Operation != icws.OpStream:
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
		m.inARow = 0
	}
	return nil
}
