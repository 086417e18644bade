package probe

import (
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// Observer is told every event of one probe that has to be counted or remembered. A probe
// calls it from its loop, from its stream reader and from its host watch, so
// every method must be safe for concurrent use and must return at once.
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
	// StreamHeartbeats reports n pings of the stream.
	StreamHeartbeats(n int)

	// SessionOpening reports an attempt to open a session.
	SessionOpening()
	// SessionOpenFailed reports that the attempt made no session.
	SessionOpenFailed(OpenFailure)
	// SessionClosed reports the end of an established session.
	SessionClosed(CloseReason)
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
	SubscriptionLost(LossReason)
	// DeliveryChecked reports the outcome of one delivery check.
	DeliveryChecked(CheckResult)
	// Delivered reports the time from a subscribe PUT to its decoded full message.
	Delivered(time.Duration)

	// MessageReceived reports one whole message.
	MessageReceived(MessageKind)
	// MessageDecodeFailed reports a message that could not be decoded.
	MessageDecodeFailed()
	// CatalogueCommitted reports what a message or list did to the live copy.
	// drift counts the entries that a full list corrected although no delta had
	// announced them.
	CatalogueCommitted(r catalogue.Result, drift int)
	// CatalogueResync reports that the whole catalogue was asked for again.
	CatalogueResync(ResyncReason)
}
