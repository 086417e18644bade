//go:build !race

package web

import "testing"

// Budget 5 of the exporter: at most 8 allocations in a steady scrape.
func TestSteadyScrapeAllocates(t *testing.T) {
	set, _ := newMetricsSet()
	h := NewMetricsHandler(set)
	for _, accept := range []string{"text/plain", acceptOpenMetrics} {
		for _, encoding := range []string{"identity", "gzip"} {
			w, r := scrapeRequest(accept, encoding)
			h.ServeHTTP(w, r)
			if allocs := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); allocs > 8 {
				t.Errorf("%s, %s: %v allocations, want 8 at most", accept, encoding, allocs)
			}
		}
	}
}
