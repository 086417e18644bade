package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

// measureEvents measures what an event costs a whole probe, from its bytes in memory
// to the snapshot: decode, apply and publish, without a socket.
func measureEvents(b *bench) error {
	const events = 20_000
	var spent []time.Duration
	for range b.Rounds {
		cpu, err := probing(10_000, events)
		if err != nil {
			return err
		}
		spent = append(spent, cpu/events)
	}
	b.add(8, "decode, apply and publish one changed status, N=10,000, CPU", micros(median(spent)), 20, "µs")
	return nil
}

// probing has a probe of n statuses take events from memory, and returns the CPU
// time of all.
func probing(n, events int) (time.Duration, error) {
	server := icwssim.New(icwssim.Options{User: user, Password: password, Statuses: icwssim.Catalogue(n, 1)})
	defer server.Close()
	watched, err := config.Parse("bench", []byte(fmt.Sprintf(
		"servers: [{name: sim, url: http://sim.example.com, user: %s, password_env: %s, transport: sse, check_interval: 1h, resubscribe_interval: 0s}]",
		user, passwordVariable)), "")
	if err != nil {
		return 0, err
	}
	limits := watched.Limits()
	metrics := &counting{ServerMetrics: collect.New(collect.Options{}).Add("sim", ""), done: make(chan struct{}), want: int64(events)}
	stream := newStreamBody(n, events)
	p, err := probe.New(watched.Servers()[0].Probe(limits), probe.Options{
		NewTransport: func() http.RoundTripper { return streaming{listening{server: server}, stream} }, Observer: metrics,
	})
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { p.Run(ctx) })
	for deadline := time.Now().Add(30 * time.Second); !p.Snapshot().Feeds[probe.StatusMessages].Up; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("the probe is not up: %s", p.Snapshot().Reason)
		}
	}
	return self.during(func() error {
		close(stream.start)
		select {
		case <-metrics.done:
			return nil
		case <-time.After(time.Minute):
			return fmt.Errorf("%d of %d events were applied", metrics.seen.Load(), events)
		}
	})
}

// counting tells when so many events were applied.
type counting struct {
	*collect.ServerMetrics
	seen atomic.Int64
	want int64
	done chan struct{}
}

// CatalogueCommitted counts the deltas: each of ours changes one status.
func (c *counting) CatalogueCommitted(r catalogue.Result) {
	c.ServerMetrics.CatalogueCommitted(r)
	if r.Total() == 1 && c.seen.Add(1) == c.want {
		close(c.done)
	}
}

// streaming answers a request for the stream from memory.
type streaming struct {
	listening
	body *streamBody
}

// RoundTrip implements http.RoundTripper.
func (s streaming) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Accept") == "text/event-stream" {
		return &http.Response{
			StatusCode: http.StatusOK, Request: r, Body: s.body, Header: http.Header{"Content-Type": {"text/event-stream"}},
		}, nil
	}
	answer, err := s.listening.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, "/subscriptions/status/status-messages") {
		s.body.subscribe()
	}
	return answer, err
}

// streamBody is a stream that has a full message, and from start on so many deltas.
type streamBody struct {
	full, deltas      io.Reader
	subscribed, start chan struct{}
	closed            chan struct{}
	subscribe, end    func()
}

func newStreamBody(n, events int) *streamBody {
	statuses := icwssim.Catalogue(n, 1)
	full, flips := event(false, "Added", statuses...), bytes.Buffer{}
	for i := range events {
		status := &statuses[i%min(n, 1000)]
		status.IsAcdStatus = !status.IsAcdStatus
		flips.WriteString(event(true, "Changed", *status))
	}
	b := &streamBody{
		full: strings.NewReader(full), deltas: &flips,
		subscribed: make(chan struct{}), start: make(chan struct{}), closed: make(chan struct{}),
	}
	b.subscribe = sync.OnceFunc(func() { close(b.subscribed) })
	b.end = sync.OnceFunc(func() { close(b.closed) })
	return b
}

func event(isDelta bool, list string, statuses ...icwssim.Status) string {
	text, err := json.Marshal(map[string]any{
		"__type": "urn:inin.com:status:statusMessagesMessage", "isDelta": isDelta, "statusMessages" + list: statuses,
	})
	if err != nil {
		panic(err) // it is made of strings and booleans
	}
	return "data: " + string(text) + "\n\n"
}

// Read implements io.Reader: it waits where a server has nothing to say.
func (b *streamBody) Read(p []byte) (int, error) {
	for _, part := range []struct {
		after chan struct{}
		io.Reader
	}{{b.subscribed, b.full}, {b.start, b.deltas}} {
		select {
		case <-part.after:
		case <-b.closed:
			return 0, io.ErrUnexpectedEOF
		}
		if n, err := part.Read(p); n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
	}
	<-b.closed
	return 0, io.ErrUnexpectedEOF
}

// Close implements io.Closer.
func (b *streamBody) Close() error { b.end(); return nil }
