package main

import (
	"fmt"
	"sync"
	"time"

	"icws_exporter/probe/icwssim"
)

const changedSeries = `icws_catalogue_changes_total{change="changed"`

// measureFreshness shows budgets 6 and 7: how long a change takes from the server to
// the page, and that none is lost.
func measureFreshness(b *bench) error {
	s, err := b.open(siteOptions{servers: 1, statuses: 10_000})
	if err != nil {
		return err
	}
	defer s.close()
	e, err := b.watching(s, "")
	if err != nil {
		return err
	}
	defer e.stop()
	f := &freshness{server: s.servers[0], page: newScraper(e.url + "/metrics"), status: icwssim.Catalogue(1, 1)[0]}
	defer f.page.close()
	calm, err := f.latencies(10_000)
	if err != nil {
		return err
	}
	b.add(6, "change at the server until it is on the page, SSE, N=10,000, p50", millis(quantile(calm, 0.5)), 1, "ms")
	b.add(6, "the same, p99", millis(quantile(calm, 0.99)), 5, "ms")
	busy, err := f.underLoad(e, 16, 2000)
	if err != nil {
		return err
	}
	b.add(6, "the same while 16 others scrape as fast as they can, p99", millis(quantile(busy, 0.99)), 50, "ms")
	return f.exactly(b, e, 10_000)
}

// freshness looks for the changes of one server on the page.
type freshness struct {
	server *icwssim.Server
	page   *scraper
	status icwssim.Status // what changes
}

func (f *freshness) changes() (float64, error) {
	page, err := f.page.scrape()
	if err != nil {
		return 0, err
	}
	return value(page, changedSeries)
}

// latencies changes the status n times and returns how long each change took until
// a scrape showed it. A latency includes that scrape.
func (f *freshness) latencies(n int) ([]time.Duration, error) {
	seen, err := f.changes()
	if err != nil {
		return nil, err
	}
	latencies := make([]time.Duration, n)
	for i := range latencies {
		began := time.Now()
		flip(f.server, &f.status)
		seen++
		if err := f.page.eventually(changedSeries, time.Minute, func(v float64) bool { return v >= seen }); err != nil {
			return nil, err
		}
		latencies[i] = time.Since(began)
	}
	return latencies, nil
}

// underLoad does the same while others scrape without a pause.
func (f *freshness) underLoad(e *product, others, n int) ([]time.Duration, error) {
	stop := make(chan struct{})
	var scraping sync.WaitGroup
	for range others {
		scraping.Go(func() {
			s := newScraper(e.url + "/metrics")
			defer s.close()
			for {
				select {
				case <-stop:
					return
				default:
					_ = s.times(1) // the one that is measured tells of errors
				}
			}
		})
	}
	defer scraping.Wait()
	defer close(stop)
	return f.latencies(n)
}

// exactly makes n changes between two scrapes, one event after the other, and
// compares what the page counts. It also tells what an event costs the exporter.
func (f *freshness) exactly(b *bench, e *product, n float64) error {
	before, err := f.changes()
	if err != nil {
		return err
	}
	spent, err := e.during(func() error {
		for range int(n) {
			flip(f.server, &f.status)
			time.Sleep(100 * time.Microsecond) // else many events come in one piece
		}
		time.Sleep(500 * time.Millisecond)
		return nil
	})
	if err != nil {
		return err
	}
	after, err := f.changes()
	if err != nil {
		return err
	}
	b.add(7, fmt.Sprintf("%.0f changes between two scrapes, counted wrongly", n), max(after-before-n, n-after+before), 0, "changes")
	b.add(8, "an event every 0.2 ms from a socket to the snapshot, with the kernel's part and the wake-ups, CPU", micros(spent)/n, none, "µs")
	return nil
}
