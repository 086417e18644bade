package probe

import "icws_exporter/probe/icws"

// Subscription numbers the subscriptions that a probe follows (label subscription=).
type Subscription uint8

// The values of Subscription.
const (
	StatusMessages Subscription = iota
	UserStatuses

	NumSubscriptions = 2
)

// subscriptions is the registry: what is asked for on the wire, and how the feed of
// it begins. That of the user statuses is a feed of its own kind: loop.users.
var subscriptions = [NumSubscriptions]struct {
	wire    *icws.Subscription
	newFeed func(Config, Observer) *feed
}{
	StatusMessages: {icws.StatusMessages, newStatusFeed},
	UserStatuses:   {icws.UserStatuses, nil},
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

// newFeeds makes the feeds of one probe, in the order of their numbers.
func (l *loop) newFeeds() []*feed {
	var feeds []*feed
	for n := range subscriptions {
		if subscriptions[n].newFeed == nil {
			continue
		}
		f := subscriptions[n].newFeed(l.cfg, l.observer)
		f.what, f.wire = Subscription(n), subscriptions[n].wire
		f.cfg, f.observer, f.rand, f.log = l.cfg, l.observer, l.rand, l.log
		feeds = append(feeds, f)
	}
	return feeds
}
