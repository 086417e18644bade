package probe

import "icws_exporter/probe/icws"

// Subscription numbers the subscriptions that a probe follows (label subscription=).
type Subscription uint8

// The values of Subscription.
const (
	StatusMessages Subscription = iota

	NumSubscriptions = 1
)

// subscriptions is the registry: what is asked for on the wire, and how the feed of
// it begins. A required one comes first.
var subscriptions = [NumSubscriptions]struct {
	wire    *icws.Subscription
	newFeed func(Config, Observer) *feed
}{
	StatusMessages: {icws.StatusMessages, newStatusFeed},
}

// String returns the label value of s.
func (s Subscription) String() string { return subscriptions[s].wire.Name }

// newFeeds makes the feeds of one probe, in the order of their numbers.
func (l *loop) newFeeds() []*feed {
	feeds := make([]*feed, NumSubscriptions)
	for n := range feeds {
		f := subscriptions[n].newFeed(l.cfg, l.observer)
		f.what, f.wire = Subscription(n), subscriptions[n].wire
		f.cfg, f.observer, f.rand, f.log = l.cfg, l.observer, l.rand, l.log
		feeds[n] = f
	}
	return feeds
}
