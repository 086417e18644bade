package main

import (
	"bytes"
	"os"
	"path/filepath"
	"time"
)

// subject is the running subjectCommand.
type subject struct {
	*process
	urls map[string]string // by the name of the flag
}

func (b *bench) startSubject(s *site) (*subject, error) {
	file := filepath.Join(b.dir, "subject.yaml")
	if err := os.WriteFile(file, []byte(s.configuration("")), 0o600); err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	subject := &subject{urls: map[string]string{}}
	arguments := []string{"subject", "--config=" + file}
	for _, name := range []string{"empty", "copy", "pages", "changed", "const", "default"} {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		subject.urls[name] = "http://" + address + "/metrics"
		arguments = append(arguments, "--"+name+"="+address)
	}
	if subject.process, err = start(program, arguments...); err != nil {
		return nil, err
	}
	err = subject.waitFor("ready", time.Minute, func() bool {
		for _, url := range subject.urls {
			if get(url) != nil {
				return false
			}
		}
		page := newScraper(subject.urls["pages"])
		defer page.close()
		body, err := page.scrape()
		up, _ := value(body, "icws_up{")
		return err == nil && up == 1
	})
	if err != nil {
		subject.stop()
		return nil, err
	}
	return subject, nil
}

// measurePages shows budget 4: the complete page of one server beside an empty
// handler and beside const collectors, all in one process.
func measurePages(b *bench) error {
	s, err := b.open(siteOptions{servers: 1, statuses: 50, settings: quiet})
	if err != nil {
		return err
	}
	defer s.close()
	subject, err := b.startSubject(s)
	if err != nil {
		return err
	}
	defer subject.stop()
	var contestants []contestant
	page := func(name, url string, n int, header ...string) {
		contestants = append(contestants, scraped(name, subject.process, newScraper(subject.urls[url], header...), n))
	}
	page("an empty handler", "empty", 4000)
	page("the same bytes, made before", "copy", 4000)
	page("page, nothing changed, plain", "pages", 4000)
	page("page, nothing changed, gzip", "pages", 4000, "Accept-Encoding", "gzip")
	page("page, a few values changed, plain", "changed", 4000)
	page("page, a few values changed, gzip", "changed", 4000, "Accept-Encoding", "gzip")
	page("const collectors and promhttp, plain", "const", 300)
	page("const collectors and promhttp, gzip", "const", 300, "Accept-Encoding", "gzip")
	r, err := contest(b.Rounds, contestants...)
	if err != nil {
		return err
	}
	for i, c := range contestants {
		b.add(4, c.name+", CPU", micros(r.of(i)), none, "µs")
	}
	const empty, constPlain = 0, 6
	limits := map[int]float64{2: 1.8, 3: 1.8, 4: 3.5, 5: 3.5}
	for i := 2; i <= 5; i++ {
		b.add(4, contestants[i].name+", in an empty handler's", r.ratio(i, empty), limits[i], "×")
		b.add(4, contestants[i].name+", in const collectors'", r.ratio(i, constPlain+i%2), 1./8, "×")
	}
	return b.loneScrapes(subject)
}

// loneScrapes measures scrapes as a real Prometheus makes them: one now and then, with
// gzip, that finds the metrics of the process too old; beside them the default
// registry of client_golang, which has those alone. It also counts the series.
func (b *bench) loneScrapes(subject *subject) error {
	lone := func(name, url string) contestant {
		s := newScraper(subject.urls[url], "Accept-Encoding", "gzip")
		return contestant{name, func(n int) (time.Duration, error) {
			time.Sleep(1100 * time.Millisecond)
			return subject.during(func() error { return s.times(n) })
		}, 1}
	}
	contestants := []contestant{
		lone("an empty handler", "empty"), lone("the complete page with go_* and process_*", "changed"),
		lone("client_golang's default registry, go_* and process_* alone", "default"),
	}
	// A round has one scrape of each, so that there have to be more.
	r, err := contest(4*b.Rounds, contestants...)
	if err != nil {
		return err
	}
	for i, c := range contestants {
		b.add(4, "one scrape a second, gzip, cold: "+c.name+", CPU", micros(r.of(i)), none, "µs")
	}
	b.add(4, "one scrape a second, gzip, cold: the complete page in the default registry's", r.ratio(1, 2), 0.5, "×")
	return b.countSeries(subject)
}

func (b *bench) countSeries(subject *subject) error {
	s := newScraper(subject.urls["pages"])
	defer s.close()
	page, err := s.scrape()
	if err != nil {
		return err
	}
	series := 0
	for line := range bytes.Lines(page) {
		if !bytes.HasPrefix(line, []byte("#")) {
			series++
		}
	}
	b.add(4, "lines with samples on the page", float64(series), none, "")
	return nil
}
