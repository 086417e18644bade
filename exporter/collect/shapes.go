package collect

import (
	"fmt"
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// emit emits the samples of a family for one server.
type emit = func(*reading, *samples)

// value always has one sample.
func value(get func(*reading) float64) emit {
	return func(r *reading, out *samples) { out.add(0, get(r)) }
}

// known has one sample when the second result of get says so.
func known(get func(*probe.Snapshot) (float64, bool)) emit {
	return func(r *reading, out *samples) {
		if v, ok := get(r.snapshot); ok {
			out.add(0, v)
		}
	}
}

// timestamp has one sample once the thing has happened.
func timestamp(get func(*probe.Snapshot) time.Time) emit {
	return known(func(s *probe.Snapshot) (float64, bool) {
		t := get(s)
		return seconds(t), !t.IsZero()
	})
}

// whenFresh withholds a family of a stale catalogue: no number is better than a
// wrong one.
func whenFresh(next emit) emit {
	return func(r *reading, out *samples) {
		if r.fresh {
			next(r, out)
		}
	}
}

// count is a counter without labels besides server.
func count(get func(*ServerMetrics) *atomic.Uint64) emit {
	return func(r *reading, out *samples) { out.add(0, float64(get(r.ServerMetrics).Load())) }
}

// counts are the counters of all values of the closed labels.
func counts(get func(*ServerMetrics) []atomic.Uint64) emit {
	return func(r *reading, out *samples) {
		counters := get(r.ServerMetrics)
		for i := range counters {
			out.add(i, float64(counters[i].Load()))
		}
	}
}

// emitState emits a state set in which present is 1; -1 means none.
func emitState(out *samples, present int) {
	for i := range out.family.series {
		out.add(i, number(i == present))
	}
}

// seconds returns t as a Unix time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// valuesOf returns the label values of an enum with n values.
func valuesOf[E interface {
	~uint8
	fmt.Stringer
}](n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = E(i).String()
	}
	return values
}

// detailFlag asks for what is of use to few: series that say how a fault went
// rather than that there is one.
const detailFlag = "--metrics.detail=full"

// startsAtZero reports whether the series of an operation begin at 0: of those
// without which nothing is watched, since the alerts read how they went. Those of the
// others begin with the first event, and so do those of the transport that is not
// used.
func (r *reading) startsAtZero(op icws.Operation) bool {
	if r.snapshot.TransportKnown {
		unused := icws.OpPoll
		if r.snapshot.Transport == probe.TransportPoll {
			unused = icws.OpStream
		}
		if op == unused {
			return false
		}
	}
	return isWatched[op]
}

var isWatched = [icws.NumOperations]bool{
	icws.OpConnect: true, icws.OpSubscribe: true, icws.OpPoll: true, icws.OpStream: true, icws.OpList: true,
}

// namesOf returns the label values of some of an enum's values.
func namesOf[E fmt.Stringer](values []E) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.String()
	}
	return names
}

var labelOperation = Label{Name: "operation", Values: valuesOf[icws.Operation](icws.NumOperations)}
