package collect

import (
	"sync/atomic"
	"time"

	"icws_exporter/probe"
)

// labelSubscription names the subscription that a family is about. It is the last
// closed label, so that its values change fastest.
var labelSubscription = Label{Name: "subscription", Values: valuesOf[probe.Subscription](probe.NumSubscriptions)}

// subscriptionMetrics counts the events of one subscription.
type subscriptionMetrics struct {
	losses         [probe.NumLossReasons]atomic.Uint64
	checks         [probe.NumCheckResults]atomic.Uint64
	delivery       *histogram
	messages       [probe.NumMessageKinds]atomic.Uint64
	decodeFailures atomic.Uint64
}

// eachSubscription calls show for every subscription that the probe follows.
func eachSubscription(show func(r *reading, out *samples, of probe.Subscription)) emit {
	return func(r *reading, out *samples) {
		for of := range probe.Subscription(probe.NumSubscriptions) {
			if r.snapshot.Follows(of) {
				show(r, out, of)
			}
		}
	}
}

// feedValue has one sample of each subscription.
func feedValue(get func(*probe.FeedState) float64) emit {
	return eachSubscription(func(r *reading, out *samples, of probe.Subscription) {
		out.add(int(of), get(&r.snapshot.Feeds[of]))
	})
}

// feedTimestamp has one sample of each subscription to which the thing has happened.
func feedTimestamp(get func(*reading, probe.Subscription) time.Time) emit {
	return eachSubscription(func(r *reading, out *samples, of probe.Subscription) {
		if t := get(r, of); !t.IsZero() {
			out.add(int(of), seconds(t))
		}
	})
}

// feedCounts are the counters of each subscription, of all values of the other label.
func feedCounts(get func(*subscriptionMetrics) []atomic.Uint64) emit {
	return eachSubscription(func(r *reading, out *samples, of probe.Subscription) {
		counters := get(&r.subscriptions[of])
		for i := range counters {
			out.add(i*probe.NumSubscriptions+int(of), float64(counters[i].Load()))
		}
	})
}

// The subscription and what it delivers.
var (
	MetricTransport = define(Family{
		Name:   "icws_transport",
		Type:   StateSet,
		Help:   "How messages are fetched: 1 for the present transport, all 0 before the first session.",
		Labels: []Label{{Name: "transport", Values: valuesOf[probe.Transport](probe.NumTransports)}},
		server: func(r *reading, out *samples) {
			present := -1
			if r.snapshot.TransportKnown {
				present = int(r.snapshot.Transport)
			}
			emitState(out, present)
		},
	})
	MetricStreamHeartbeats = define(Family{
		Name:   "icws_stream_heartbeats_total",
		Type:   Counter,
		Help:   "Pings received on the event stream.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.heartbeats }),
	})
	MetricSubscriptionUp = define(Family{
		Name:   "icws_subscription_up",
		Help:   "1 while the subscription is registered and delivers, else 0.",
		Labels: []Label{labelSubscription},
		server: feedValue(func(f *probe.FeedState) float64 { return number(f.Up) }),
	})
	MetricSubscriptionState = define(Family{
		Name:   "icws_subscription_state",
		Type:   StateSet,
		Help:   "What the server said of the subscription: 1 for the present state; none until it says something.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.SubscriptionState](probe.NumSubscriptionStates)}, labelSubscription},
		server: eachSubscription(func(r *reading, out *samples, of probe.Subscription) {
			for state := range probe.SubscriptionState(probe.NumSubscriptionStates) {
				out.add(int(state)*probe.NumSubscriptions+int(of), number(state == r.snapshot.Feeds[of].State))
			}
		}),
	})
	MetricSubscriptionEstablished = define(Family{
		Name:   "icws_subscription_established_timestamp_seconds",
		Help:   "Unix time in seconds at which the last subscription was established; no series before the first one.",
		Labels: []Label{labelSubscription},
		server: feedTimestamp(func(r *reading, of probe.Subscription) time.Time { return r.snapshot.Feeds[of].Since }),
	})
	MetricSubscriptionLastContact = define(Family{
		Name:   "icws_subscription_last_contact_timestamp_seconds",
		Help:   "Unix time in seconds of the last answered poll or the last byte of the stream; no series before the first one.",
		Labels: []Label{labelSubscription},
		server: feedTimestamp(func(r *reading, _ probe.Subscription) time.Time { return r.snapshot.LastContact }),
	})
	MetricSubscriptionLastMessage = define(Family{
		Name:   "icws_subscription_last_message_timestamp_seconds",
		Help:   "Unix time in seconds of the last message; no series before the first one. A quiet server sends few, so look at delivery checks for trouble.",
		Labels: []Label{labelSubscription},
		server: feedTimestamp(func(r *reading, of probe.Subscription) time.Time { return r.snapshot.Feeds[of].LastMessage }),
	})
	MetricSubscriptionLosses = define(Family{
		Name:   "icws_subscription_losses_total",
		Type:   Counter,
		Help:   "Established subscriptions that ended or stopped delivering, by reason.",
		Labels: []Label{{Name: "reason", Values: valuesOf[probe.LossReason](probe.NumLossReasons)}, labelSubscription},
		server: feedCounts(func(m *subscriptionMetrics) []atomic.Uint64 { return m.losses[:] }),
	})
	MetricDeliveryChecks = define(Family{
		Name:   "icws_delivery_checks_total",
		Type:   Counter,
		Help:   "Delivery checks by result; drift means that messages came but the catalogue had been wrong, timeout that a full message did not come in time, whatever asked for it, renewed that it came after DELETE and PUT.",
		Labels: []Label{{Name: "result", Values: valuesOf[probe.CheckResult](probe.NumCheckResults)}, labelSubscription},
		server: feedCounts(func(m *subscriptionMetrics) []atomic.Uint64 { return m.checks[:] }),
	})
	MetricDelivery = define(Family{
		Name:   "icws_delivery_seconds",
		Type:   Histogram,
		Help:   "Seconds from the first request for the subscription until its full message was decoded, or until its list was read instead: how long the server takes to deliver.",
		Labels: []Label{labelSubscription},
		server: eachSubscription(func(r *reading, out *samples, of probe.Subscription) {
			out.addHistogram(int(of), r.subscriptions[of].delivery)
		}),
	})
	MetricMessages = define(Family{
		Name:   "icws_messages_total",
		Type:   Counter,
		Help:   "Messages received, by kind; other are messages that are about no subscription.",
		Labels: []Label{{Name: "kind", Values: valuesOf[probe.MessageKind](probe.NumMessageKinds)}, labelSubscription},
		server: feedCounts(func(m *subscriptionMetrics) []atomic.Uint64 { return m.messages[:] }),
	})
	MetricMessageDecodeFailures = define(Family{
		Name:   "icws_message_decode_failures_total",
		Type:   Counter,
		Help:   "Messages that could not be decoded; each makes the exporter ask for the whole catalogue again.",
		Labels: []Label{labelSubscription},
		server: eachSubscription(func(r *reading, out *samples, of probe.Subscription) {
			out.add(int(of), float64(r.subscriptions[of].decodeFailures.Load()))
		}),
	})
)
