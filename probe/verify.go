package probe

import (
	"context"
	"fmt"
	"time"
)

// unaskedTime is how long a server that sends full messages on its own is taken for
// one that does.
const unaskedTime = time.Hour

// fullUnawaited takes a full message that comes late, or that nobody asked for. It may
// be old, so the list says what is true; without one, the message has to do, and
// proves nothing.
func (f *feed) fullUnawaited(now time.Time) {
	f.asked = f.recentlyAsked(now)
	switch {
	case len(f.asked) > 0:
		f.asked = f.asked[1:]
	case now.Sub(f.s.brokenAt) <= f.patience():
		// It may have waited for us since a PUT that was given up.
	default:
		if !now.Before(f.unasked) {
			f.log.Info("the server sends full messages on its own; from now on the list says what is true", "subscription", f.wire.Name)
		}
		f.unasked = now.Add(unaskedTime)
	}
	f.unproven(now)
}

// listPause is the least time between two lists that messages ask for; it doubles with
// each list that changes nothing. putPause is that before a PUT, which has the server
// send everything and may be a renewal, and the longest before a list.
const (
	listPause = 5 * time.Second
	putPause  = 30 * time.Second
)

// proven reports whether the copy was proven within stale_after, on both clocks.
func (f *feed) proven() bool {
	now, until := f.s.loop.moment(), f.verifiedAt.add(f.cfg.StaleAfter)
	return !f.verifiedAt.at.IsZero() && now.at.Before(until.at) && now.wall.Before(until.wall)
}

// unproven takes a full message that proves nothing, and has the list read soon:
// something has changed, or may have.
func (f *feed) unproven(now time.Time) {
	// A message that proves nothing does not replace what is proven.
	if !f.mayAudit() && !f.Lagging && (!f.delivered || !f.proven()) {
		f.commit(true, now)
		f.delivered = true
	}
	f.listFirst = true
	f.checkSoon(now)
}

// checkSoon has the copy checked because a message of the server gives reason to. The
// server sets no pace: one that says so all the time is asked now and then.
func (f *feed) checkSoon(now time.Time) {
	f.suspect = true
	pause := putPause
	if f.mayAudit() && f.listDue(now) {
		pause = min(putPause, listPause<<min(f.vainLists, 8))
	}
	if soon := later(now, f.askedAt.Add(pause)); soon.Before(f.checkAt) {
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

// inGoodTime reports whether a full message that took so long was not held up.
func (f *feed) inGoodTime(took time.Duration) bool {
	return took <= min(f.cfg.DeliveryTimeout, f.cfg.CheckInterval)/2
}

// catchUp forgets the PUTs before the last one once two full messages in a row have come in
// good time after that: it is what they answer, and one before it was lost.
func (f *feed) catchUp(took time.Duration) {
	if f.timely++; !f.Lagging || !f.inGoodTime(took) {
		f.timely = 0
	}
	if f.timely > 1 {
		f.asked, f.timely = nil, 0
	}
}

// keepsUp believes the messages again, when a full message came in good time: all
// that were on their way before it have come.
func (f *feed) keepsUp(took time.Duration) {
	if !f.Lagging || !f.inGoodTime(took) {
		return
	}
	f.Lagging, f.drifts = false, 0
	f.log.Info("the subscription keeps up again", "subscription", f.wire.Name)
}

// justPolled is how long after a poll nothing else is taken to wait.
const justPolled = 100 * time.Millisecond

// audit compares the live copy with the server's list.
//
// Queued messages are fetched first: what they announce is no drift. Where most polls fail, the
// list is read after one that did not.
func (f *feed) audit(ctx context.Context, reason ResyncReason) error {
	if f.s.transport == TransportPoll && time.Since(f.s.contact.time()) > justPolled {
		if err := f.s.poll(ctx); err != nil {
			return err
		}
	}
	sent := f.s.loop.moment()
	f.askedAt, f.sinceList, f.listFirst = sent.at, 0, false
	if err := f.call(func() error { return f.s.wire.List(ctx, f.copy.reader()) }); err != nil {
		if f.listRefused(err, sent.at) {
			return nil
		}
		return fmt.Errorf("reading the status list: %w", err)
	}
	now := time.Now()
	f.observer.Resynced(f.what, reason)
	f.observer.Delivered(f.what, now.Sub(sent.at))
	c := f.commit(true, now)
	if f.vainLists++; !f.suspect || c.entries > 0 {
		f.vainLists = 0
	}
	f.verified(sent, reason, nil, c)
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
	f.checkAt = now
	f.s.retryAt = later(f.s.retryAt, time.Now().Add(f.cfg.BackoffMin))
	return true
}
