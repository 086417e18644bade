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
func (w *watch) succeeded() {
	streaming := w.l.transport == TransportPoll || w.pump != nil
	if !w.delivered || w.resync != nil || !streaming || !w.l.subscriptionUp {
		return
	}
	w.failures = 0
	w.retryAt = time.Time{}
	w.l.outcome()
	w.l.setState(StateLive, "", time.Time{})
}

// failed reacts to an error as the fault table says. It returns nil when the
// session goes on, after retryAt.
func (w *watch) failed(ctx context.Context, err error) *sessionEnd {
	if ctx.Err() != nil {
		return nil
	}
	defer w.l.outcome()
	w.streamFailed(err)
	if errors.Is(err, errNotDelivering) {
		w.l.wait(err.Error(), err)
		return w.end(err, CloseReplaced, LossNotDelivering)
	}
	switch faultOf(err) {
	case faultUnauthorized:
		return w.unauthorized(err)
	case faultGone:
		return w.goneAnswered(err)
	case faultBreaker:
		w.l.observer.BreakerRejected()
		w.l.setState(StateBreakerOpen, breakerReason(w.l.reason), w.l.breaker.retryAt())
		w.retryAt = w.l.nextAttempt
		return nil
	case faultRefused:
		w.l.setState(StateBackoff, err.Error(), time.Now().Add(w.l.cfg.BackoffMax))
	default:
		w.l.wait(err.Error(), err)
	}
	w.failures++
	w.retryAt = w.l.nextAttempt
	if w.failures < maxSessionFailures {
		return nil
	}
	switch {
	case w.l.switchover.Active:
		return w.end(err, CloseSwitchover, LossSwitchover)
	case lastCode(err) != 0 || faultOf(err) == faultUndecodable:
		return w.end(err, CloseReplaced, LossNotDelivering)
	default:
		return w.end(err, CloseNetwork, LossStreamLost)
	}
}

// end leaves the session and waits in the state that was set.
func (w *watch) end(err error, reason CloseReason, loss LossReason) *sessionEnd {
	return &sessionEnd{err: err, close: reason, loss: loss, state: w.l.state, until: w.l.nextAttempt}
}

// streamFailed drops a stream that ended or fell silent: it has to be opened
// again, and what it carried meanwhile is lost.
func (w *watch) streamFailed(err error) {
	var ended *streamError
	var silent errSilent
	if w.pump == nil || !errors.As(err, &ended) && !errors.As(err, &silent) {
		return
	}
	w.pump.close()
	w.pump = nil
	if reason, broke := streamFailure(err); broke {
		w.l.observer.StreamBroke(reason)
	}
	w.abandon()
	w.suspect = true
	w.l.lose(LossStreamLost)
}

// unauthorized leaves a session that was told 401: for a new one at once, but
// only once. A second 401 soon after, in a session that never delivered, means
// that a new session heals nothing (a proxy that strips the cookie), and each
// costs a log-on.
func (w *watch) unauthorized(err error) *sessionEnd {
	now := time.Now()
	end := &sessionEnd{err: err, close: CloseUnauthorized, loss: LossUnauthorized, state: StateConnecting}
	switch {
	case !w.l.retriedUnauthorized || now.Sub(w.opened) >= calmAfter:
	case w.delivered:
		end.state, end.until = StateBackoff, now.Add(w.l.backoff.next())
	default:
		end.err = fmt.Errorf("a new session was refused as well; does a proxy strip the cookie? %w", err)
		end.state, end.until = StateBackoff, now.Add(w.l.authHold.next())
	}
	w.l.retriedUnauthorized = true
	return end
}

// goneAnswered reacts to a 410: without the subscription or the messages there
// is nothing to watch; any other operation is left alone until the next session.
func (w *watch) goneAnswered(err error) *sessionEnd {
	var response *icws.ResponseError
	if !errors.As(err, &response) {
		return nil
	}
	w.l.gone[response.Operation] = true
	w.retryAt = time.Now().Add(w.l.cfg.BackoffMin)
	if response.Operation != icws.OpSubscribe && response.Operation != icws.OpPoll {
		w.l.log.Warn("the server removed an operation; it is not used until the next session", "operation", response.Operation.String())
		return nil
	}
	return &sessionEnd{
		err:   fmt.Errorf("this server version no longer has what we need: %w", err),
		close: CloseReplaced, loss: LossGone,
		state: StateGoneHold, until: time.Now().Add(goneHold),
	}
}
