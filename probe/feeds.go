package probe

import (
	"context"
	"slices"
	"time"

	"icws_exporter/probe/icws"
)

// Subscription numbers the subscriptions that a probe follows (label subscription=).
type Subscription uint8

// The values of Subscription.
const (
	StatusMessages Subscription = iota
	UserStatuses

	NumSubscriptions = 2
)

// subscriptions is the registry: what is asked for on the wire, and the feed of it, either
// one without which there is nothing to watch or one that a server could do without.
var subscriptions = [NumSubscriptions]struct {
	wire        *icws.Subscription
	newFeed     func(*Config, Observer) *feed
	newOptional func(*loop) optionalFeed
	isWanted    func(*Optional) bool // one that a server could do without
}{
	StatusMessages: {wire: icws.StatusMessages, newFeed: newStatusFeed},
	UserStatuses:   {wire: icws.UserStatuses, newOptional: newUserFeed, isWanted: func(o *Optional) bool { return o.Users != nil }},
}

// optionalFeed is a feed that takes no part in the life of the session: it begins once
// the status messages are live, makes its requests beside the loop, and nothing depends
// on it. It belongs to the loop's goroutine.
type optionalFeed interface {
	// adjust has it follow what is wanted from now on.
	adjust(*Optional)
	// begin starts it in a new session, end takes note of the end of that; ours says that
	// no server is to blame.
	begin(*session)
	end(why LossReason, ours bool)
	// reader decodes its messages; nil: there are none.
	reader() *icws.Reader
	// tend does what is due at now, without waiting for anything, and returns when there
	// is something to do next; zero when only something that happens can tell.
	tend(ctx context.Context, now time.Time) time.Time
	// apply does what the answer of a request beside the loop asks for, if one has come.
	apply()
	// retry ends its waits.
	retry()
	isSubscribed() bool
	// received applies a message of its own, which is staged.
	received(icws.Message, time.Time)
	// stateSaid takes note of what the server says of a subscription, which may be another
	// one, undecodable of a message that may have been its own, missed that one may be
	// lost, and streamLost that none comes for a while.
	stateSaid(icws.SubscriptionState)
	undecodable()
	missed(ResyncReason)
	streamLost()
	publish(*Snapshot)
}

// registeredFeed is an optional feed with its place in the registry.
type registeredFeed struct {
	optionalFeed
	what Subscription
	wire *icws.Subscription
}

// optionalFeed returns the optional feed of a subscription; nil when it was never wanted.
func (l *loop) optionalFeed(of Subscription) optionalFeed {
	i := slices.IndexFunc(l.optionalFeeds, func(f registeredFeed) bool { return f.what == of })
	if i < 0 {
		return nil
	}
	return l.optionalFeeds[i].optionalFeed
}

// addOptionalFeeds makes those that are wanted for the first time. Most servers never need
// one.
func (l *loop) addOptionalFeeds() {
	for n, s := range subscriptions {
		of := Subscription(n)
		if s.newOptional == nil || !s.isWanted(l.wanted) || l.optionalFeed(of) != nil {
			continue
		}
		f := registeredFeed{s.newOptional(l), of, s.wire}
		l.optionalFeeds = append(l.optionalFeeds, f)
		if l.sessionUp {
			f.begin(l.session)
			l.session.listen()
		}
	}
}

// tendOptional has the optional feeds do what is due, and returns when the first of them
// has something to do next; zero when only something that happens can tell.
func (l *loop) tendOptional(ctx context.Context, now time.Time) (at time.Time) {
	for _, f := range l.optionalFeeds {
		if next := f.tend(ctx, now); at.IsZero() || !next.IsZero() && next.Before(at) {
			at = next
		}
	}
	return at
}

// Reports are what the subscriptions bring besides that of the status messages, in a
// Snapshot.
type Reports struct {
	// Users is what is known of the users who are counted; nil when nobody is.
	Users *UsersReport
}

// Follows reports whether the subscription is wanted at all.
func (r Reports) Follows(of Subscription) bool { return of != UserStatuses || r.Users != nil }

// String returns the label value of s.
func (s Subscription) String() string { return subscriptions[s].wire.Name }

// newFeeds makes the feeds without which there is nothing to watch, in the order of their
// numbers.
func (l *loop) newFeeds() (feeds []*feed) {
	for n, s := range subscriptions {
		if s.newFeed == nil {
			continue
		}
		f := s.newFeed(l.cfg, l.observer)
		f.what, f.wire = Subscription(n), s.wire
		f.cfg, f.observer, f.rand, f.log = l.cfg, l.observer, l.rand, l.log
		feeds = append(feeds, f)
	}
	return feeds
}
