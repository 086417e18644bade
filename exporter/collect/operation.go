package collect

import (
	"slices"
	"sync/atomic"

	"icws_exporter/probe/icws"
)

// operationMetrics counts the requests of one operation. Most servers are never asked for
// some of the operations, so they are made with the first request.
type operationMetrics struct {
	responses [numCodes]atomic.Uint64
	failures  [icws.NumFailureReasons]atomic.Uint64
	duration  *histogram // nil when it is not exposed
}

// operation returns what counts the requests of an operation, and makes it when there is none.
func (m *ServerMetrics) operation(op icws.Operation) *operationMetrics {
	if o := m.operations[op].Load(); o != nil {
		return o
	}
	o := new(operationMetrics)
	if m.set.opts.Full || slices.Contains(timedOperations, op) {
		o.duration = newHistogram(m.set.requestDuration, op.String(), m.name)
	}
	if !m.operations[op].CompareAndSwap(nil, o) {
		return m.operations[op].Load() // another goroutine was faster
	}
	return o
}

// noRequests stands for an operation without requests.
var noRequests operationMetrics

// requests returns what counted the requests of an operation, for readers.
func (m *ServerMetrics) requests(op icws.Operation) *operationMetrics {
	if o := m.operations[op].Load(); o != nil {
		return o
	}
	return &noRequests
}
