package collect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// twoServers has one server that did everything and one that did nothing.
func twoServers(o Options) *Set {
	s := newTestSet(o)
	m := s.Add("chicago", "us")
	m.Watch(&published{snapshot: live()})
	busy(m)
	s.Add(`lab "7"`, "")
	s.ConfigLoaded(noon, 42)
	return s
}

func serverPage(t testing.TB, s *Set, name string, format Format) string {
	t.Helper()
	page := "none"
	if !s.RenderServer(name, Want{Format: format, Compress: false}, func(body []byte) { page = string(body) }) {
		t.Errorf("there is no page of %q", name)
	}
	return page
}

// sampleLines returns the samples of pages, sorted.
func sampleLines(pages ...string) []string {
	var lines []string
	for _, page := range pages {
		for line := range strings.Lines(page) {
			if line[0] != '#' {
				lines = append(lines, line)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// Whoever scrapes the exporter and each server gets every series of the whole
// page once: a series missing or doubled would make every sum wrong.
func TestPagesPerServerAddUpToTheWholePage(t *testing.T) {
	whole, apart := twoServers(Options{}), twoServers(Options{PerServer: true})
	for _, format := range []Format{Text, OpenMetrics} {
		self := exposition(t, apart, format)
		if strings.Contains(self, "server=") || !strings.Contains(self, `icws_exporter_servers{state="live"} 1`) {
			t.Errorf("the page of the exporter has a server, or does not count them:\n%s", self)
		}
		pages := []string{self, serverPage(t, apart, "chicago", format), serverPage(t, apart, `lab "7"`, format)}
		if diff := cmp.Diff(sampleLines(exposition(t, whole, format)), sampleLines(pages...)); diff != "" {
			t.Errorf("-whole +apart:\n%s", diff)
		}
		for _, page := range pages {
			if ends := strings.Count(page, "# EOF\n"); (format == OpenMetrics) != (ends == 1) || ends > 1 {
				t.Errorf("%d ends in a page of format %d", ends, format)
			}
		}
	}
}

func TestPageOfAServerIsThatOfClientGolang(t *testing.T) {
	s := twoServers(Options{PerServer: true})
	for format, reference := range map[Format]expfmt.Format{
		Text: expfmt.NewFormat(expfmt.TypeTextPlain), OpenMetrics: expfmt.FmtOpenMetrics_1_0_0,
	} {
		for _, name := range []string{"chicago", `lab "7"`} {
			families, err := s.ServerGatherer(name).Gather()
			if err != nil {
				t.Fatal(err)
			}
			// A registry sorts the values of closed labels, which the table does not.
			want := numberedLines(t, encode(t, families, reference))
			got := numberedLines(t, serverPage(t, s, name, format))
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("format %d, -client_golang +ours:\n%s", format, diff)
			}
		}
	}
}

func TestOnlyServersThatAreWatchedHaveAPage(t *testing.T) {
	s := twoServers(Options{PerServer: true})
	has := func(s *Set, name string) bool {
		page := s.RenderServer(name, Want{Format: Text, Compress: true}, func([]byte) {})
		if gathered := s.ServerGatherer(name) != nil; page != gathered {
			t.Errorf("%q: page %t, gatherer %t", name, page, gathered)
		}
		return page
	}
	for _, name := range []string{"", "Chicago", "chicago ", "chic", "lab"} {
		if has(s, name) {
			t.Errorf("%q has a page", name)
		}
	}
	if !has(s, "chicago") {
		t.Error("chicago has no page")
	}
	s.Remove("chicago")
	if has(s, "chicago") {
		t.Error("a removed server has a page")
	}
	if has(twoServers(Options{}), "chicago") {
		t.Error("a server is exposed on the whole page and apart: sums would double")
	}
}

// Scrapes of servers that come and go: run with -race. A page must be of the
// server that was asked for, whole, and the same compressed.
func TestConcurrentPagesOfServers(t *testing.T) {
	s := twoServers(Options{PerServer: true})
	var scrapers, others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				s.Add(fmt.Sprint("server", i%3), "").SessionOpening()
				s.Remove(fmt.Sprint("server", (i+1)%3))
			}
		}
	})
	for i, name := range []string{"chicago", `lab "7"`, "chicago", "server1"} {
		scrapers.Go(func() {
			label := `server="` + escapeLabelValue(name) + `"`
			for range 25 {
				s.RenderServer(name, Want{Format: Format(i % 2), Compress: i >= 2}, func(body []byte) {
					page := string(body)
					if i >= 2 {
						page = unzip(t, body)
					}
					samples := sampleLines(page)
					if n := strings.Count(page, label); n != len(samples) || n < 100 {
						t.Errorf("%d of %d samples are of %s", n, len(samples), name)
					}
				})
			}
		})
	}
	scrapers.Wait()
	close(stop)
	others.Wait()
}

func TestPageOfAServerStaysWhileInUse(t *testing.T) {
	s := twoServers(Options{PerServer: true})
	s.RenderServer("chicago", Want{Format: Text, Compress: false}, func(body []byte) {
		before := bytes.Clone(body)
		for range 3 {
			serverPage(t, s, `lab "7"`, Text)
		}
		if !bytes.Equal(body, before) {
			t.Error("a page changed while it was in use")
		}
	})
}

// ServerGatherer is Gatherer for the families of one server, or nil where
// RenderServer would report false.
func (s *Set) ServerGatherer(name string) prometheus.Gatherer {
	one := s.one(name)
	if one == nil {
		return nil
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(serverCollector{s, one})
	return registry
}

// serverCollector collects one server.
type serverCollector struct {
	set *Set
	one []*ServerMetrics
}

func (c serverCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.set.apart {
		ch <- c.set.descs[f]
	}
}

func (c serverCollector) Collect(ch chan<- prometheus.Metric) {
	out := samples{sink: func(m prometheus.Metric) { ch <- m }}
	sc := c.set.scrapeOf(c.one, nil)
	out.collect(c.set.apart, sc, sc.servers)
}
