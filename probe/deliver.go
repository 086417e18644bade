package probe

import (
	"context"
	"fmt"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// delivery is a full message that has to come, because a PUT asked for it.
type delivery struct {
	reason   ResyncReason
	putAt    time.Time
	deadline time.Time
	renewed  bool // by DELETE and PUT
	// unanswered says that a PUT without DELETE brought nothing before.
	unanswered bool
}

func (d *delivery) isCheck() bool { return d.reason == ResyncCheck }

// isFirst reports whether this is the first full message of the session.
func (d *delivery) isFirst() bool { return d.reason == ResyncInitial || d.reason == ResyncSession }

// check begins a delivery check.
func (w *watch) check(ctx context.Context) error {
	now := time.Now()
	w.checkAt = now.Add(jittered(w.l.rand, w.l.cfg.CheckInterval))
	var err error
	switch {
	case w.noResend && w.renewalDue(now) && w.mayDelete():
		err = w.put(ctx, ResyncCheck, true)
	case w.mayAudit():
		err = w.audit(ctx, ResyncCheck)
	default:
		err = w.put(ctx, ResyncCheck, false)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	w.checkAt = now.Add(w.l.cfg.BackoffMin)
	if rejectedByBreaker(err) {
		w.l.observer.DeliveryChecked(DeliveryCheck{Result: CheckSkipped})
	} else {
		w.l.observer.DeliveryChecked(DeliveryCheck{Result: CheckFailed})
	}
	return err
}

// renewalDue reports whether a server that does not resend should be made to by
// DELETE and PUT: every resubscribe_interval, or at every check when it does not
// have the list either.
func (w *watch) renewalDue(now time.Time) bool {
	if w.l.gone[icws.OpList] {
		return true
	}
	return w.l.cfg.ResubscribeInterval > 0 && !now.Before(w.renewAt)
}

// mayDelete reports whether the subscription may be deleted to be made again: a
// monitor must not break a working subscription on a server in trouble.
func (w *watch) mayDelete() bool {
	return w.l.breaker.state == BreakerClosed && !w.lastFailed && !w.l.gone[icws.OpUnsubscribe]
}

// mayAudit reports whether the status list is the way to the truth: for a
// subscription that delivers, on a server that does not resend. One that was lost
// has to deliver again first, and the list cannot show that.
func (w *watch) mayAudit() bool {
	return w.noResend && w.subscribed && w.l.subscriptionUp && !w.l.gone[icws.OpList]
}

// resynchronise asks for the whole catalogue, for the reason that waits.
func (w *watch) resynchronise(ctx context.Context) error {
	reason := *w.resync
	first := reason == ResyncInitial || reason == ResyncSession
	if !w.renew && !first && w.mayAudit() {
		return w.audit(ctx, reason)
	}
	renew := (w.renew || w.noResend) && w.subscribed && w.mayDelete()
	return w.put(ctx, reason, renew)
}

// put subscribes, after a DELETE when renew is set, and then expects a full
// message.
func (w *watch) put(ctx context.Context, reason ResyncReason, renew bool) error {
	if renew {
		if err := w.call(func() error { return w.s.Unsubscribe(ctx, icws.StatusMessages) }); err != nil {
			return fmt.Errorf("renewing the subscription: %w", err)
		}
	}
	start := time.Now()
	if err := w.call(func() error { return w.s.Subscribe(ctx, icws.StatusMessages, nil) }); err != nil {
		if renew {
			w.selfInflicted(reason)
		}
		return fmt.Errorf("subscribing to the status messages: %w", err)
	}
	w.subscribed = true
	w.resync, w.renew = nil, false
	if renew {
		w.l.subscription = SubscriptionNone
	}
	w.l.observer.CatalogueResync(reason)
	w.awaiting = &delivery{
		reason: reason, putAt: start, renewed: renew,
		deadline: time.Now().Add(w.l.cfg.DeliveryTimeout),
	}
	w.pollEvery = firstPollDelay
	w.pollAt = time.Now().Add(firstPollDelay)
	return nil
}

// selfInflicted takes note that our own DELETE worked and the PUT after it did
// not: there is no subscription until a PUT is answered.
func (w *watch) selfInflicted(reason ResyncReason) {
	w.l.lose(LossSelfInflicted)
	w.subscribed, w.suspect = false, true
	if reason == ResyncCheck {
		reason = ResyncNotDelivering
	}
	w.ask(reason)
}

// deliveryTimedOut reacts to a full message that did not come: once by DELETE
// and PUT, after which it must come.
func (w *watch) deliveryTimedOut(ctx context.Context) error {
	d := w.awaiting
	if !d.renewed && w.mayDelete() {
		if err := w.put(ctx, d.reason, true); err != nil {
			w.abandon()
			return err
		}
		w.awaiting.unanswered = true
		return nil
	}
	w.awaiting = nil
	if d.isCheck() && w.l.gone[icws.OpUnsubscribe] && !w.l.gone[icws.OpList] {
		w.noResend = true
		return w.audit(ctx, d.reason)
	}
	if d.isCheck() {
		w.l.observer.DeliveryChecked(DeliveryCheck{Result: CheckTimeout})
	}
	if w.l.transport == TransportSSE {
		w.l.streamUndelivered(time.Now())
	}
	return errNotDelivering
}

// abandon gives up waiting for a full message that cannot come any more; what it
// was for is asked for again.
func (w *watch) abandon() {
	d := w.awaiting
	if d == nil {
		return
	}
	w.awaiting = nil
	if d.isCheck() {
		w.l.observer.DeliveryChecked(DeliveryCheck{Result: CheckFailed})
		return
	}
	w.ask(d.reason)
}

// streamUndelivered counts the times in a row that the stream carried nothing
// although the PUT was answered: a proxy that buffers. Two are enough to poll.
func (l *loop) streamUndelivered(now time.Time) {
	l.undelivered++
	if l.undelivered >= 2 && l.cfg.Transport == ModeAuto {
		l.undelivered = 0
		l.pollOnlyUntil = now.Add(pollOnlyTime)
		l.log.Warn("the event stream delivers nothing although subscribing works; polling for an hour (does a proxy buffer the stream?)")
	}
}

// fullArrived takes note of a committed full message.
func (w *watch) fullArrived(now time.Time, r catalogue.Result) {
	d := w.awaiting
	w.awaiting = nil
	if d != nil {
		took := now.Sub(d.putAt)
		w.l.observer.Delivered(took)
		if d.unanswered && !d.isFirst() {
			w.noResend = true
		}
		if d.renewed {
			w.renewAt = now.Add(w.l.cfg.ResubscribeInterval)
		}
		w.verified(now, d.reason, took, r)
	} else {
		w.verified(now, ResyncInitial, 0, r)
	}
	w.l.lastFull = now
	w.delivered = true
	if w.l.subscription == SubscriptionFaulted {
		w.l.subscription = SubscriptionNone // it was said of the one before
	}
	w.l.undelivered = 0
	w.resync, w.renew = nil, false
	if !w.l.subscriptionUp {
		w.l.subscriptionUp, w.l.subscribedAt = true, now
	}
	w.succeeded()
}

// verified takes note that the live copy equals the server's list now, after r
// changed it.
func (w *watch) verified(now time.Time, reason ResyncReason, took time.Duration, r catalogue.Result) {
	if reason == ResyncCheck {
		check := DeliveryCheck{Result: CheckOK, Took: took}
		if n := r.Total(); n > 0 && !w.suspect && w.l.subscription != SubscriptionSuspended {
			check.Result, check.Drift, check.IDs = CheckDrift, n, r.ChangedIDs
			w.l.log.Warn("drift: the server's list differs from what its deltas said", "entries", n, "ids", loggable(r.ChangedIDs))
		}
		w.l.observer.DeliveryChecked(check)
	}
	w.suspect = false
	w.l.lastVerified = now
	w.checkAt = now.Add(jittered(w.l.rand, w.l.cfg.CheckInterval))
}

// audit compares the live copy with the status list, for a server that does not
// resend on a second PUT.
//
// Queued messages are fetched first: what they announce is no drift.
func (w *watch) audit(ctx context.Context, reason ResyncReason) error {
	if w.l.transport == TransportPoll {
		if err := w.poll(ctx); err != nil {
			return err
		}
	}
	err := w.call(func() error { return w.s.List(ctx, w.l.reader) })
	if err != nil {
		return fmt.Errorf("reading the status list: %w", err)
	}
	now := time.Now()
	w.l.observer.CatalogueResync(reason)
	result := w.l.catalogue.CommitFull(now)
	w.committed(now, result)
	w.verified(now, reason, 0, result)
	w.resync = nil
	w.succeeded()
	return nil
}
