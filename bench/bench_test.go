package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/web"
)

// BenchmarkScrape is the whole scrape over HTTP, client included, beside the floor
// and the reference.
func BenchmarkScrape(b *testing.B) {
	metrics := collect.New(collect.Options{ExporterMetrics: true})
	fleet := exporter.New(exporter.Options{Metrics: metrics})
	watched := metrics.Add("chicago", "us")
	pages := web.NewHandler(web.Options{Fleet: fleet, Metrics: metrics})
	for _, way := range []struct {
		name     string
		handler  http.Handler
		encoding string
		change   bool
	}{
		{"empty", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "identity", false},
		{"copy", copied(metrics), "identity", false},
		{"page", pages, "identity", false},
		{"page_gzip", pages, "gzip", false},
		{"changed", pages, "identity", true},
		{"changed_gzip", pages, "gzip", true},
		{"const", promhttp.HandlerFor(metrics.Gatherer(), promhttp.HandlerOpts{EnableOpenMetrics: true}), "identity", false},
	} {
		b.Run(way.name, func(b *testing.B) {
			server := httptest.NewServer(way.handler)
			defer server.Close()
			s := newScraper(server.URL+"/metrics", "Accept-Encoding", way.encoding)
			defer s.close()
			if err := s.times(3); err != nil { // connect, and grow the buffers
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if way.change {
					change(watched)
				}
				body, err := s.scrape()
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(body)))
			}
		})
	}
}

// BenchmarkList reads and applies a list of 10,000 that changes nothing.
func BenchmarkList(b *testing.B) {
	ours, reference, err := listReaders(10_000)
	if err != nil {
		b.Fatal(err)
	}
	for name, reader := range map[string]*listReader{"ours": ours, "encoding_json": reference} {
		b.Run(name, func(b *testing.B) {
			if err := reader.read(); err != nil { // the first list is all news
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := reader.read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDelta(b *testing.B) {
	flip := flipping(filled(10_000), 10_000, true)
	b.ReportAllocs()
	for b.Loop() {
		flip()
	}
}

// BenchmarkFloor copies the bytes of a full page.
func BenchmarkFloor(b *testing.B) {
	page := make([]byte, 55_000)
	space := make([]byte, len(page))
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		copy(space, page)
	}
}
