package collect

import (
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// The session and its circuit breaker.
var (
	MetricSessionUp = define(Family{
		Name:   "icws_session_up",
		Help:   "1 while the exporter has a session with the server, else 0.",
		server: value(func(r *reading) float64 { return number(r.snapshot.SessionUp) }),
	})
	MetricSessionEstablished = define(Family{
		Name:   "icws_session_established_timestamp_seconds",
		Help:   "Unix time in seconds at which the last session was established; no series before the first one.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.SessionEstablished }),
	})
	MetricSessionOpens = define(Family{
		Name:   "icws_session_opens_total",
		Type:   Counter,
		Help:   "Attempts to open a session, successful or not.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.sessionOpens }),
	})
	MetricSessionOpenFailures = define(Family{
		Name:   "icws_session_open_failures_total",
		Type:   Counter,
		Help:   "Attempts to open a session that failed on every host, by reason.",
		Labels: []Label{{Name: "reason", Values: valuesOf[probe.OpenFailure](probe.NumOpenFailures)}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.openFailures[:] }),
	})
	MetricSessionCloses = define(Family{
		Name:   "icws_session_closes_total",
		Type:   Counter,
		Help:   "Established sessions that ended, by reason.",
		Labels: []Label{{Name: "reason", Values: valuesOf[probe.CloseReason](probe.NumCloseReasons)}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.sessionCloses[:] }),
	})
	MetricSessionsOwed = define(Family{
		Name:   "icws_sessions_owed",
		Help:   "Sessions of the exporter that should have ended and whose end the server has not confirmed; they are ended as soon as it answers.",
		server: value(func(r *reading) float64 { return float64(r.snapshot.SessionsOwed) }),
	})
	MetricSessionsAbandoned = define(Family{
		Name:   "icws_sessions_abandoned_total",
		Type:   Counter,
		Help:   "Sessions that could not be ended within an hour; they stay on the server until it lets them expire.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.sessionsAbandoned }),
	})
	MetricBreakerState = define(Family{
		Name:   "icws_breaker_state",
		Type:   StateSet,
		Help:   "State of the circuit breaker in front of the server: 1 for the present state.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.BreakerState](probe.NumBreakerStates)}},
		server: func(r *reading, out *samples) { emitState(out, int(r.snapshot.Breaker)) },
	})
	MetricBreakerTransitions = define(Family{
		Name:   "icws_breaker_transitions_total",
		Type:   Counter,
		Help:   "Transitions of the circuit breaker, by the state it went to.",
		OptIn:  detailFlag,
		Labels: []Label{{Name: "to", Values: valuesOf[probe.BreakerState](probe.NumBreakerStates)}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.breakerTransitions[:] }),
	})
	MetricBreakerRejections = define(Family{
		Name:   "icws_breaker_rejections_total",
		Type:   Counter,
		Help:   "Calls that the open circuit breaker refused, so that the server never saw them.",
		OptIn:  detailFlag,
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.breakerRejections }),
	})
)

// timedOperations are those whose duration tells most about a server.
var timedOperations = []icws.Operation{icws.OpSubscribe, icws.OpPoll, icws.OpStream}

// removableOperations are those that the probe does without, or waits for, once a
// server answers 410 to them.
var removableOperations = []icws.Operation{
	icws.OpConnect, icws.OpSubscribe, icws.OpPoll, icws.OpStream, icws.OpList, icws.OpSwitchoverStatus,
}

// Requests and answers.
var (
	MetricResponses = define(Family{
		Name:   "icws_responses_total",
		Type:   Counter,
		Help:   "HTTP answers of the server, by operation and code; rare codes are counted by their class, such as 4xx. A subscription that a server could do without, such as that to users, is subscribe_optional.",
		Labels: []Label{labelOperation, {Name: "code", Values: codes}},
		server: func(r *reading, out *samples) {
			for op := range icws.Operation(icws.NumOperations) {
				counters := &r.requests(op).responses
				fromZero := r.startsAtZero(op) || !isWatched[op]
				for code := range counters {
					i := int(op)*numCodes + code
					if n := counters[code].Load(); n > 0 || fromZero && expectedResponses[i] {
						out.add(i, float64(n))
					}
				}
			}
		},
	})
	MetricRequestFailures = define(Family{
		Name:   "icws_request_failures_total",
		Type:   Counter,
		Help:   "Requests without a usable answer, by operation and reason: timeout, connection (not made or cut), protocol (an answer that makes no sense or is too large). A stream that breaks after its headers counts too. --metrics.detail=full says more exactly why, and has canceled, those that the exporter gave up itself.",
		Labels: []Label{labelOperation, {Name: "reason", Values: failureReasons}},
		AtMost: icws.NumOperations * numFoldedReasons, AtMostFull: icws.NumOperations * icws.NumFailureReasons,
		server: emitFailures,
	})
	MetricErrorResponses = define(Family{
		Name:   "icws_error_responses_total",
		Type:   Counter,
		Help:   "Answers that carry an ICWS errorId, by errorId; unknown ones count as other, answers without one only in icws_responses_total.",
		OptIn:  detailFlag,
		Labels: []Label{{Name: "error_id", Values: errorIDs}},
		server: counts(func(m *ServerMetrics) []atomic.Uint64 { return m.errorResponses[:] }),
	})
	MetricRequestDuration = define(Family{
		Name:   "icws_request_duration_seconds",
		Type:   Histogram,
		Help:   "Seconds from sending a request until its answer was read, for the stream until its headers came; requests without an answer are not in it. Subscribe, poll and stream, once used; all operations with --metrics.detail=full.",
		Labels: []Label{labelOperation},
		AtMost: len(timedOperations),
		server: func(r *reading, out *samples) {
			for op := range icws.NumOperations {
				if h := r.requests(icws.Operation(op)).duration; h.isUsed() {
					out.addHistogram(op, h)
				}
			}
		},
	})
	MetricReceivedBytes = define(Family{
		Name:   "icws_received_bytes_total",
		Type:   Counter,
		Help:   "Bytes received in the bodies of answers and in the stream.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.receivedBytes }),
	})
	MetricOperationGone = define(Family{
		Name:   "icws_operation_gone",
		Help:   "1 while the operation is not used because the server answered 410 to it: this server version has removed it.",
		Labels: []Label{{Name: "operation", Values: namesOf(removableOperations)}},
		server: func(r *reading, out *samples) {
			for i, op := range removableOperations {
				out.add(i, number(r.snapshot.OperationGone[op]))
			}
		},
	})
)
