package collect

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
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

// histogram is one of client_golang's, which is large and reads dearly: it is made
// when it is first needed, and read again only after it was observed again. A nil one
// observes nothing. Any goroutine may use it.
type histogram struct {
	vec      *prometheus.HistogramVec
	labels   []string
	metric   atomic.Pointer[prometheus.Histogram] // nil until needed
	observed atomic.Uint64

	mu       sync.Mutex
	last     distribution
	lastSeen uint64 // value of observed before last was read
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
	h.exposed().Observe(d.Seconds())
	h.observed.Add(1)
}

// isUsed reports whether anything was observed.
func (h *histogram) isUsed() bool { return h != nil && h.observed.Load() > 0 }

func (h *histogram) distribution() distribution {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.observed.Load()
	if seen == h.lastSeen {
		return h.last
	}
	var m dto.Metric
	if err := h.exposed().Write(&m); err != nil {
		return h.last
	}
	for i, b := range m.GetHistogram().GetBucket() {
		if i < len(buckets) {
			h.last.cumulative[i] = b.GetCumulativeCount()
		}
	}
	h.last.cumulative[len(buckets)] = m.GetHistogram().GetSampleCount()
	h.last.sum = m.GetHistogram().GetSampleSum()
	h.lastSeen = seen
	return h.last
}
