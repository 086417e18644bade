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

var labelOperation = Label{Name: "operation", Values: valuesOf[icws.Operation](icws.NumOperations)}
