package probe

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"icws_exporter/probe/icws"
)

// FeedState is what a probe knows of one subscription. It outlives the session.
// Times are zero when the thing has not happened.
type FeedState struct {
	// Up says that the subscription is registered and delivers.
	Up bool
	// State is what the server said of the subscription.
	State SubscriptionState
	// Since is when it was last established.
	Since time.Time

	LastMessage, LastFull, LastChange time.Time
	// Changes counts the changes of the live copy: two of them may have one time.
	Changes uint64
	// LastVerified is as of when the live copy was last proven to be the server's
	// list: when the request was sent whose answer proved it.
	LastVerified time.Time
	// Lagging says that check after check found the copy wrong: what the messages say
	// is late or missing, so the copy is the list's alone.
	Lagging bool
}

// liveCopy is what a feed keeps of the server's list. It belongs to the loop's
// goroutine.
type liveCopy interface {
	// reader decodes messages and lists for the next commit.
	reader() *icws.Reader
	// commit applies what was decoded last: all that there is, or a change.
	commit(full bool, at time.Time) change
	// forget empties the copy.
	forget()
	// publish shows the copy in a snapshot.
	publish(*Snapshot)
}

// change is what a commit did to a live copy.
type change struct {
	entries int      // added, changed or removed
	ids     []string // some of them, after a full message or a list
	// tooLarge says that the copy is larger than it may be, and of no more use.
	tooLarge bool
}

// feed is one subscription and the live copy of what it delivers: what was asked,
// what is awaited, and whether the copy can be trusted. It outlives the session
// and belongs to the loop's goroutine.
type feed struct {
	FeedState
	what     Subscription
	wire     *icws.Subscription
	copy     liveCopy
	cfg      *Config // the loop's
	observer Observer
	rand     *rand.Rand
	log      *slog.Logger

	verifiedAt moment // LastVerified, on both clocks
	// unasked is until when full messages are taken for what nobody asked for: the
	// server sends them on its own.
	unasked time.Time

	sessionFeed
}

// sessionFeed is what a feed knows of its subscription in the running session.
type sessionFeed struct {
	s *session

	resync   *ResyncReason // why the whole list has to be asked for
	renew    bool          // the resync has to DELETE before it PUTs
	awaiting *delivery
	checkAt  time.Time
	renewAt  time.Time

	asked      []moment  // when PUTs were sent that no full message has answered
	askedAt    time.Time // when the list or a full message was last asked for
	sinceList  int       // checks since then
	listFirst  bool      // the next check has to read the list
	vainLists  int       // in a row that a message gave reason to read, and that changed nothing
	noListTill time.Time // the list was refused
	drifts     int       // checks in a row that found the copy wrong
	timely     int       // full messages in a row that came in good time while it lagged

	subscribed  bool // a PUT was answered 200
	delivered   bool // a full message came
	lossPending bool // delivers no more, and it is not known yet why
	suspect     bool // a delta may be missing from the live copy
	noResend    bool // a second PUT did not resend the full message

	unansweredAt time.Time // the last PUT of a subscription that lags
}

// begin starts the feed in a new session.
func (f *feed) begin(s *session) {
	f.sessionFeed = sessionFeed{
		s: s, suspect: true,
	}
	f.Lagging = false
	if f.LastFull.IsZero() {
		f.ask(ResyncInitial)
	} else {
		f.ask(ResyncSession)
	}
}

// task is one thing to do: one request, two at most.
type task func(context.Context) error

// next returns what the feed has to do next, and when.
func (f *feed) next() (time.Time, task) {
	var at time.Time // at once
	var do task
	switch {
	case f.awaiting != nil:
		at, do = f.awaiting.deadline, f.deliveryTimedOut
	case f.resync != nil:
		do = f.resynchronise
	default:
		at, do = f.checkAt, f.check
	}
	return at, do
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// call makes one request of the feed.
func (f *feed) call(request func() error) error { return f.s.call(request) }

// ask requests the whole list; a reason that waits already stays.
func (f *feed) ask(reason ResyncReason) {
	if f.resync == nil {
		f.resync = &reason
	}
}

// markDown takes note that a subscription that delivered does so no more, before it is
// known why: what comes next tells, and calls lost.
func (f *feed) markDown() {
	f.lossPending = f.lossPending || f.Up
	f.Up = false
}

// lost counts the loss of a subscription that delivered.
func (f *feed) lost(reason LossReason) {
	if f.markDown(); f.lossPending {
		f.lossPending = false
		f.observer.SubscriptionLost(f.what, reason)
	}
}

// mustAsk reports whether the whole list is missing and not asked for yet.
func (f *feed) mustAsk() bool { return f.resync != nil && f.awaiting == nil }

// delivers reports whether the subscription delivers and nothing is missing.
func (f *feed) delivers() bool { return f.delivered && f.resync == nil && f.Up }

func (f *feed) checked(c DeliveryCheck) { f.observer.DeliveryChecked(f.what, c) }

// check begins a delivery check.
func (f *feed) check(ctx context.Context) error {
	now := time.Now()
	f.checkAt = now.Add(jittered(f.rand, f.cfg.CheckInterval))
	var err error
	switch {
	case f.noResend && f.renewalDue(now) && f.mayDelete():
		err = f.put(ctx, ResyncCheck, true)
	case f.mayAudit() && f.listDue(now):
		err = f.audit(ctx, ResyncCheck)
	default:
		err = f.put(ctx, ResyncCheck, false)
	}
	f.sinceList++
	if err == nil || ctx.Err() != nil {
		return err
	}
	f.checkAt = now
	if rejectedByBreaker(err) {
		f.checked(DeliveryCheck{Result: CheckSkipped})
	} else {
		f.checked(DeliveryCheck{Result: CheckFailed})
	}
	return err
}

// maxChecksWithoutList is how many checks in a row may trust a full message, which
// could be an old one that was on its way. The list cannot be mistaken.
const maxChecksWithoutList = 4

// listDue reports whether the next check has to read the list. A subscription that
// lags is asked for a full message at every other check, which shows when it lags no
// more.
func (f *feed) listDue(now time.Time) bool {
	switch {
	case f.listFirst || f.needsList(now):
		return true
	case f.Lagging:
		return f.sinceList > 1 // the list itself counts as one
	default:
		return f.drifts > 0 || f.sinceList >= maxChecksWithoutList
	}
}

// needsList reports whether nothing but the list proves that the copy is right: the
// server does not resend, or it sends full messages that nobody asked for.
func (f *feed) needsList(now time.Time) bool { return f.noResend || now.Before(f.unasked) }

// renewalDue reports whether a server that does not resend should be made to by
// DELETE and PUT: every resubscribe_interval, or at every check when it does not
// have the list either.
func (f *feed) renewalDue(now time.Time) bool {
	if !f.hasList() {
		return true
	}
	return f.cfg.ResubscribeInterval > 0 && !now.Before(f.renewAt)
}

// hasList reports whether the server has the list of what the subscription
// delivers.
func (f *feed) hasList() bool {
	return f.wire.List != "" && !f.isGone(icws.OpList) && !time.Now().Before(f.noListTill)
}

// mayDelete reports whether the subscription may be deleted to be made again: a
// monitor must not break a working subscription on a server in trouble.
func (f *feed) mayDelete() bool {
	return f.s.loop.breaker.state == BreakerClosed && !f.s.lastFailed && !f.isGone(icws.OpUnsubscribe)
}

// mayAudit reports whether the list may stand for a full message: when there is a
// subscription that delivers. One that was lost has to deliver again first, and the
// list cannot show that.
func (f *feed) mayAudit() bool { return f.subscribed && f.Up && f.hasList() }

// isGone reports whether the server has removed an operation (410).
func (f *feed) isGone(op icws.Operation) bool { return f.s.loop.gone[op] }
