package probe

import (
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// Observer gets every event of one probe that has to be counted or remembered. Its loop
// calls it, the reader of its stream, and whoever makes a request beside the loop: the
// host watch, log-ons, what ends sessions, and what asks for users and licences. So every
// method must be safe for concurrent use and must return at once.
type Observer interface {
	// StateChanged reports that the probe entered a state, and why.
	StateChanged(to State, reason string)

	// Exchange reports one HTTP exchange, answered or not.
	Exchange(icws.Exchange)
	// Read reports n bytes of an answer or a stream as they arrive.
	Read(n int)
	// StreamBroke reports that an open stream became useless, and why; its
	// headers were reported as an Exchange before.
	StreamBroke(icws.FailureReason)
	// StreamHeartbeat reports a ping of the stream.
	StreamHeartbeat()

	// SessionOpening reports an attempt to open a session.
	SessionOpening()
	// SessionOpenFailed reports that the attempt made no session.
	SessionOpenFailed(OpenFailure)
	// SessionClosed reports the end of an established session.
	SessionClosed(CloseReason)
	// SessionAbandoned reports that a session could not be ended and that nobody will
	// try again; it may stay on its server until that lets it expire.
	SessionAbandoned()
	// SwitchedOver reports that the session moved to another host.
	SwitchedOver()
	// AlternateHostRejected reports a listed host that allowed_hosts refused.
	AlternateHostRejected()

	// BreakerChanged reports a transition of the circuit breaker.
	BreakerChanged(to BreakerState)
	// BreakerRejected reports a call that the open breaker refused.
	BreakerRejected()

	// SubscriptionLost reports that an established subscription ended or
	// stopped delivering.
	SubscriptionLost(Subscription, LossReason)
	// DeliveryChecked reports one delivery check and all that it found.
	DeliveryChecked(Subscription, DeliveryCheck)
	// Delivered reports how long all that the subscription is about took to come: from
	// the first PUT to the decoded full message, or to read the list.
	Delivered(Subscription, time.Duration)

	// MessageReceived reports one whole message. One that is about no subscription
	// is reported once.
	MessageReceived(Subscription, MessageKind)
	// MessageDecodeFailed reports a message that could not be decoded, for each
	// subscription that it may have been of.
	MessageDecodeFailed(Subscription)
	// CatalogueCommitted reports what a message or list did to the live copy.
	CatalogueCommitted(catalogue.Result)
	// UsersMoved reports that n users came into a status of the group, a label of the
	// catalogue or roster.UnknownGroup.
	UsersMoved(group string, n int)
	// Resynced reports that all that a subscription delivers was asked for again.
	Resynced(Subscription, ResyncReason)
}

// DeliveryCheck is one delivery check: whether what the server announces still
// arrives. Nobody changes it afterwards.
type DeliveryCheck struct {
	Result CheckResult
	// Took is the time from the first PUT to the full message, or that of reading the
	// list; 0 when neither came.
	Took time.Duration
	// Drift counts the entries that the check corrected although no delta had
	// announced them, and IDs names some of them.
	Drift int
	IDs   []string
}
