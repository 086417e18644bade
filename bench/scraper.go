package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// scraper asks for one page again and again, on one connection, as Prometheus does.
type scraper struct {
	request *http.Request
	client  http.Client
	body    bytes.Buffer
}

const acceptOpenMetrics = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"

// newScraper makes a scraper of a page, uncompressed unless header says otherwise.
func newScraper(url string, header ...string) *scraper {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		panic(err) // the URLs are ours
	}
	r.Header.Set("Accept", acceptOpenMetrics)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return &scraper{request: r, client: http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}}
}

// scrape returns the page, which is valid until the next one.
func (s *scraper) scrape() ([]byte, error) {
	answer, err := s.client.Do(s.request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	s.body.Reset()
	if _, err := io.Copy(&s.body, answer.Body); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", s.request.URL, answer.Status, tail(s.body.String()))
	}
	return s.body.Bytes(), nil
}

// times scrapes n times.
func (s *scraper) times(n int) error {
	for range n {
		if _, err := s.scrape(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scraper) close() { s.client.CloseIdleConnections() }

// scraped is a contestant: the CPU time of a process for n scrapes of its page.
func scraped(name string, p *process, s *scraper, n int) contestant {
	return contestant{name, func(n int) (time.Duration, error) {
		return p.during(func() error { return s.times(n) })
	}, n}
}

var (
	errNoSample  = errors.New("no such series")
	errNotWanted = errors.New("not what was waited for")
)

// value returns the value of the series in a page that begins with the text.
func value(page []byte, series string) (float64, error) {
	at := bytes.Index(page, []byte("\n"+series))
	if at < 0 {
		return 0, fmt.Errorf("%s: %w", series, errNoSample)
	}
	line, _, _ := bytes.Cut(page[at+1:], []byte("\n"))
	return strconv.ParseFloat(string(line[bytes.LastIndexByte(line, ' ')+1:]), 64)
}

// eventually scrapes until the page shows what is wanted of the series.
func (s *scraper) eventually(series string, patience time.Duration, wanted func(float64) bool) error {
	for deadline := time.Now().Add(patience); ; {
		page, err := s.scrape()
		if err != nil {
			return err
		}
		v, err := value(page, series)
		if err == nil && wanted(v) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is %v after %s: %w", series, v, patience, errors.Join(err, errNotWanted))
		}
	}
}
