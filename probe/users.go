package probe

import (
	"context"
	"reflect"
	"slices"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

// The pace of the users' feed.
const (
	// sampleInterval is how often one user is compared with the server.
	sampleInterval = time.Minute
	// resampleAfter is how long a change may be on its way.
	resampleAfter = 5 * time.Second
	// fullInterval is how often all are asked for again, give or take a tenth.
	fullInterval = 45 * time.Minute
	// userPutPause is the least time between two subscriptions to users.
	userPutPause = time.Minute
	// userPutTime is how long a subscription may take for each user.
	userPutTime = 5 * time.Millisecond
	// settleTime is how long the rest of a full message may come after it.
	settleTime = 5 * time.Second
)

// userFeed counts users (docs/protocol-users.md, 7). It is a feed of its own kind: it
// begins once the status messages are live, takes no part in the life of the session,
// and asks so little that nobody notices. Its requests are made beside the loop, one at
// a time, so that none of them holds up what matters. All else belongs to the loop's
// goroutine.
type userFeed struct {
	FeedState
	l      *loop
	cfg    *Users // nil: off
	source userSource
	jobs   jobs
	// requests is how many the last job made at most.
	requests int
	unpaced  bool // somebody waits for the result: no budget

	roster  *roster.Roster
	staged  *rosterSink
	decoder *icws.Reader
	counts  *roster.Counts
	changed bool   // the roster, since the counts
	joined  uint64 // Changes of the catalogue that the counts are of

	state      UsersState
	stateSince time.Time
	reason     string

	ids         []string // who is watched, sorted
	leftOut     int
	workgroups  []roster.Workgroup
	listed      bool // ids were read
	listAt      time.Time
	listPace    backoff
	listProblem string // why the list cannot be read
	listRetry   bool   // the list was read again because the server refused it
	refused     map[string]bool
	refusedBy   int             // the code of the last refusal
	untried     map[string]bool // no search has tried them since the server refused the list
	searchAt    time.Time       // when they are tried
	proven      map[string]bool // of the refused: the server knows them
	forgiven    map[string]bool // of the refused: they are tried again
	unproven    int             // samples until all who are not reported have been asked for since
	forgivenAt  time.Time       // when all were tried again since all were refused

	verifiedAt moment // LastVerified, on both clocks
	// sampled and sampledOther are the places in ids of who was compared last of those who
	// are reported, and of the others; ofOthers says of which the last of all was.
	sampled, sampledOther int
	ofOthers              bool
	sampleAt              time.Time
	suspicion             userSample // a sample that differed
	putAt                 time.Time  // the last

	userSession
}

// userSession is what the feed knows of its subscription in the running session.
type userSession struct {
	s          *session // nil: there is none
	subscribed bool     // a PUT was answered 200, or is under way
	delivered  bool     // all that there is has come once
	due        *ResyncReason
	renew      bool // the next PUT needs a DELETE before
	renewed    bool // strangers were renewed away already
	deltaOnly  bool // the server answers a PUT with changes
	noResend   bool // a second PUT does not send everything
	asked      []moment
	awaiting   *userDelivery
	came       *userDelivery // whose full message came; it counts once it is known to be whole
	settleAt   time.Time     // when the rest of it comes no more
	doubts     []string      // who are asked for alone, since it leaves them out
	omitted    omission      // by the last message after a DELETE that named others
	putBefore  bool          // in this session, whatever came of it
	fullAt     time.Time
	retryAt    time.Time
	pace       backoff
	search     *userSearch
}

// userDelivery is a full message that has to come.
type userDelivery struct {
	putAt      moment
	deadline   time.Time
	first      bool // in the session: nothing was there before
	renewed    bool // by a DELETE, if that was not the answer of something else
	changes    bool // came instead of it
	heard      int  // of how many users it said something
	named      bool // it said something of anybody who had not changed meanwhile
	unanswered int  // questions about one whom it leaves out
}

func newUserFeed(l *loop) optionalFeed {
	u := &userFeed{l: l, jobs: jobs{answered: l.answered}, stateSince: time.Now()}
	u.listPace = backoff{min: l.cfg.BackoffMin, max: max(l.cfg.BackoffMax, 5*time.Minute), rand: l.rand}
	u.configure(l.cfg.Users)
	return u
}

// userFeed returns the feed that counts users; nil when it was never wanted.
func (l *loop) userFeed() *userFeed {
	u, _ := l.optionalFeed(UserStatuses).(*userFeed)
	return u
}

func (u *userFeed) reader() *icws.Reader { return u.decoder }

func (u *userFeed) isSubscribed() bool { return u.subscribed }

func (u *userFeed) adjust(to *Optional) {
	if !reflect.DeepEqual(u.cfg, to.Users) {
		u.configure(to.Users)
	}
}

func (u *userFeed) retry() { u.retryAt, u.listAt = time.Time{}, time.Time{} }

func (u *userFeed) apply() {
	if u.jobs.apply() {
		u.l.optional.ended(time.Now(), u.requests)
	}
}

// configure begins, changes or ends the counting; nil ends it.
func (u *userFeed) configure(cfg *Users) {
	u.jobs.stop()
	u.cfg = cfg
	u.refused, u.untried, u.proven, u.forgiven, u.listed, u.listAt, u.search, u.putAt = nil, nil, nil, nil, false, time.Time{}, nil, time.Time{}
	if cfg == nil {
		u.roster, u.staged, u.decoder, u.source, u.counts = nil, nil, nil, nil, nil
		u.ids, u.workgroups, u.FeedState, u.verifiedAt = nil, nil, FeedState{}, moment{}
		u.state, u.reason = UsersStarting, ""
		u.forgetDelivery()
		u.due, u.delivered = nil, false
		if u.s != nil {
			u.s.listen()
		}
		return
	}
	u.source = cfg.source()
	if u.roster == nil {
		u.roster = roster.New()
		u.staged = &rosterSink{stage: u.roster.Stage()}
		u.decoder = icws.NewUserStatusReader(u.staged)
	}
	if u.s != nil {
		u.s.listen()
		u.need(ResyncInitial)
	}
}

// begin starts the feed in a new session.
func (u *userFeed) begin(s *session) {
	u.userSession = userSession{
		s: s, pace: backoff{min: max(u.l.cfg.BackoffMin, 15*time.Second), max: 15 * time.Minute, rand: u.l.rand},
	}
	if u.cfg == nil {
		return
	}
	if u.LastFull.IsZero() {
		u.need(ResyncInitial)
	} else {
		u.need(ResyncSession)
	}
}

// end takes note of the end of the session.
func (u *userFeed) end(why LossReason, ours bool) {
	u.jobs.stop()
	if !ours {
		u.lost(why)
	}
	u.Up, u.State, u.userSession = false, SubscriptionNone, userSession{}
}

func (u *userFeed) need(reason ResyncReason) {
	if u.due == nil {
		u.due = &reason
	}
}

// missed takes note that a message may be lost.
func (u *userFeed) missed(reason ResyncReason) {
	if u.cfg == nil || u.s == nil {
		return
	}
	u.forgetDelivery()
	u.need(reason)
}

// forgetDelivery gives up what was awaited.
func (u *userFeed) forgetDelivery() {
	u.awaiting, u.came, u.settleAt, u.doubts = nil, nil, time.Time{}, nil
}

// streamLost takes note that no messages come for a while.
func (u *userFeed) streamLost() {
	u.lost(LossStreamLost)
	u.missed(ResyncStreamReopened)
}

// undecodable takes note of a message that may have been of users.
func (u *userFeed) undecodable() {
	if u.cfg == nil {
		return
	}
	u.l.observer.MessageDecodeFailed(UserStatuses)
	u.missed(ResyncDecodeFailure)
}

func (u *userFeed) lost(why LossReason) {
	if u.Up {
		u.Up = false
		u.l.observer.SubscriptionLost(UserStatuses, why)
	}
}

// stateSaid takes note of what the server says of a subscription, which may be another
// one.
func (u *userFeed) stateSaid(state SubscriptionState) {
	if u.cfg == nil || !u.subscribed {
		return
	}
	u.State = state
	if state == SubscriptionFaulted && u.awaiting == nil && u.search == nil {
		u.missed(ResyncFaulted)
	}
}

// mayAsk reports whether requests may be made that the status messages do not need: when
// nothing is wrong with the server as far as anybody knows.
func (l *loop) mayAsk(now time.Time) bool {
	return l.session != nil && l.session.over == nil && l.state == StateLive && l.feeds[StatusMessages].Up &&
		l.breaker.state == BreakerClosed && !now.Before(l.session.retryAt)
}

// tend does what is due at now, without waiting for anything, and returns when there
// is something to do next; zero when only something that happens can tell.
func (u *userFeed) tend(ctx context.Context, now time.Time) time.Time {
	if u.s == nil || u.jobs.busy() || u.cfg == nil && !u.subscribed || !u.l.mayAsk(now) {
		return time.Time{}
	}
	if u.cfg != nil && (u.settle(now) || u.expire(now)) {
		return now.Add(1) // it is shown before anything else is done
	}
	at, requests, do := u.next(now)
	if do == nil {
		return u.wakeAt(time.Time{})
	}
	if !u.unpaced {
		at = later(at, u.l.optional.at(requests))
	}
	if now.Before(at) {
		return u.wakeAt(at)
	}
	u.l.optional.spend(now, requests)
	u.requests = requests
	do(ctx, now)
	return u.wakeAt(time.Time{})
}

// wakeAt is the first of at and of what only time brings.
func (u *userFeed) wakeAt(at time.Time) time.Time {
	for _, t := range []time.Time{u.settleAt, u.deadline()} {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

func (u *userFeed) deadline() time.Time {
	if u.awaiting == nil {
		return time.Time{}
	}
	return u.awaiting.deadline
}

// userTask begins requests about users.
type userTask func(ctx context.Context, now time.Time)

// next returns what has to be asked next, of how many requests it consists, and when.
func (u *userFeed) next(now time.Time) (at time.Time, requests int, do userTask) {
	switch {
	case u.cfg == nil:
		return time.Time{}, 1, u.unsubscribe
	case u.awaiting != nil || !u.settleAt.IsZero():
		return time.Time{}, 0, nil
	case !u.listed || !now.Before(u.listAt) && !u.listWaits(now):
		return u.listAt, u.listCost(), u.readList
	case len(u.ids) == 0:
		return u.listAt, u.listCost(), u.readList
	case u.search != nil:
		return u.retryAt, 1, u.searchOn
	case u.searchesAgain(now):
		u.searchIn(u.wanted(), now, slices.Compact(slices.Sorted(u.triedAgain)))
		return u.next(now)
	case len(u.doubts) > 0:
		return u.retryAt, 1, u.sample
	case u.due != nil && !u.nobodyLeft():
		return later(u.retryAt, u.putMayBe()), u.putCost(), u.put
	case u.due != nil:
		return later(u.sampleAt, u.retryAt), 1, u.sample // perhaps one of them is there by now
	}
	u.asked = u.recentlyAsked(now)
	isOld := u.verifiedAt.at.IsZero() || !now.Before(u.verifiedAt.at.Add(u.cfg.StaleAfter*3/4))
	if isOld && (len(u.asked) == 0 || u.deltaOnly) { // else a full message would be as of one of those
		u.need(ResyncCheck) // samples do not verify
		return u.next(now)
	}
	if u.fullAt.Before(u.sampleAt) {
		return later(u.fullAt, u.retryAt), u.putCost(), u.putAgain
	}
	return later(u.sampleAt, u.retryAt), 1, u.sample
}

// listWaits reports whether the next step of a list that is read again has to wait for
// what proves the counts: they would turn stale while a long one is read.
func (u *userFeed) listWaits(now time.Time) bool {
	switch {
	case u.search != nil || u.nobodyLeft() || u.listRetry:
		return false
	case len(u.doubts) > 0:
		return !now.Before(u.retryAt)
	case u.due != nil:
		return !now.Before(later(u.retryAt, u.putMayBe()))
	default:
		return !now.Before(later(u.sampleAt, u.retryAt))
	}
}

// listCost is how many requests the next step of the list makes; those of the
// configuration make none.
func (u *userFeed) listCost() int {
	if _, given := u.source.(givenUsers); given {
		return 0
	}
	return 1
}

func (u *userFeed) putCost() int {
	if u.renews() {
		return 2
	}
	return 1
}

// renews reports whether the next PUT needs a DELETE before.
func (u *userFeed) renews() bool { return u.subscribed && (u.renew || u.noResend) }

// putMayBe is when there may be another PUT.
func (u *userFeed) putMayBe() time.Time {
	if u.putAt.IsZero() || u.unpaced {
		return time.Time{}
	}
	return u.putAt.Add(userPutPause)
}
