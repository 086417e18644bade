package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
)

// measureSteadyScrape shows budget 5: what our handler allocates when nothing has
// changed.
func measureSteadyScrape(b *bench) error {
	s, err := b.open(siteOptions{servers: 1, statuses: 50, settings: quiet})
	if err != nil {
		return err
	}
	defer s.close()
	metrics := collect.New(collect.Options{ExporterMetrics: true})
	fleet := exporter.New(exporter.Options{Metrics: metrics})
	defer fleet.Close()
	watched, err := config.Parse("bench", []byte(s.configuration("")), "")
	if err != nil {
		return err
	}
	if _, err := fleet.Apply(watched); err != nil {
		return err
	}
	for _, handler := range []struct {
		name string
		http.Handler
		allocations, bytes float64
	}{
		{"the handler of /metrics", web.NewMetricsHandler(metrics), 8, 1000},
		{"the same behind routing and security headers", web.NewHandler(web.Options{Fleet: fleet, Metrics: metrics}), none, none},
	} {
		for format, accept := range map[string]string{"text": "text/plain", "OpenMetrics": acceptOpenMetrics} {
			for _, encoding := range []string{"identity", "gzip"} {
				r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", nil)
				r.Header.Set("Accept", accept)
				r.Header.Set("Accept-Encoding", encoding)
				allocations, bytes := garbage(func() { handler.ServeHTTP(discard{http.Header{}}, r) })
				// Of the header map that a real server makes, and we here.
				mapAllocations, mapBytes := garbage(func() { discard{http.Header{}}.WriteHeader(0) })
				what := handler.name + ", " + format + ", " + encoding
				b.add(5, what, allocations-mapAllocations, handler.allocations, "allocations")
				b.add(5, what, bytes-mapBytes, handler.bytes, "B")
			}
		}
	}
	return nil
}

// discard is a client that takes everything and keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// garbage returns the allocations and the bytes of one execution: the median of
// short series, so that what others allocate now and then does not count.
func garbage(do func()) (allocations, bytes float64) {
	const series, length = 51, 20
	var before, after runtime.MemStats
	var counts, sizes []float64
	do()
	for range series {
		runtime.ReadMemStats(&before)
		for range length {
			do()
		}
		runtime.ReadMemStats(&after)
		counts = append(counts, float64(after.Mallocs-before.Mallocs)/length)
		sizes = append(sizes, float64(after.TotalAlloc-before.TotalAlloc)/length)
	}
	return median(counts), median(sizes)
}
