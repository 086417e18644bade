package collect

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"icws_exporter/probe/icws"
)

func TestCompressedIsTheSamePage(t *testing.T) {
	s := scenarios["live"]()
	for _, format := range []Format{Text, OpenMetrics} {
		for range 2 { // new, then unchanged
			s.Render(format, true, func(body []byte) {
				if got, want := unzip(t, body), exposition(t, s, format); got != want {
					t.Errorf("the compressed page of %d bytes differs from the plain one of %d", len(got), len(want))
				}
			})
		}
	}
}

// unzip reads one gzip stream and nothing after it: some clients stop at the end
// of the first.
func unzip(t testing.TB, body []byte) string {
	t.Helper()
	in := bytes.NewReader(body)
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	page, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() > 0 {
		t.Errorf("%d bytes after the gzip stream", in.Len())
	}
	return string(page)
}

func TestUnchangedPageIsCompressedOnce(t *testing.T) {
	s := scenarios["live"]()
	s.Add("chicago", "us")
	render := func() (body []byte) {
		s.Render(Text, true, func(b []byte) { body = b })
		return body
	}
	first := render()
	mark := len(first) / 2
	first[mark] ^= 0xff // what is compressed anew has it no more
	if marked := first[mark]; render()[mark] != marked {
		t.Error("an unchanged page was compressed again")
	}
	s = scenarios["live"]()
	m := s.Add("chicago", "us")
	m.Read(1)
	if page := unzip(t, render()); !strings.Contains(page, `icws_received_bytes_total{server="chicago"} 124457`) {
		t.Error("the compressed page lacks the change")
	}
}

// Whoever still sends a page must not see it change under him.
func TestBodyStaysWhileInUse(t *testing.T) {
	s := newTestSet(Options{})
	m := s.Add("chicago", "")
	for _, compress := range []bool{false, true} {
		s.Render(Text, compress, func(body []byte) {
			before := bytes.Clone(body)
			for range 3 {
				m.Read(7)
				s.Render(Text, compress, func(newer []byte) {
					if bytes.Equal(newer, before) {
						t.Error("the newer page lacks the change")
					}
				})
			}
			if !bytes.Equal(body, before) {
				t.Error("a page changed while it was in use")
			}
		})
	}
}

// Scrapes of all kinds, events, and servers that come and go: run with -race.
// Every page must be whole and its counters must never go back.
func TestConcurrentScrapes(t *testing.T) {
	s := newTestSet(Options{ExporterMetrics: true, StatusSeries: true, Now: time.Now})
	m := s.Add("chicago", "us")
	var events, scrapers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		events.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				busy(m)
				s.Add(fmt.Sprint("server", i%3), "").Exchange(icws.Exchange{Code: 200})
				s.Remove(fmt.Sprint("server", i%5))
				m.Watch(&published{snapshot: live()})
			}
		})
	}
	for i := range 4 {
		scrapers.Go(func() {
			last := ""
			for range 25 {
				s.Render(Format(i%2), i >= 2, func(body []byte) {
					page := string(body)
					if i >= 2 {
						page = unzip(t, body)
					}
					last = checkGrowth(t, page, last)
				})
				if _, err := s.Gatherer().Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	scrapers.Wait()
	close(stop)
	events.Wait()
}

// checkGrowth returns the line of one counter of page and compares it with the
// former one: by length first, since it is a whole number below a million.
func checkGrowth(t *testing.T, page, last string) string {
	t.Helper()
	const counter = `icws_session_opens_total{server="chicago"} `
	_, rest, found := strings.Cut(page, "\n"+counter)
	if !found {
		t.Error("the page lacks a series")
		return last
	}
	v, _, _ := strings.Cut(rest, "\n")
	var now, before float64
	if _, err := fmt.Sscan(v, &now); err != nil {
		t.Errorf("value %q: %v", v, err)
	}
	if last != "" {
		_, _ = fmt.Sscan(last, &before)
	}
	if now < before {
		t.Errorf("the counter went back from %s to %s", last, v)
	}
	return v
}
