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
	var body any
	if f.body != nil {
		body = f.body()
	}
	sent := f.s.loop.moment()
	f.asked = append(f.recentlyAsked(sent.at), sent)
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
	patience := 2 * f.cfg.DeliveryTimeout
	if f.Lagging {
		patience = 10 * time.Minute
	}
	return slices.DeleteFunc(f.asked, func(m moment) bool { return now.Sub(m.at) > patience })
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
	if f.Lagging { // as is known, and the list is there
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
		f.LastChange = now
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
	if !f.required {
		f.lost(LossTooLarge)
		f.retryAt = time.Now().Add(tooLargeHold)
		f.ask(ResyncNotDelivering)
		return
	}
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
	switch {
	case asOf.at.Before(f.verifiedAt.at), now.Before(f.unasked) && !d.isFirst() && f.hasList():
		f.hinted(now)
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
	f.backoff.reset()
	if !f.Up {
		f.Up, f.Since = true, now
	}
	f.s.loop.streaming.undelivered = 0
}

// unaskedTime is how long a server that sends full messages on its own is taken for
// one that does.
const unaskedTime = time.Hour

// fullUnawaited takes a full message that comes late, or that nobody asked for. It may
// be old, so the list says what is true; without one, the message has to do, and
// proves nothing.
func (f *feed) fullUnawaited(now time.Time) {
	f.asked = f.recentlyAsked(now)
	if len(f.asked) > 0 {
		f.asked = f.asked[1:]
	} else {
		if !now.Before(f.unasked) {
			f.log.Info("the server sends full messages on its own; from now on the list says what is true", "subscription", f.wire.Name)
		}
		f.unasked = now.Add(unaskedTime)
	}
	f.hinted(now)
}

// listPause is the least time between two lists that messages ask for.
const listPause = 5 * time.Second

// hinted has the list read soon: something has changed, or may have.
func (f *feed) hinted(now time.Time) {
	if !f.mayAudit() && !f.Lagging {
		f.commit(true, now)
		f.delivered = true
	}
	f.suspect, f.listFirst = true, true
	if soon := later(now, f.listedAt.Add(listPause)); soon.Before(f.checkAt) {
		f.checkAt = soon
	}
}

// result is how a check that was delivered counts.
func (d *delivery) result(r CheckResult) CheckResult {
	if d != nil && d.renewed {
		return CheckRenewed
	}
	return r
}

// verified takes note that the live copy was the server's list at a moment, after c
// changed it. d is the delivery that proved it, nil for the list.
func (f *feed) verified(asOf moment, reason ResyncReason, d *delivery, c change) {
	if c.tooLarge {
		return
	}
	if reason == ResyncCheck {
		check := DeliveryCheck{Result: d.result(CheckOK), Took: time.Since(asOf.at)}
		if d != nil {
			check.Took = time.Since(d.putAt)
		}
		if c.entries > 0 && !f.suspect && !f.Lagging && f.State != SubscriptionSuspended {
			check.Result, check.Drift, check.IDs = d.result(CheckDrift), c.entries, c.ids
			f.log.Warn("drift: the server's list differs from what its deltas said", "entries", c.entries, "ids", loggable(c.ids))
		}
		f.checked(check)
		f.drifted(check.Drift > 0)
	}
	f.suspect = false
	if asOf.at.After(f.verifiedAt.at) {
		f.verifiedAt, f.LastVerified = asOf, asOf.at
	}
	f.checkAt = time.Now().Add(jittered(f.rand, f.cfg.CheckInterval))
}

// maxDrifts is how many checks in a row may find the copy wrong before the messages
// are no longer believed.
const maxDrifts = 2

func (f *feed) drifted(drift bool) {
	if !drift {
		f.drifts = 0
		return
	}
	f.drifts++
	if f.drifts < maxDrifts || !f.hasList() || f.Lagging {
		return
	}
	f.Lagging = true
	f.log.Warn(laggingReason, "subscription", f.wire.Name)
}

const laggingReason = "the subscription lags: check after check finds the copy wrong, so only the list counts"

// keepsUp believes the messages again, when a full message came in good time: all
// that were on their way before it have come.
func (f *feed) keepsUp(took time.Duration) {
	if !f.Lagging || took > min(f.cfg.DeliveryTimeout, f.cfg.CheckInterval)/2 {
		return
	}
	f.Lagging, f.drifts = false, 0
	f.log.Info("the subscription keeps up again", "subscription", f.wire.Name)
}

// audit compares the live copy with the server's list.
//
// Queued messages are fetched first: what they announce is no drift.
func (f *feed) audit(ctx context.Context, reason ResyncReason) error {
	if f.s.transport == TransportPoll {
		if err := f.s.poll(ctx); err != nil {
			return err
		}
	}
	sent := f.s.loop.moment()
	f.listedAt, f.sinceList, f.listFirst = sent.at, 0, false
	if err := f.call(func() error { return f.s.wire.List(ctx, f.copy.reader()) }); err != nil {
		if f.listRefused(err, sent.at) {
			return nil
		}
		return fmt.Errorf("reading the status list: %w", err)
	}
	now := time.Now()
	f.observer.Resynced(f.what, reason)
	f.observer.Delivered(f.what, now.Sub(sent.at))
	f.verified(sent, reason, nil, f.commit(true, now))
	f.resync = nil
	f.s.succeeded()
	return nil
}

// noListTime is how long a list that was refused is left alone.
const noListTime = 15 * time.Minute

// listRefused reports whether the subscription can do without the list for a while:
// the server answers, and full messages still come when they are asked for.
func (f *feed) listRefused(err error, now time.Time) bool {
	if faultOf(err) != faultRefused || f.noResend {
		return false
	}
	f.log.Warn("the server refuses the list; checks do without it for a while", "err", err)
	f.noListTill = now.Add(noListTime)
	f.checkAt = now.Add(f.cfg.BackoffMin)
	return true
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
