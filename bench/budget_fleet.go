package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"time"

	"icws_exporter/probe/icwssim"
)

// wire is how the servers of a fleet are watched.
type wire struct {
	name   string
	flag   string
	poll   bool
	tls    bool
	kib    float64 // of resident memory per server that is allowed, catalogue included
	core   float64 // of a core that is allowed for 5,000 servers, in per cent
	events int     // a second for 5,000 servers
}

// A server may take so much with its counters, its history and a catalogue of 50.
var wires = []wire{
	{name: "SSE", flag: "sse", kib: 110, core: 8, events: 2500},
	{name: "SSE with TLS", flag: "sse-tls", tls: true, kib: 140, core: none, events: 2500},
	{name: "polling", flag: "poll", poll: true, kib: none, core: 20},
	{name: "polling with TLS", flag: "poll-tls", poll: true, tls: true, kib: none, core: none},
}

// measureFleets shows budget 11: thousands of servers in one process.
func measureFleets(b *bench) error {
	memory := map[string][]float64{}
	var sizes []float64
	for _, n := range b.Servers {
		sizes = append(sizes, float64(n))
		for _, w := range wires {
			if !slices.Contains(b.Wires, w.flag) {
				continue
			}
			fmt.Fprintf(os.Stderr, "%d servers, %s\n", n, w.name)
			kib, err := b.measureFleet(n, w)
			if err != nil {
				return fmt.Errorf("%d servers, %s: %w", n, w.name, err)
			}
			memory[w.name] = append(memory[w.name], kib)
		}
	}
	for _, w := range wires {
		if len(memory[w.name]) > 1 {
			b.grows("resident memory of the whole process by servers, "+w.name, "KiB", sizes, memory[w.name])
		}
	}
	return nil
}

// measureFleet measures one process and returns its resident memory in KiB.
func (b *bench) measureFleet(n int, w wire) (kib float64, err error) {
	o := siteOptions{servers: n, statuses: 50, tls: w.tls, settings: "transport: sse"}
	if w.poll {
		o.settings = "transport: poll"
	}
	s, err := b.open(o)
	if err != nil {
		return 0, err
	}
	defer s.close()
	at := fmt.Sprintf("%d servers, %s", n, w.name)
	if !w.tls {
		if err := b.measureFloor(s, w, at); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	e, err := b.watching(s, "")
	if err != nil {
		return 0, err
	}
	defer e.stop()
	b.add(11, at+": all up after", e.ready.Sub(began).Seconds(), none, "s")
	b.add(11, at+": log-ons in the busiest second of the start", float64(s.busiestSecond()), none, "")
	prometheus := newScraper(e.url+"/metrics", "Accept-Encoding", "gzip")
	defer prometheus.close()
	for range 2 {
		if err := prometheus.times(1); err != nil {
			return 0, err
		}
		time.Sleep(b.Settle / 2)
	}
	resident, _, err := e.memory()
	if err != nil {
		return 0, err
	}
	limit := none
	if n >= 1000 {
		limit = w.kib
	}
	b.add(11, at+": resident memory per server", resident/1024/float64(n), limit, "KiB")
	if err := b.kindsOfMemory(e, n, at, resident); err != nil {
		return 0, err
	}
	calm, err := b.steady(e, s, w, at)
	if err != nil {
		return 0, err
	}
	return resident / 1024, b.ask(e, n, at, calm)
}

// kindsOfMemory shows what the memory per server is, as the exporter tells it.
func (b *bench) kindsOfMemory(e *product, n int, at string, resident float64) error {
	s := newScraper(e.url + "/metrics?name[]=go_goroutines&name[]=go_memstats_heap_inuse_bytes&name[]=go_memstats_stack_inuse_bytes")
	defer s.close()
	page, err := s.scrape()
	if err != nil {
		return err
	}
	rest := resident
	for _, kind := range []struct{ series, what string }{
		{"go_memstats_heap_inuse_bytes ", "heap, garbage included"},
		{"go_memstats_stack_inuse_bytes ", "stacks"},
	} {
		bytes, err := value(page, kind.series)
		if err != nil {
			return err
		}
		rest -= bytes
		b.add(11, at+": of it "+kind.what, bytes/1024/float64(n), none, "KiB")
	}
	b.add(11, at+": of it the program, the collector and what is free", rest/1024/float64(n), none, "KiB")
	goroutines, err := value(page, "go_goroutines ")
	b.add(11, at+": goroutines per server", math.Floor(goroutines/float64(n)), 4, "")
	return err
}

// steady measures the CPU of a fleet to which nothing happens, which it returns in per cent of a core, and of one to
// whose servers something does.
func (b *bench) steady(e *product, s *site, w wire, at string) (calm float64, err error) {
	change := changing(s)
	idle, wall, err := b.watched(e.process, 0, change)
	if err != nil {
		return 0, err
	}
	calm = share(idle, wall)
	limit := none
	if w.poll && len(s.servers) == 5000 {
		limit = w.core
	}
	b.add(11, at+": CPU while nothing changes", calm, limit, "% of a core")
	if !w.poll {
		b.add(12, at+": CPU per server while nothing changes", calm/float64(len(s.servers)), 0.1, "% of a core")
	}
	if w.events == 0 {
		return calm, nil
	}
	var rates, figures []float64
	full := w.events * len(s.servers) / 5000
	for _, rate := range []int{full / 4, full / 2, full, 2 * full} {
		spent, wall, err := b.watched(e.process, rate, change)
		if err != nil {
			return 0, err
		}
		rates, figures = append(rates, float64(rate)), append(figures, share(spent, wall))
		if rate != full {
			continue
		}
		limit := none
		if len(s.servers) == 5000 {
			limit = w.core
		}
		b.add(11, fmt.Sprintf("%s: CPU at %d events a second", at, rate), share(spent, wall), limit, "% of a core")
		b.add(11, at+": CPU per event", micros(spent-idle)/(float64(rate)*wall.Seconds()), none, "µs")
	}
	b.grows("CPU by events a second, "+at, "% of a core", rates, figures)
	return calm, nil
}

// changing has the i-th event happen to a server: one after the other.
func changing(s *site) func(i int) {
	status := icwssim.Catalogue(1, 1)[0]
	return func(i int) {
		if i%len(s.servers) == 0 {
			status.IsAcdStatus = !status.IsAcdStatus
		}
		s.servers[i%len(s.servers)].Apply(icwssim.Change(status))
	}
}

// watched measures a process for a while, with so many events a second.
func (b *bench) watched(p *process, rate int, happen func(i int)) (spent, wall time.Duration, err error) {
	began := time.Now()
	spent, err = p.during(func() error {
		for sent := 0; time.Since(began) < b.Watch; time.Sleep(time.Millisecond) {
			for due := int(time.Since(began).Seconds() * float64(rate)); sent < due; sent++ {
				happen(sent)
			}
		}
		return nil
	})
	return spent, time.Since(began), err
}

// ask measures what the fleet answers: whole pages, and a reload, beside what it takes anyway, in per cent of a core.
func (b *bench) ask(e *product, n int, at string, calm float64) error {
	for _, encoding := range []string{"identity", "gzip"} {
		page := newScraper(e.url+"/metrics", "Accept-Encoding", encoding)
		defer page.close()
		r, err := contest(3, scraped("page", e.process, page, 1))
		if err != nil {
			return err
		}
		limit := none
		if n == 1000 {
			limit = 100
		}
		b.add(11, at+": a whole scrape, "+encoding+", CPU", millis(r.of(0)), limit, "ms")
	}
	began := time.Now()
	spent, err := e.during(e.reload)
	if err != nil {
		return err
	}
	took := time.Since(began)
	b.add(11, at+": a reload that changes nothing", millis(took), none, "ms")
	limit := none
	if n == 5000 {
		limit = 100
	}
	b.add(11, at+": such a reload, CPU more than without", millis(spent)-millis(took)*calm/100, limit, "ms")
	return b.scrapeTogether(e, at)
}

// scrapeTogether has ten scrapers ask for whole pages at once, and compares the slowest
// answer and the memory with those of one, and with ten readers of bytes made before.
func (b *bench) scrapeTogether(e *product, at string) error {
	const rounds = 10
	url := e.url + "/metrics"
	var walls, peaks [2]float64
	for i, scrapers := range []int{1, 10} {
		if err := e.forgetPeak(); err != nil {
			return err
		}
		before, _, err := e.memory()
		if err != nil {
			return err
		}
		took, err := together(url, scrapers, rounds)
		if err != nil {
			return err
		}
		_, peak, err := e.memory()
		if err != nil {
			return err
		}
		walls[i], peaks[i] = millis(quantile(took, 0.99)), (peak-before)/mebi
	}
	one := newScraper(url, "Accept-Encoding", "gzip")
	defer one.close()
	page, err := one.scrape()
	if err != nil {
		return err
	}
	made := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(page) // a reader that has gone shows as an error of its own
	}))
	defer made.Close()
	floor, err := together(made.URL, 10, rounds)
	if err != nil {
		return err
	}
	b.add(11, at+": one scraper, gzip, slowest of ten", walls[0], none, "ms")
	b.add(11, at+": ten scrapers at once, p99", walls[1], none, "ms")
	b.add(11, at+": floor: ten readers at once of the same bytes, made before, p99", millis(quantile(floor, 0.99)), none, "ms")
	b.add(11, at+": ten scrapers at once, p99 in that of one", walls[1]/walls[0], 3, "×")
	b.add(11, at+": memory that one scraper takes more", peaks[0], none, "MiB")
	b.add(11, at+": memory that ten take more", peaks[1], 2*float64(len(page))/mebi, "MiB")
	return nil
}

// together has so many scrapers scrape at the same moment, several times.
func together(url string, scrapers, rounds int) (took []time.Duration, err error) {
	var mu sync.Mutex
	for range rounds {
		var scraping sync.WaitGroup
		for range scrapers {
			scraping.Go(func() {
				s := newScraper(url, "Accept-Encoding", "gzip")
				defer s.close()
				began := time.Now()
				_, failed := s.scrape()
				mu.Lock()
				defer mu.Unlock()
				took, err = append(took, time.Since(began)), errors.Join(err, failed)
			})
		}
		scraping.Wait()
	}
	return took, err
}
