package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"icws_exporter/probe/icws"
)

// delivery is a full message that has to come, because a PUT asked for it.
type delivery struct {
	reason   ResyncReason
	putAt    time.Time // the first
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
	if !f.renew && !first && f.mayAudit() && f.needsList(time.Now()) {
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
	sent := f.s.loop.moment()
	f.askedAt = sent.at
	f.asked = append(f.recentlyAsked(sent.at), sent)
	if err := f.call(func() error { return f.s.wire.Subscribe(ctx, f.wire, nil) }); err != nil {
		if renew {
			f.lostByRenewal(reason)
		}
		return fmt.Errorf("subscribing to the %s: %w", f.wire, err)
	}
	f.subscribed = true
	f.resync, f.renew = nil, false
	if renew {
		f.State = SubscriptionNone
		f.renewAt = sent.at.Add(f.cfg.ResubscribeInterval)
	}
	f.observer.Resynced(f.what, reason)
	f.awaiting = &delivery{
		reason: reason, putAt: sent.at, renewed: renew,
		deadline: time.Now().Add(f.cfg.DeliveryTimeout),
	}
	f.s.pollSoon()
	return nil
}

// recentlyAsked forgets the PUTs whose full message comes no more.
func (f *feed) recentlyAsked(now time.Time) []moment {
	return slices.DeleteFunc(f.asked, func(m moment) bool { return now.Sub(m.at) > f.patience() })
}

// patience is how long a full message may be on its way.
func (f *feed) patience() time.Duration {
	if f.Lagging {
		return 10 * time.Minute
	}
	return 2 * f.cfg.DeliveryTimeout
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
	if !d.unanswered {
		f.checked(DeliveryCheck{Result: CheckTimeout})
	}
	if f.Lagging && f.mayAudit() && !f.silent(d) { // as is known, and the list is there
		f.awaiting, f.checkAt, f.listFirst = nil, time.Time{}, true
		return nil
	}
	if !d.renewed && f.mayDelete() {
		if err := f.put(ctx, d.reason, true); err != nil {
			f.abandon()
			return err
		}
		f.awaiting.unanswered, f.awaiting.putAt = true, d.putAt
		return nil
	}
	f.awaiting = nil
	if d.isCheck() && f.isGone(icws.OpUnsubscribe) && f.hasList() {
		f.noResend = true
		return f.audit(ctx, d.reason)
	}
	f.s.undelivered()
	return errNotDelivering
}

// silent reports whether no message has come since the PUT before this one, which
// was not answered in time either: then the subscription does not lag, it delivers
// nothing.
func (f *feed) silent(d *delivery) bool {
	before := f.unansweredAt
	f.unansweredAt = d.putAt
	if before.IsZero() || f.LastMessage.After(before) {
		return false
	}
	f.Lagging = false
	return true
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
		f.fullReceived(now)
		return
	}
	f.observer.MessageReceived(f.what, MessageDelta)
	switch {
	case f.Lagging: // older than the list
	case f.delivered:
		f.commit(false, now)
	case f.awaiting == nil:
		f.ask(ResyncDeltaBeforeFull)
	}
}

func (f *feed) commit(full bool, now time.Time) change {
	c := f.copy.commit(full, now)
	if c.entries > 0 {
		f.LastChange, f.Changes = now, f.Changes+1
	}
	if c.tooLarge {
		f.outgrown()
	}
	return c
}

// tooLargeHold is how long a server that sent too much is left alone.
const tooLargeHold = 15 * time.Minute

var errTooLarge = errors.New("too_large: the server sends more than a live copy may hold, which real servers do not; it is left alone for a while")

// outgrown forgets a copy that has grown beyond its bounds, between two checks or by
// one message: it would take the memory of the other servers.
func (f *feed) outgrown() {
	f.copy.forget()
	f.verifiedAt = moment{}
	f.delivered = false
	f.s.over = &sessionEnd{
		err: fmt.Errorf("%s: %w", f.wire, errTooLarge), close: CloseReplaced, loss: LossTooLarge,
		state: StateBackoff, until: time.Now().Add(tooLargeHold),
	}
}

// fullReceived tells a full message that answers a PUT from one that nobody asked
// for. Only the former proves anything, and only as of the PUT. On a server that
// sends them on its own the two look alike, but for the first of a session: nothing
// older can be on its way there.
func (f *feed) fullReceived(now time.Time) {
	f.LastFull = now
	d := f.awaiting
	if d == nil {
		f.fullUnawaited(now)
		return
	}
	asOf := f.asked[0]
	f.asked, f.awaiting = f.asked[1:], nil
	f.arrived(d, now)
	// When messages could not come, what has waited for us comes before the answer.
	mayBeOld := now.Before(f.unasked) || d.putAt.Sub(f.s.brokenAt) < f.patience()
	if d.isFirst() {
		mayBeOld = d.unanswered // then what came is perhaps no answer
	}
	switch {
	case asOf.at.Before(f.verifiedAt.at), mayBeOld && f.hasList():
		f.unproven(now)
		f.catchUp(now.Sub(d.putAt))
		if !now.Before(f.unasked) { // else it sets the pace
			f.checkAt = now
		}
		if d.isCheck() {
			f.checked(DeliveryCheck{Result: d.result(CheckOK), Took: now.Sub(d.putAt)})
		}
	default:
		f.verified(asOf, d.reason, d, f.commit(true, now))
		f.keepsUp(now.Sub(asOf.at))
	}
	f.s.succeeded()
}

// arrived takes note that the subscription delivers: what was asked for came.
func (f *feed) arrived(d *delivery, now time.Time) {
	f.observer.Delivered(f.what, now.Sub(d.putAt))
	if d.unanswered && !d.isFirst() {
		f.noResend = true
	}
	f.delivered = true
	if f.State == SubscriptionFaulted {
		f.State = SubscriptionNone // it was said of the one before
	}
	f.resync, f.renew = nil, false
	if !f.Up {
		f.Up, f.Since = true, now
	}
	f.s.loop.streaming.undelivered = 0
}

// stateSaid notes what the server says of a subscription. It does not say of
// which, so when there are several, each of them is checked.
func (f *feed) stateSaid(state SubscriptionState, several bool) (faulted bool) {
	if state != SubscriptionFaulted || !several {
		f.State = state
	}
	// While our own DELETE and PUT are under way, it says so because of them.
	if state != SubscriptionFaulted || f.awaiting != nil && (f.awaiting.renewed || f.awaiting.isFirst()) {
		return false
	}
	if several {
		f.checkSoon(time.Now())
		return false
	}
	f.abandon()
	f.lost(LossFaulted)
	f.suspect, f.renew = true, true
	f.ask(ResyncFaulted)
	return true
}
