package collect

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// newHistogramVec makes the native histograms of a family. One that outgrows its buckets
// gets coarser and is never reset: nobody resets the classic buckets with it.
func newHistogramVec(f *Family) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                           f.Name,
		Help:                           f.Help,
		NativeHistogramBucketFactor:    1.1,
		NativeHistogramMaxBucketNumber: 160,
		NativeHistogramMaxExemplars:    -1, // nobody gives any
	}, f.labelNames())
}

// histogram counts its classic buckets itself, since reading client_golang's is dear and
// doubles its memory. The native buckets are that one's, which is made when it is first
// needed, and read for the formats that show them. A nil histogram observes nothing. Any
// goroutine may use it.
type histogram struct {
	vec    *prometheus.HistogramVec
	labels []string
	native atomic.Pointer[prometheus.Histogram] // nil until needed
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

// withNative returns client_golang's histogram, and makes it when there is none.
func (h *histogram) withNative() prometheus.Histogram {
	if native := h.native.Load(); native != nil {
		return *native
	}
	// The vector makes one only, however many ask.
	native := h.vec.WithLabelValues(h.labels...).(prometheus.Histogram)
	h.native.Store(&native)
	return native
}

func (h *histogram) observe(d time.Duration) {
	if h == nil {
		return
	}
	seconds := d.Seconds()
	h.withNative().Observe(seconds)
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

// isUsed reports whether anything was observed: that made the native one.
func (h *histogram) isUsed() bool { return h != nil && h.native.Load() != nil }

func (h *histogram) distribution() distribution {
	d := distribution{sum: math.Float64frombits(h.sum.Load())}
	var count uint64
	for i := range h.counts {
		count += h.counts[i].Load()
		d.cumulative[i] = count
	}
	return d
}

// Desc implements prometheus.Metric.
func (h *histogram) Desc() *prometheus.Desc { return h.withNative().Desc() }

// Write implements prometheus.Metric, with all buckets. The classic ones are read first and
// counted last, so that they never have more than the count.
func (h *histogram) Write(m *dto.Metric) error {
	classic := h.distribution()
	if err := h.withNative().Write(m); err != nil {
		return err
	}
	for i, bound := range buckets {
		m.Histogram.Bucket = append(m.Histogram.Bucket, &dto.Bucket{CumulativeCount: &classic.cumulative[i], UpperBound: &bound})
	}
	return nil
}
