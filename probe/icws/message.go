package icws

// MessageKind tells the messages apart that the exporter acts on.
type MessageKind uint8

// The kinds. KindOther is every type that is not named here (protocol.md, 1.8).
const (
	KindOther   MessageKind = iota
	KindContent             // what a subscription is about; From says which
	KindConnectionState
	KindSubscriptionState
)

const (
	typeConnectionState   = "urn:inin.com:connection:connectionStateChangeMessage"
	typeSubscriptionState = "urn:inin.com:messaging:subscriptionStateMessage"
)

// Message is one message without its content, which went to a Reader
// (protocol.md, 1.8 and 3.3).
type Message struct {
	// Type is the `__type`, empty when the message had none.
	Type string
	Kind MessageKind
	// From is the subscription of a KindContent, nil for any other.
	From *Subscription
	// IsDelta is false for a message that replaces all that was known. A message
	// without the property counts as false, as in every known client.
	IsDelta bool
	// Connection is set for KindConnectionState.
	Connection ConnectionStateChange
	// Subscription is set for KindSubscriptionState. No field of the message
	// says which subscription it is about.
	Subscription SubscriptionState
}

// ConnectionStateChange says that the session goes up or down.
type ConnectionStateChange struct {
	// Down says that the session is over (protocol.md, 1.7).
	Down bool
	// Reason is the server's text, without control characters.
	Reason string
	// ShouldReconnect is nil when the server did not say. False: another log-on
	// or an administrator ended the session.
	ShouldReconnect *bool
}

// SubscriptionState is what the server says of a subscription (protocol.md, 1.8).
// Its numbers are the wire's.
type SubscriptionState uint8

// The subscription states.
const (
	SubscriptionNone      SubscriptionState = 0
	SubscriptionNormal    SubscriptionState = 1
	SubscriptionSuspended SubscriptionState = 2
	SubscriptionFaulted   SubscriptionState = 3
	// SubscriptionUnknown stands for an absent value and for one that the
	// protocol does not name.
	SubscriptionUnknown SubscriptionState = 255
)

var subscriptionStates = [...]string{
	SubscriptionNone:      "none",
	SubscriptionNormal:    "normal",
	SubscriptionSuspended: "suspended",
	SubscriptionFaulted:   "faulted",
}

// NumSubscriptionStates is how many states there are, without SubscriptionUnknown.
const NumSubscriptionStates = len(subscriptionStates)

// String returns the label value of v, which is not SubscriptionUnknown.
func (v SubscriptionState) String() string { return subscriptionStates[v] }
