package probe

import (
	"context"
	"slices"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

var userStatusesWire = icws.UserStatuses

// wanted are the ids to subscribe to.
func (u *userFeed) wanted() []string {
	if len(u.refused)+len(u.untried) == 0 {
		return u.ids
	}
	return slices.DeleteFunc(slices.Clone(u.ids), func(id string) bool { return u.refused[id] || u.untried[id] })
}

// putAgain asks for everybody because it is time to.
func (u *userFeed) putAgain(ctx context.Context, now time.Time) {
	u.need(ResyncCheck)
	u.put(ctx, now)
}

// putLimit is how long a PUT of n users may take.
func (u *userFeed) putLimit(n int) time.Duration {
	return max(u.l.cfg.RequestTimeout, u.l.cfg.DeliveryTimeout) + time.Duration(n)*userPutTime
}

// put subscribes to all users who are wanted, after a DELETE where that is needed.
func (u *userFeed) put(ctx context.Context, now time.Time) {
	ids, wire, renew, reason := u.wanted(), u.s.wire, u.renews(), *u.due
	limit, sent := u.putLimit(len(ids)), u.l.moment()
	u.asked = append(u.recentlyAsked(now), sent)
	was := u.subscribed && !renew
	u.awaiting = &userDelivery{
		putAt: sent, first: !u.putBefore, renewed: renew,
		deadline: now.Add(2 * limit), // until the answer says more
	}
	u.putAt, u.due, u.subscribed, u.putBefore = now, nil, true, true // the answer may be given up
	u.fullAt = now.Add(jittered(u.l.rand, fullInterval))
	if !slices.Equal(ids, u.omitted.of) {
		u.omitted = omission{}
	}
	u.roster.Ask()
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		var err error
		if renew {
			err = wire.Unsubscribe(ctx, userStatusesWire)
			if code := lastCode(err); code == 404 || code == 410 {
				err = nil // there was none, or it is known by the PUT
			}
		}
		if err == nil {
			err = wire.SubscribeWithin(ctx, limit, userStatusesWire, icws.UserStatusBody{UserIDs: ids})
		}
		return func(now time.Time) { u.putAnswered(err, reason, was, len(ids), now) }
	})
}

// putAnswered takes note of the answer to a PUT. was says whether there is a subscription
// even if the PUT failed.
func (u *userFeed) putAnswered(err error, reason ResyncReason, was bool, n int, now time.Time) {
	if err != nil {
		u.forgetDelivery()
		u.asked = u.asked[:max(0, len(u.asked)-1)]
		u.subscribed = was
		u.putRefused(err, reason, now)
		return
	}
	u.renew = false
	u.l.observer.Resynced(UserStatuses, reason)
	if u.awaiting != nil {
		u.awaiting.deadline = now.Add(max(u.l.cfg.DeliveryTimeout, 2*u.l.cfg.PollInterval) + time.Duration(n)*userPutTime)
	}
}

// putRefused waits, or looks for the users whom the server refuses.
func (u *userFeed) putRefused(err error, reason ResyncReason, now time.Time) {
	u.lost(LossNotDelivering)
	u.need(reason)
	state, said, pause := u.refusal(err, "the list of users")
	u.retryAt = now.Add(pause)
	u.checkFailed()
	u.setState(state, said)
	if state != UsersUnknown && state != UsersForbidden && state != UsersRefused {
		return
	}
	u.refusedBy = lastCode(err)
	if !u.listRetry && u.listCost() > 0 { // somebody may have been removed
		u.listRetry, u.listAt, u.retryAt = true, now, now
		return
	}
	if wanted := u.wanted(); len(wanted) > 1 {
		half := len(wanted) / 2
		u.searchIn(nil, now, wanted[half:], wanted[:half])
		return
	}
	u.refuse(u.wanted())
}

func (u *userFeed) checkFailed() {
	u.l.observer.DeliveryChecked(UserStatuses, DeliveryCheck{Result: CheckFailed})
}

// latestFull is how long a full message may be on its way. Behind a slow stream it
// would else be taken for the answer of a later PUT.
const latestFull = 10 * time.Minute

// recentlyAsked forgets the PUTs whose full message comes no more.
func (u *userFeed) recentlyAsked(now time.Time) []moment {
	patience := max(2*u.putLimit(len(u.ids)), latestFull)
	return slices.DeleteFunc(u.asked, func(m moment) bool { return now.Sub(m.at) > patience })
}

// expire reacts to a full message that did not come, and reports whether there was one to
// come: once by DELETE and PUT. Where changes come instead of it, they are all that there is.
func (u *userFeed) expire(now time.Time) bool {
	d := u.awaiting
	if d == nil || u.jobs.busy() || now.Before(d.deadline) {
		return false
	}
	u.awaiting = nil
	// A few changes are what somebody did meanwhile.
	if u.deltaOnly && d.renewed && d.changes && 2*u.roster.Heard() >= len(u.wanted()) {
		u.LastFull, u.came, d.named = now, d, true
		u.weigh(now)
		return true
	}
	u.l.observer.DeliveryChecked(UserStatuses, DeliveryCheck{Result: CheckTimeout})
	u.need(ResyncNotDelivering)
	if again := d.changes && !u.deltaOnly; !d.renewed || again {
		u.deltaOnly = d.changes
		u.renew, u.noResend = true, u.noResend || u.delivered
		u.putAt = time.Time{} // at once: this is one attempt
		return true
	}
	u.lost(LossNotDelivering)
	u.retryAt = now.Add(u.pace.next())
	u.setState(UsersNotDelivering, "the server accepts the list of users and sends no message")
	return true
}

// received applies a message, which is staged.
func (u *userFeed) received(m icws.Message, now time.Time) {
	if u.cfg == nil || u.s == nil {
		return
	}
	u.LastMessage = now
	kind := MessageFull
	if m.IsDelta {
		kind = MessageDelta
	}
	u.l.observer.MessageReceived(UserStatuses, kind)
	switch {
	case u.search != nil:
		u.roster.Stage().Begin() // of a subscription that is being tried
	case !m.IsDelta:
		u.fullReceived(now)
	case u.delivered || u.awaiting != nil:
		if u.awaiting != nil {
			u.awaiting.changes = true
		}
		u.commit(false, now)
	default:
		u.need(ResyncDeltaBeforeFull)
	}
}

// withhold has nothing shown until the counts are verified again.
func (u *userFeed) withhold() { u.verifiedAt = moment{} }

// fullReceived applies a full message. Whom it leaves out stays as before until it is
// known that it was about all.
func (u *userFeed) fullReceived(now time.Time) {
	u.LastFull, u.deltaOnly = now, false
	d := u.awaiting
	if d == nil { // nobody asked, or it comes late: it proves nothing
		u.asked = u.asked[min(1, len(u.asked)):]
		u.roster.Ask()
		u.commit(true, now)
		if u.came != nil || len(u.roster.Unheard()) > 0 {
			u.missed(ResyncNotDelivering)
		}
		return
	}
	u.awaiting, u.came = nil, d
	if len(u.asked) > 0 {
		d.putAt, u.asked = u.asked[0], u.asked[1:]
	}
	isFirst, before := !u.delivered, u.roster.Heard()
	u.delivered = true
	u.commit(true, now)
	d.named = u.roster.Heard() > before
	switch {
	case u.came == nil: // everything that was there has come
	case len(u.roster.Unheard()) > 0, isFirst && u.roster.Heard() < len(u.wanted()):
		u.settleAt = now.Add(settleTime) // the rest may come as a change
	default:
		u.weigh(now)
	}
}

// settle weighs a full message after which enough time has passed, and reports whether
// there was one.
func (u *userFeed) settle(now time.Time) bool {
	if u.settleAt.IsZero() || now.Before(u.settleAt) {
		return false
	}
	u.weigh(now)
	return true
}

// maxDoubts is how many of those whom a full message leaves out are asked for.
const maxDoubts = 3

// weigh decides whether what has come was about all users. It was in the first message
// of a session. Later, whoever was there before and is left out may be gone; or the
// server sends those only who are new, since it never saw our DELETE. It says which when
// it is asked for one alone. Where it does not, a message after a DELETE that names at
// least half of all is believed.
func (u *userFeed) weigh(now time.Time) {
	u.settleAt = time.Time{}
	var left []string
	switch places := u.roster.Unheard(); {
	case u.roster.Heard() == 0:
		left = slices.Clone(u.wanted())
	case u.came.first: // nobody was there before
	default:
		for _, place := range places {
			left = append(left, u.ids[place])
		}
	}
	if len(left) == 0 {
		u.omitted = omission{} // nobody is left out twice in a row
	}
	if len(left) == 0 || u.leavesOutAgain(left) {
		u.dropUnheard(now)
		u.arrived(now)
		return
	}
	u.came.heard = u.roster.Heard()
	u.l.rand.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	u.doubts = left[:min(len(left), maxDoubts)]
}

// omission is whom a full message leaves out, of those who were asked for.
type omission struct{ left, of []string }

// leavesOutAgain reports whether a full message after a DELETE leaves out the same users
// as the one before it, and names others, when no other list was sent meanwhile. Then it is
// about all whom the server watches: one that sends only who is new would name nobody.
func (u *userFeed) leavesOutAgain(left []string) bool {
	if !u.came.renewed || !u.came.named {
		return false
	}
	former := u.omitted
	u.omitted = omission{of: u.wanted(), left: slices.Clone(left)}
	return slices.Equal(former.of, u.omitted.of) && slices.Equal(former.left, u.omitted.left)
}

func (u *userFeed) dropUnheard(now time.Time) {
	if u.roster.DropUnheard() > 0 {
		u.LastChange, u.changed = now, true
	}
}

// weighed takes note of the answer about one whom a full message leaves out.
func (u *userFeed) weighed(found userSample, err error, now time.Time) {
	d := u.came
	switch {
	case found.unknown(err) || lastCode(err) == 403:
		if u.doubts = u.doubts[1:]; len(u.doubts) == 0 {
			u.dropUnheard(now)
			u.listAt = now // others may have come
			u.arrived(now)
		}
	case !found.answered(err) && d.unanswered < maxDoubts:
		d.unanswered++
		u.checkFailed()
		u.retryAt = now.Add(u.pace.next())
		u.setState(UsersIncomplete, u.leftOutReason(false))
	case !found.answered(err) && d.renewed && 2*d.heard >= len(u.wanted()):
		u.dropUnheard(now) // a server that sends only who is new sends few
		u.arrived(now)
	default:
		u.checkFailed()
		reason := u.leftOutReason(found.answered(err))
		u.forgetDelivery()
		u.noResend = true
		u.need(ResyncNotDelivering)
		if !d.renewed {
			u.putAt = time.Time{} // at once: this is one attempt
			return
		}
		u.lost(LossNotDelivering)
		u.retryAt = now.Add(u.pace.next())
		u.setState(UsersNotDelivering, reason)
	}
}

// leftOutReason says what is wrong with a full message that leaves users out, of whom the
// server says when they are asked for alone that it knows them, or nothing.
func (u *userFeed) leftOutReason(knows bool) string {
	said := "the messages of the server leave out users who were there before"
	if u.came.heard == 0 {
		said = "the messages of the server say of nobody what they do"
	}
	if knows {
		return said + ", and it knows them when they are asked for alone"
	}
	return said + ", and it does not answer when one is asked for alone"
}

// arrived takes note that everything came that was asked for.
func (u *userFeed) arrived(now time.Time) {
	asOf := u.came.putAt
	u.forgetDelivery()
	u.l.observer.Delivered(UserStatuses, now.Sub(asOf.at))
	u.delivered = true
	u.pace.reset()
	u.retryAt = time.Time{}
	if !u.Up {
		u.Up, u.Since = true, now
	}
	if u.State == SubscriptionFaulted {
		u.State = SubscriptionNone
	}
	u.sampleAt = now.Add(jittered(u.l.rand, u.sampleEvery()))
	if u.due == nil {
		u.verified(asOf)
	}
	u.showState()
}

func (u *userFeed) verified(asOf moment) {
	if asOf.at.After(u.verifiedAt.at) {
		u.verifiedAt, u.LastVerified = asOf, asOf.at
	}
}

// commit applies what is staged.
func (u *userFeed) commit(full bool, now time.Time) {
	malformed := u.staged.malformed > 0
	var r roster.Result
	if full {
		r = u.roster.CommitFull()
	} else {
		r = u.roster.CommitDelta()
	}
	if r.Changed > 0 {
		u.LastChange, u.changed = now, true
	}
	for _, m := range r.Moved {
		group := roster.UnknownGroup
		if found, known := u.l.statuses().Find(m.Status); known {
			group = found.Group
		}
		u.l.observer.UsersMoved(group, m.Users)
	}
	if malformed {
		u.l.observer.MessageDecodeFailed(UserStatuses)
		u.need(ResyncDecodeFailure)
	}
	if r.Strangers > 0 && !u.renewed { // it added our list to an older one
		u.renewed, u.renew = true, true
		u.need(ResyncNotDelivering)
	}
	switch {
	case u.came != nil && u.doubts == nil && u.roster.Heard() == len(u.wanted()):
		u.weigh(now)
	case u.Up && r.Changed > 0 && u.doubts == nil:
		u.showState()
	}
}

// unsubscribe ends the subscription of a feed that was switched off.
func (u *userFeed) unsubscribe(ctx context.Context, _ time.Time) {
	wire, limit := u.s.wire, u.l.cfg.RequestTimeout
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := wire.Unsubscribe(ctx, userStatusesWire)
		return func(time.Time) {
			u.subscribed = false // whatever it says, nobody listens
			if err != nil {
				u.l.log.Debug("the subscription of users was not removed; it ends with the session")
			}
		}
	})
}
