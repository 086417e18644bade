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

// histogram is one of client_golang's, which reads dearly; it is read again only
// after it was observed again. Any goroutine may use it.
type histogram struct {
	metric   prometheus.Histogram
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
	return &histogram{metric: vec.WithLabelValues(labels...).(prometheus.Histogram)}
}

func (h *histogram) observe(d time.Duration) {
	h.metric.Observe(d.Seconds())
	h.observed.Add(1)
}

func (h *histogram) distribution() distribution {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.observed.Load()
	if seen == h.lastSeen {
		return h.last
	}
	var m dto.Metric
	if err := h.metric.Write(&m); err != nil {
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
