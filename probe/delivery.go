package probe

import (
	"context"
	"fmt"
	"time"

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

// resynchronise asks for the whole list, for the reason that waits.
func (f *feed) resynchronise(ctx context.Context) error {
	reason := *f.resync
	first := reason == ResyncInitial || reason == ResyncSession
	if !f.renew && !first && f.mayAudit() {
		return f.audit(ctx, reason)
	}
	renew := (f.renew || f.noResend) && f.subscribed && f.mayDelete()
	return f.put(ctx, reason, renew)
}

// put subscribes, after a DELETE when renew is set, and then expects a full
// message.
func (f *feed) put(ctx context.Context, reason ResyncReason, renew bool) error {
	if renew {
		if err := f.call(func() error { return f.s.wire.Unsubscribe(ctx, f.wire) }); err != nil {
			return fmt.Errorf("renewing the subscription: %w", err)
		}
	}
	var body any
	if f.body != nil {
		body = f.body()
	}
	start := time.Now()
	if err := f.call(func() error { return f.s.wire.Subscribe(ctx, f.wire, body) }); err != nil {
		if renew {
			f.lostByRenewal(reason)
		}
		return fmt.Errorf("subscribing to the %s: %w", f.wire, err)
	}
	f.subscribed = true
	f.resync, f.renew = nil, false
	if renew {
		f.State = SubscriptionNone
	}
	f.observer.Resynced(f.what, reason)
	f.awaiting = &delivery{
		reason: reason, putAt: start, renewed: renew,
		deadline: time.Now().Add(f.cfg.DeliveryTimeout),
	}
	f.s.pollSoon()
	return nil
}

// lostByRenewal takes note that our own DELETE worked and the PUT after it did
// not: there is no subscription until a PUT is answered.
func (f *feed) lostByRenewal(reason ResyncReason) {
	f.lost(LossSelfInflicted)
	f.subscribed, f.suspect = false, true
	if reason == ResyncCheck {
		reason = ResyncNotDelivering
	}
	f.ask(reason)
}

// deliveryTimedOut reacts to a full message that did not come: once by DELETE
// and PUT, after which it must come.
func (f *feed) deliveryTimedOut(ctx context.Context) error {
	d := f.awaiting
	if !d.renewed && f.mayDelete() {
		if err := f.put(ctx, d.reason, true); err != nil {
			f.abandon()
			return err
		}
		f.awaiting.unanswered = true
		return nil
	}
	f.awaiting = nil
	if d.isCheck() && f.isGone(icws.OpUnsubscribe) && f.hasList() {
		f.noResend = true
		return f.audit(ctx, d.reason)
	}
	if d.isCheck() {
		f.checked(DeliveryCheck{Result: CheckTimeout})
	}
	if f.required {
		f.s.undelivered()
	}
	return errNotDelivering
}

// abandon gives up waiting for a full message that cannot come any more; what it
// was for is asked for again.
func (f *feed) abandon() {
	d := f.awaiting
	if d == nil {
		return
	}
	f.awaiting = nil
	if d.isCheck() {
		f.checked(DeliveryCheck{Result: CheckFailed})
		return
	}
	f.ask(d.reason)
}

// missed takes note that a message may be lost: what was awaited may have been it,
// and the live copy may be wrong until the whole list comes.
func (f *feed) missed(reason ResyncReason) {
	f.abandon()
	f.suspect = true
	f.ask(reason)
}

// received applies a message of the subscription, which the reader of the live
// copy has decoded.
func (f *feed) received(m icws.Message, now time.Time) {
	f.LastMessage = now
	if !m.IsDelta {
		f.observer.MessageReceived(f.what, MessageFull)
		f.fullArrived(now, f.commit(true, now))
		return
	}
	f.observer.MessageReceived(f.what, MessageDelta)
	if f.delivered {
		f.commit(false, now)
	} else if f.awaiting == nil {
		f.ask(ResyncDeltaBeforeFull)
	}
}

func (f *feed) commit(full bool, now time.Time) change {
	c := f.copy.commit(full, now)
	if c.entries > 0 {
		f.LastChange = now
	}
	return c
}

// fullArrived takes note of a committed full message.
func (f *feed) fullArrived(now time.Time, c change) {
	d := f.awaiting
	f.awaiting = nil
	if d != nil {
		took := now.Sub(d.putAt)
		f.observer.Delivered(f.what, took)
		if d.unanswered && !d.isFirst() {
			f.noResend = true
		}
		if d.renewed {
			f.renewAt = now.Add(f.cfg.ResubscribeInterval)
		}
		f.verified(now, d.reason, took, c)
	} else {
		f.verified(now, ResyncInitial, 0, c)
	}
	f.LastFull = now
	f.delivered = true
	if f.State == SubscriptionFaulted {
		f.State = SubscriptionNone // it was said of the one before
	}
	f.resync, f.renew = nil, false
	f.backoff.reset()
	if !f.Up {
		f.Up, f.Since = true, now
	}
	f.s.loop.streaming.undelivered = 0
	f.s.succeeded()
}

// verified takes note that the live copy equals the server's list now, after c
// changed it.
func (f *feed) verified(now time.Time, reason ResyncReason, took time.Duration, c change) {
	if reason == ResyncCheck {
		check := DeliveryCheck{Result: CheckOK, Took: took}
		if c.entries > 0 && !f.suspect && f.State != SubscriptionSuspended {
			check.Result, check.Drift, check.IDs = CheckDrift, c.entries, c.ids
			f.log.Warn("drift: the server's list differs from what its deltas said", "entries", c.entries, "ids", loggable(c.ids))
		}
		f.checked(check)
	}
	f.suspect = false
	f.LastVerified = now
	f.checkAt = now.Add(jittered(f.rand, f.cfg.CheckInterval))
}

// audit compares the live copy with the server's list, for a server that does not
// resend on a second PUT.
//
// Queued messages are fetched first: what they announce is no drift.
func (f *feed) audit(ctx context.Context, reason ResyncReason) error {
	if f.s.transport == TransportPoll {
		if err := f.s.poll(ctx); err != nil {
			return err
		}
	}
	err := f.call(func() error { return f.s.wire.List(ctx, f.copy.reader()) })
	if err != nil {
		return fmt.Errorf("reading the status list: %w", err)
	}
	now := time.Now()
	f.observer.Resynced(f.what, reason)
	f.verified(now, reason, 0, f.commit(true, now))
	f.resync = nil
	f.s.succeeded()
	return nil
}

// stateSaid notes what the server says of a subscription. It does not say of
// which, so when there are several, each of them is checked.
func (f *feed) stateSaid(state SubscriptionState, several bool) (faulted bool) {
	f.State = state
	// While our own DELETE and PUT are under way, it says so because of them.
	if state != SubscriptionFaulted || f.awaiting != nil && (f.awaiting.renewed || f.awaiting.isFirst()) {
		return false
	}
	if several {
		f.suspect, f.checkAt = true, time.Time{}
		return false
	}
	f.abandon()
	f.lost(LossFaulted)
	f.suspect, f.renew = true, true
	f.ask(ResyncFaulted)
	return true
}
