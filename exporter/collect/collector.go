package collect

import "github.com/prometheus/client_golang/prometheus"

var _ prometheus.Collector = (*Set)(nil)

// Describe sends the descriptions of the table (prometheus.Collector).
func (s *Set) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range s.table {
		ch <- s.descs[f]
	}
}

// Collect sends the table as const metrics, and the histograms with their native
// buckets (prometheus.Collector). Each family's servers come in the order of
// their names.
func (s *Set) Collect(ch chan<- prometheus.Metric) {
	out := samples{sink: func(m prometheus.Metric) { ch <- m }}
	sc := s.scrape(nil)
	out.collect(s.table, sc, sc.servers)
}

// Gatherer returns the same metrics as Render for client_golang's handlers, which
// serve the formats that Render does not write.
func (s *Set) Gatherer() prometheus.Gatherer {
	if s.runtime == nil {
		return s.registry
	}
	return prometheus.Gatherers{s.registry, s.runtime.registry}
}
