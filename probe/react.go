package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"icws_exporter/probe/icws"
)

// succeeded takes note of a request that proves the subscription works: nothing
// is missing and nothing but a check is awaited.
func (s *session) succeeded() {
	streaming := s.transport == TransportPoll || s.pump != nil
	if !streaming || s.over != nil || s.any(func(f *feed) bool { return !f.delivers() }) {
		return
	}
	s.failures = 0
	s.retryAt = time.Time{}
	s.loop.noteAttempt()
	s.loop.setState(StateLive, "", time.Time{})
}

// failed reacts to an error as the fault table says. It returns nil when the
// session goes on, after retryAt.
func (s *session) failed(ctx context.Context, err error) *sessionEnd {
	if ctx.Err() != nil {
		return nil
	}
	defer s.loop.noteAttempt()
	s.streamFailed(err)
	if !rejectedByBreaker(err) {
		s.loop.cause = err
	}
	if errors.Is(err, errNotDelivering) {
		s.loop.wait(err.Error(), err)
		return s.end(err, CloseReplaced, LossNotDelivering)
	}
	switch faultOf(err) {
	case faultUnauthorized:
		return s.unauthorized(err)
	case faultGone:
		return s.goneAnswered(err)
	case faultBreaker:
		s.observer.BreakerRejected()
		s.loop.setState(StateBreakerOpen, breakerReason(s.loop.reason), s.loop.breaker.retryAt())
		s.retryAt = s.loop.nextAttempt
		return nil
	case faultRefused:
		s.loop.setState(StateBackoff, err.Error(), time.Now().Add(s.cfg.BackoffMax))
	case faultTransient:
		if s.failures+1 < maxSessionFailures && s.retries(err) {
			s.failures++
			return nil
		}
		s.loop.wait(err.Error(), err)
	default:
		s.loop.wait(err.Error(), err)
	}
	s.failures++
	s.retryAt = s.loop.nextAttempt
	if s.failures < maxSessionFailures {
		return nil
	}
	switch {
	case s.loop.switchesOver():
		return s.end(err, CloseSwitchover, LossSwitchover)
	case lastCode(err) != 0 || faultOf(err) == faultUndecodable:
		return s.end(err, CloseReplaced, LossNotDelivering)
	default:
		return s.end(err, CloseNetwork, LossStreamLost)
	}
}

const (
	// atOnceAfter is how long nothing must have failed for a try at once.
	atOnceAfter = 10 * time.Second
	// maxPace is the longest pause before a try in a good session.
	maxPace = 30 * time.Second
)

// retries has a good session try again after a failure: at once when it is the first,
// and then within seconds, longer only when one failure follows the other. One
// failure is no outage: the state stays, unless the subscription delivers no more. It
// reports whether the session is a good one, on a server that is not in trouble and
// does not ask for a pause.
func (s *session) retries(err error) bool {
	if !s.hasDelivered() || s.loop.breaker.state != BreakerClosed || retryAfterOf(err) > 0 || icws.ReasonOf(err) == icws.FailTooLarge {
		return false
	}
	now := time.Now()
	sinceFailure := now.Sub(s.failedAt)
	if sinceFailure > stableAfter {
		s.pace.reset()
	}
	s.failedAt = now
	s.retryAt = later(s.retryAt, now)
	if s.failures > 0 || sinceFailure < atOnceAfter || s.failedBefore {
		s.retryAt = later(s.retryAt, now.Add(s.pace.next()))
	}
	state := s.loop.state
	if s.any(func(f *feed) bool { return !f.Up }) {
		state = StateBackoff
	}
	s.loop.setState(state, err.Error(), s.retryAt)
	return true
}

// end leaves the session and waits in the state that was set.
func (s *session) end(err error, reason CloseReason, loss LossReason) *sessionEnd {
	return &sessionEnd{err: err, close: reason, loss: loss, state: s.loop.state, until: s.loop.nextAttempt}
}

// streamFailed drops a stream that ended or fell silent: it has to be opened
// again, and what it carried meanwhile is lost.
func (s *session) streamFailed(err error) {
	var ended *streamError
	if s.pump == nil || !errors.As(err, &ended) {
		return
	}
	s.pump.close()
	s.pump = nil
	var timeout streamTimeout
	if errors.As(err, &timeout) && timeout.what == silentFor {
		s.contact.waited(timeout.after)
	}
	if reason, broke := streamFailure(err); broke {
		s.observer.StreamBroke(reason)
	}
	for _, f := range s.feeds {
		f.abandon()
		f.suspect = true
		f.markDown()
	}
	for _, f := range s.loop.optionalFeeds {
		f.streamLost()
	}
}

// unauthorized leaves a session that was answered 401: for a new one at once, but
// only once. A second 401 soon after, in a session that never delivered, means
// that a new session heals nothing (a proxy that strips the cookie), and each
// costs a log-on.
func (s *session) unauthorized(err error) *sessionEnd {
	now := time.Now()
	end := &sessionEnd{err: err, close: CloseUnauthorized, loss: LossUnauthorized, state: StateConnecting}
	switch {
	case s.wire.Feature("connection") < 3 && s.hasDelivered() && s.loop.endedAgain(now, false):
		end.displaced(now)
	case !s.loop.retriedUnauthorized || now.Sub(s.opened) >= stableAfter:
	case s.hasDelivered():
		end.state, end.until = StateBackoff, now.Add(s.loop.backoff.next())
	default:
		end.err = fmt.Errorf("a new session was refused as well; does a proxy strip the cookie? %w", err)
		end.state, end.until = StateUnauthorizedHold, now.Add(s.loop.unauthorizedHold.next())
	}
	s.loop.retriedUnauthorized = true
	return end
}

// goneAnswered reacts to a 410: without the subscription or the messages there
// is nothing to watch; any other operation is left alone until the next session.
func (s *session) goneAnswered(err error) *sessionEnd {
	var response *icws.ResponseError
	if !errors.As(err, &response) {
		return nil
	}
	s.loop.gone[response.Operation] = true
	s.retryAt = time.Now().Add(s.cfg.BackoffMin)
	if response.Operation != icws.OpSubscribe && response.Operation != icws.OpPoll {
		s.log.Warn("the server removed an operation; it is not used until the next session", "operation", response.Operation.String())
		return nil
	}
	return &sessionEnd{
		err:   fmt.Errorf("this server version no longer has what we need: %w", err),
		close: CloseReplaced, loss: LossGone,
		state: StateGoneHold, until: time.Now().Add(goneHold),
	}
}
