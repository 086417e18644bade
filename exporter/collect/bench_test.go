package collect

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"icws_exporter/probe/catalogue"
)

// benchSet has one server with a default page of about 500 series.
func benchSet() (*Set, *ServerMetrics) {
	s := newTestSet(Options{})
	m := s.Add("chicago", "us")
	p := &published{snapshot: live()}
	for i := range 8 {
		p.snapshot.Groups = append(p.snapshot.Groups, group(fmt.Sprint("Group ", i), i, catalogue.IsAcdStatus))
	}
	m.Watch(p)
	busy(m)
	return s, m
}

func BenchmarkRender(b *testing.B) {
	for _, compress := range []bool{false, true} {
		for _, changed := range []bool{false, true} {
			b.Run(fmt.Sprintf("gzip=%t/changed=%t", compress, changed), func(b *testing.B) {
				s, m := benchSet()
				for range 2 { // the page and its spare grow to their size
					m.Read(1)
					s.Render(Text, compress, func([]byte) {})
				}
				b.ReportAllocs()
				for b.Loop() {
					if changed {
						m.Read(1)
					}
					s.Render(Text, compress, func(body []byte) { b.SetBytes(int64(len(body))) })
				}
			})
		}
	}
}

func BenchmarkRenderThousandServers(b *testing.B) {
	s, m := benchSet()
	source := *m.source.Load()
	for i := range 999 {
		s.Add(fmt.Sprint("server", i), "us").Watch(source)
	}
	for range 2 { // the page and its spare grow to their size
		m.Read(1)
		s.Render(Text, false, func([]byte) {})
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Read(1)
		s.Render(Text, false, func(body []byte) { b.SetBytes(int64(len(body))) })
	}
}

func BenchmarkConstCollector(b *testing.B) {
	s, _ := benchSet()
	b.ReportAllocs()
	for b.Loop() {
		ch := make(chan prometheus.Metric, 1024)
		s.Collect(ch)
	}
}

func BenchmarkGather(b *testing.B) {
	s, _ := benchSet()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Gatherer().Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
