package collect

import "icws_exporter/probe/icws"

// numFoldedReasons is how many reasons the default detail tells apart.
const numFoldedReasons = 3

// failureReasons are the values of the label reason of icws_request_failures_total:
// the exact reasons, then what stands for several of them.
var failureReasons = append(valuesOf[icws.FailureReason](icws.NumFailureReasons), "connection", "protocol")

// The places in failureReasons of those that stand for several.
const (
	connectionReason = icws.NumFailureReasons
	protocolReason   = icws.NumFailureReasons + 1
)

// foldedReason is the place in failureReasons of what a reason counts as by default.
// That we gave up a request says nothing about the server, so it has none.
func foldedReason(why icws.FailureReason) (int, bool) {
	switch why {
	case icws.FailTimeout:
		return int(icws.FailTimeout), true
	case icws.FailTooLarge, icws.FailDecode:
		return protocolReason, true
	case icws.FailCanceled:
		return 0, false
	default:
		return connectionReason, true
	}
}

// emitFailures emits the failed requests of one server.
func emitFailures(r *reading, out *samples) {
	for op := range icws.NumOperations {
		counters := &r.requests(icws.Operation(op)).failures
		first := op * len(failureReasons)
		if r.full {
			for why := range counters {
				if n := counters[why].Load(); n > 0 || successCode[op] > 0 {
					out.add(first+why, float64(n))
				}
			}
			continue
		}
		var folded [icws.NumFailureReasons + 2]uint64
		for why := range counters {
			if i, ok := foldedReason(icws.FailureReason(why)); ok {
				folded[i] += counters[why].Load()
			}
		}
		for _, why := range []icws.FailureReason{icws.FailTimeout, icws.FailOther, icws.FailDecode} {
			if i, _ := foldedReason(why); r.startsAtZero(icws.Operation(op)) || folded[i] > 0 {
				out.add(first+i, float64(folded[i]))
			}
		}
	}
}
