package collect

import (
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

var _ probe.Observer = (*ServerMetrics)(nil)

// StateChanged counts nothing: the snapshot has the state.
func (m *ServerMetrics) StateChanged(probe.State, string) {}

// Exchange counts one HTTP exchange (protocol.md, 5). An answer that could not be
// used counts twice: by its code, and by why it was of no use.
func (m *ServerMetrics) Exchange(e icws.Exchange) {
	op := m.operation(e.Operation)
	if e.Code != 0 {
		op.responses[codeIndex(e.Code)].Add(1)
		op.duration.observe(e.Duration)
	}
	if e.ErrorID != "" {
		m.errorResponses[errorIDIndex(e.ErrorID)].Add(1)
	}
	if e.Failed() {
		op.failures[e.Reason].Add(1)
	}
}

// Read counts n received bytes.
func (m *ServerMetrics) Read(n int) { addCount(&m.receivedBytes, n) }

// StreamBroke counts a stream that became useless after its headers as a failed
// request.
func (m *ServerMetrics) StreamBroke(why icws.FailureReason) {
	m.operation(icws.OpStream).failures[why].Add(1)
}

// StreamHeartbeat counts a ping of the stream.
func (m *ServerMetrics) StreamHeartbeat() { m.heartbeats.Add(1) }

// SessionOpening counts an attempt to open a session.
func (m *ServerMetrics) SessionOpening() { m.sessionOpens.Add(1) }

// SessionOpenFailed counts an attempt that made no session.
func (m *ServerMetrics) SessionOpenFailed(why probe.OpenFailure) { m.openFailures[why].Add(1) }

// SessionClosed counts the end of a session.
func (m *ServerMetrics) SessionClosed(why probe.CloseReason) { m.sessionCloses[why].Add(1) }

// SessionAbandoned counts a session that nobody will try to end again.
func (m *ServerMetrics) SessionAbandoned() { m.sessionsAbandoned.Add(1) }

// SwitchedOver counts a move of the session to another host.
func (m *ServerMetrics) SwitchedOver() { m.switchovers.Add(1) }

// AlternateHostRejected counts a listed host that allowed_hosts refused.
func (m *ServerMetrics) AlternateHostRejected() { m.alternatesRejected.Add(1) }

// BreakerChanged counts a transition of the circuit breaker.
func (m *ServerMetrics) BreakerChanged(to probe.BreakerState) { m.breakerTransitions[to].Add(1) }

// BreakerRejected counts a call that the open breaker refused.
func (m *ServerMetrics) BreakerRejected() { m.breakerRejections.Add(1) }

// SubscriptionLost counts the loss of an established subscription.
func (m *ServerMetrics) SubscriptionLost(of probe.Subscription, why probe.LossReason) {
	m.subscriptions[of].losses[why].Add(1)
}

// DeliveryChecked counts a delivery check and the drift that it found.
func (m *ServerMetrics) DeliveryChecked(of probe.Subscription, c probe.DeliveryCheck) {
	m.subscriptions[of].checks[c.Result].Add(1)
	if of == probe.StatusMessages {
		addCount(&m.drift, c.Drift)
	}
}

// Delivered observes how long a full message took to come.
func (m *ServerMetrics) Delivered(of probe.Subscription, d time.Duration) {
	m.subscriptions[of].delivery.observe(d)
}

// MessageReceived counts one whole message.
func (m *ServerMetrics) MessageReceived(of probe.Subscription, kind probe.MessageKind) {
	m.subscriptions[of].messages[kind].Add(1)
}

// MessageDecodeFailed counts a message that could not be decoded.
func (m *ServerMetrics) MessageDecodeFailed(of probe.Subscription) {
	m.subscriptions[of].decodeFailures.Add(1)
}

// CatalogueCommitted counts what a message or list did to the live copy.
func (m *ServerMetrics) CatalogueCommitted(r catalogue.Result) {
	for i, n := range r.Changes {
		addCount(&m.changes[i], n)
	}
	for i, n := range r.Anomalies {
		addCount(&m.anomalies[i], n)
	}
}

// Resynced counts a request for the whole catalogue.
func (m *ServerMetrics) Resynced(of probe.Subscription, why probe.ResyncReason) {
	if of == probe.StatusMessages {
		m.resyncs[why].Add(1)
	}
}

// addCount adds n events; a counter never goes back.
func addCount(c *atomic.Uint64, n int) {
	if n > 0 {
		c.Add(uint64(n))
	}
}
