package collect

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// newHistogramVec makes the histograms of a family, with classic and native
// buckets. A native histogram that outgrows its buckets gets coarser and is never
// reset: its classic buckets would be reset with it.
func newHistogramVec(f *Family) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                           f.Name,
		Help:                           f.Help,
		Buckets:                        buckets[:],
		NativeHistogramBucketFactor:    1.1,
		NativeHistogramMaxBucketNumber: 160,
	}, f.labelNames())
}

// histogram counts its classic buckets itself, since reading client_golang's is dear and
// doubles its memory. That one, which has the native buckets too, is made when it is first
// needed, and read for the formats that show it. A nil histogram observes nothing. Any
// goroutine may use it.
type histogram struct {
	vec    *prometheus.HistogramVec
	labels []string
	metric atomic.Pointer[prometheus.Histogram] // nil until needed
	counts [len(buckets) + 1]atomic.Uint64      // by bucket; the last one is above all bounds
	sum    atomic.Uint64                        // bits of the seconds
}

// distribution is the classic side of a histogram.
type distribution struct {
	cumulative [len(buckets) + 1]uint64 // the last one is +Inf: the count
	sum        float64                  // seconds
}

func newHistogram(vec *prometheus.HistogramVec, labels ...string) *histogram {
	return &histogram{vec: vec, labels: labels}
}

// exposed returns client_golang's histogram, and makes it when there is none.
func (h *histogram) exposed() prometheus.Histogram {
	if metric := h.metric.Load(); metric != nil {
		return *metric
	}
	// The vector makes one only, however many ask.
	metric := h.vec.WithLabelValues(h.labels...).(prometheus.Histogram)
	h.metric.Store(&metric)
	return metric
}

func (h *histogram) observe(d time.Duration) {
	if h == nil {
		return
	}
	seconds := d.Seconds()
	h.exposed().Observe(seconds)
	for {
		before := h.sum.Load()
		after := math.Float64bits(math.Float64frombits(before) + seconds)
		if h.sum.CompareAndSwap(before, after) {
			break
		}
	}
	bucket, _ := slices.BinarySearch(buckets[:], seconds)
	h.counts[bucket].Add(1)
}

// isUsed reports whether anything was observed: that made client_golang's.
func (h *histogram) isUsed() bool { return h != nil && h.metric.Load() != nil }

func (h *histogram) distribution() distribution {
	d := distribution{sum: math.Float64frombits(h.sum.Load())}
	var count uint64
	for i := range h.counts {
		count += h.counts[i].Load()
		d.cumulative[i] = count
	}
	return d
}
