package main

import (
	"fmt"
	"time"

	"icws_exporter/probe/icwssim"
)

// quiet keeps the delivery checks out of a measurement of something else: they read
// the whole list.
const quiet = "check_interval: 1h\nresubscribe_interval: 0s"

// roomy lets a server have 100,000 statuses.
const roomy = "limits: {response_bytes: 128MiB}"

// measureScrapeByStatuses shows budget 1: what a default scrape costs at any number
// of status messages, and that it asks the server nothing.
func measureScrapeByStatuses(b *bench) error {
	const scrapes = 3000
	sizes := []float64{50, 1000, 10_000, 100_000}
	var contestants []contestant
	var sites []*site
	var largest *product
	var memory []float64
	for _, n := range sizes {
		s, err := b.open(siteOptions{servers: 1, statuses: int(n), settings: quiet})
		if err != nil {
			return err
		}
		defer s.close()
		e, err := b.watching(s, roomy)
		if err != nil {
			return err
		}
		defer e.stop()
		sites, largest = append(sites, s), e
		scraper := newScraper(e.url + "/metrics")
		defer scraper.close()
		contestants = append(contestants, scraped(fmt.Sprintf("N=%.0f", n), e.process, scraper, scrapes))
		time.Sleep(time.Second)
		now, _, err := e.memory()
		if err != nil {
			return err
		}
		memory = append(memory, now/(1<<20))
	}
	before := answersOf(sites)
	r, err := contest(b.Rounds, contestants...)
	if err != nil {
		return err
	}
	var figures []float64
	for i := range sizes {
		figures = append(figures, micros(r.of(i)))
	}
	b.add(1, "default scrape, N=50, CPU", figures[0], none, "µs")
	b.add(1, "default scrape, N=100,000, in that at N=50", r.ratio(3, 0), 1.15, "×")
	b.add(1, fmt.Sprintf("requests to the servers during %d scrapes", (b.Rounds+1)*scrapes*len(sizes)),
		float64(answersOf(sites)-before), 0, "requests")
	b.grows("CPU of a default scrape by statuses", "µs", sizes, figures)
	b.grows("resident memory by statuses, a second after the first list", "MiB", sizes, memory)
	return b.lookAtStatuses(sites[len(sites)-1], largest)
}

// lookAtStatuses measures the page of a server whose list has changed since the last look.
func (b *bench) lookAtStatuses(s *site, e *product) error {
	status := icwssim.Catalogue(1, 1)[0]
	page := newScraper(e.url + "/servers/server-00000?q=acd")
	defer page.close()
	looks := contestant{"look", func(int) (time.Duration, error) {
		flip(s.servers[0], &status)
		time.Sleep(1500 * time.Millisecond) // a look is shared for a second
		return e.during(func() error { return page.times(1) })
	}, 1}
	r, err := contest(b.Rounds, looks)
	if err != nil {
		return err
	}
	b.add(1, "page of a server, N=100,000, after a change, searched, CPU", millis(r.of(0)), 50, "ms")
	return nil
}

func answersOf(sites []*site) int {
	n := 0
	for _, s := range sites {
		n += s.answers()
	}
	return n
}
