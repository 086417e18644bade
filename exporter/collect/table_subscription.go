package collect

import (
	"sync/atomic"
	"time"

	"icws_exporter/probe"
)

// labelSubscription names the subscription that a family is about.
var labelSubscription = Label{Name: "subscription", Values: []string{statusMessages}}

const statusMessages = "status-messages"

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
		Help:   "1 while the subscription to status messages is registered and delivers, else 0.",
		Labels: []Label{labelSubscription},
		server: value(func(r *reading) float64 { return number(r.snapshot.Feeds[probe.StatusMessages].Up) }),
	})
	MetricSubscriptionState = define(Family{
		Name:   "icws_subscription_state",
		Type:   StateSet,
		Help:   "What the server said of the subscription: 1 for the present state; none until it says something.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.SubscriptionState](probe.NumSubscriptionStates)}, labelSubscription},
		server: func(r *reading, out *samples) { emitState(out, int(r.snapshot.Feeds[probe.StatusMessages].State)) },
	})
	MetricSubscriptionEstablished = define(Family{
		Name:   "icws_subscription_established_timestamp_seconds",
		Help:   "Unix time in seconds at which the last subscription was established; no series before the first one.",
		Labels: []Label{labelSubscription},
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.Feeds[probe.StatusMessages].Since }),
	})
	MetricSubscriptionLastContact = define(Family{
		Name:   "icws_subscription_last_contact_timestamp_seconds",
		Help:   "Unix time in seconds of the last answered poll or the last byte of the stream; no series before the first one.",
		Labels: []Label{labelSubscription},
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.LastContact }),
	})
	MetricSubscriptionLastMessage = define(Family{
		Name:   "icws_subscription_last_message_timestamp_seconds",
		Help:   "Unix time in seconds of the last message; no series before the first one. A quiet server sends few, so look at delivery checks for trouble.",
		Labels: []Label{labelSubscription},
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.Feeds[probe.StatusMessages].LastMessage }),
	})
	MetricSubscriptionLosses = define(Family{
		Name:   "icws_subscription_losses_total",
		Type:   Counter,
		Help:   "Established subscriptions that ended or stopped delivering, by reason.",
		Labels: []Label{{Name: "reason", Values: valuesOf[probe.LossReason](probe.NumLossReasons)}, labelSubscription},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.losses[:] }),
	})
	MetricDeliveryChecks = define(Family{
		Name:   "icws_delivery_checks_total",
		Type:   Counter,
		Help:   "Delivery checks by result; drift means that messages came but the live copy had been wrong.",
		Labels: []Label{{Name: "result", Values: valuesOf[probe.CheckResult](probe.NumCheckResults)}, labelSubscription},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.checks[:] }),
	})
	MetricDelivery = define(Family{
		Name:   "icws_delivery_seconds",
		Type:   Histogram,
		Help:   "Seconds from asking for the subscription until its full message was decoded: how long the server takes to deliver.",
		Labels: []Label{labelSubscription},
		server: func(r *reading, out *samples) { out.addHistogram(0, r.delivery) },
	})
	MetricMessages = define(Family{
		Name:   "icws_messages_total",
		Type:   Counter,
		Help:   "Messages received, by kind; other are messages that are not about status messages.",
		Labels: []Label{{Name: "kind", Values: valuesOf[probe.MessageKind](probe.NumMessageKinds)}, labelSubscription},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.messages[:] }),
	})
	MetricMessageDecodeFailures = define(Family{
		Name:   "icws_message_decode_failures_total",
		Type:   Counter,
		Help:   "Messages that could not be decoded; each makes the exporter ask for the whole catalogue again.",
		Labels: []Label{labelSubscription},
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.decodeFailures }),
	})
)
