package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

// measureCatalogue shows budgets 8 and 9: applying one changed status at any number
// of them, and reading a whole list beside encoding/json.
func measureCatalogue(b *bench) error {
	if err := measureDelta(b); err != nil {
		return err
	}
	if err := measureEvents(b); err != nil {
		return err
	}
	return measureList(b)
}

// rawStatus is the i-th status as a decoder hands it over.
func rawStatus(i int) catalogue.Status {
	return catalogue.Status{
		ID:       fmt.Appendf(nil, "Status %d", i),
		Text:     fmt.Appendf(nil, "Status message %d", i),
		Icon:     []byte("/icws/resources/status/available.png"),
		Group:    fmt.Appendf(nil, "Group %d", i%12),
		SystemID: fmt.Appendf(nil, "%d", i),
		Flags:    catalogue.Flags(i % 512),
	}
}

// filled is a catalogue of n statuses.
func filled(n int) *catalogue.Catalogue {
	c := catalogue.New(catalogue.Limits{})
	c.Stage().Begin()
	for i := range n {
		c.Stage().Add(rawStatus(i))
	}
	c.CommitFull(time.Now())
	return c
}

// flipping has one status after the other change a flag, each in a delta of its own.
// They are spread over the catalogue, or always the same.
func flipping(c *catalogue.Catalogue, n int, spread bool) func() {
	statuses := make([]catalogue.Status, min(n, 1000))
	for i := range statuses {
		statuses[i] = rawStatus(i * (n / len(statuses)))
	}
	if !spread {
		statuses = statuses[:1]
	}
	at, now := 0, time.Now()
	return func() {
		st := &statuses[at]
		at = (at + 1) % len(statuses)
		st.Flags ^= 1 << catalogue.IsAcdStatus
		c.Stage().Begin()
		c.Stage().Change(*st)
		c.CommitDelta(now)
	}
}

// working is a contestant that works in this process.
func working(name string, n int, do func()) contestant {
	return contestant{name, func(n int) (time.Duration, error) {
		return self.during(func() error {
			for range n {
				do()
			}
			return nil
		})
	}, n}
}

func measureDelta(b *bench) error {
	sizes := []float64{50, 1000, 10_000, 100_000}
	var contestants []contestant
	for _, spread := range []bool{false, true} {
		for _, n := range sizes {
			do := flipping(filled(int(n)), int(n), spread)
			contestants = append(contestants, working(fmt.Sprint(n), 100_000, do))
		}
	}
	r, err := contest(b.Rounds, contestants...)
	if err != nil {
		return err
	}
	last, spread := len(sizes)-1, len(sizes)
	b.add(8, "apply one changed status, N=50, CPU", micros(r.of(0))*1000, 400, "ns")
	b.add(8, "apply one changed status, N=100,000, CPU", micros(r.of(last))*1000, 400, "ns")
	b.add(8, "N=100,000 in N=50", r.ratio(last, 0), 1.5, "×")
	b.add(8, "a thousand spread statuses in turn, beyond the caches, N=100,000, CPU", micros(r.of(spread+last))*1000, 400, "ns")
	allocations, _ := garbage(flipping(filled(1000), 1000, true))
	b.add(8, "allocations per changed status, ASCII ids", allocations, 0, "")
	var figures []float64
	for i := range sizes {
		figures = append(figures, micros(r.of(i))*1000)
	}
	b.grows("CPU of applying one changed status by statuses", "ns", sizes, figures)
	return nil
}

// listening answers a log-on by a simulated server and the list from memory.
type listening struct {
	server *icwssim.Server
	list   []byte
}

// RoundTrip implements http.RoundTripper.
func (l listening) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/status/status-messages") {
		return &http.Response{
			StatusCode: http.StatusOK, Request: r, Header: http.Header{},
			Body: io.NopCloser(bytes.NewReader(l.list)), ContentLength: int64(len(l.list)),
		}, nil
	}
	recorder := httptest.NewRecorder()
	r = r.Clone(r.Context())
	for name, values := range maps.Clone(r.Header) {
		r.Header[http.CanonicalHeaderKey(name)] = values // as it arrives over a wire
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	l.server.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// listReader reads a list into a catalogue of its own, in one of two ways.
type listReader struct {
	catalogue *catalogue.Catalogue
	read      func() error
}

// listReaders read the same list of n, as the exporter does and with encoding/json.
func listReaders(n int) (ours, reference *listReader, err error) {
	list := document(n)
	server := icwssim.New(icwssim.Options{User: user, Password: password})
	defer server.Close()
	base := &url.URL{Scheme: "http", Host: "sim.example.com"}
	client := icws.NewClient(base, listening{server, list}, icws.Options{ApplicationName: "bench"})
	ctx := context.Background()
	session, err := client.LogOn(ctx, icws.Credentials{User: user, Password: secret.New(password)}, ctx, func() {})
	if err != nil {
		return nil, nil, err
	}
	ours = &listReader{catalogue: catalogue.New(catalogue.Limits{})}
	reader := probe.NewStatusReader(ours.catalogue)
	ours.read = func() error {
		err := session.List(context.Background(), reader)
		ours.catalogue.CommitFull(time.Now())
		return err
	}
	reference = &listReader{catalogue: catalogue.New(catalogue.Limits{})}
	reference.read = func() error { return readByReflection(list, reference.catalogue) }
	return ours, reference, nil
}

func measureList(b *bench) error {
	const n = 10_000
	ours, reference, err := listReaders(n)
	if err != nil {
		return err
	}
	var failed error
	reading := func(name string, r *listReader) contestant {
		return working(name, 5, func() { failed = errors.Join(failed, r.read()) })
	}
	r, err := contest(b.Rounds, reading("ours", ours), reading("encoding/json", reference))
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	if ours.catalogue.Len() != n || ours.catalogue.Hash() != reference.catalogue.Hash() {
		return fmt.Errorf("the two ways differ: %d and %d statuses", ours.catalogue.Len(), reference.catalogue.Len())
	}
	allocations, _ := garbage(func() { _ = ours.read() })
	b.add(9, "list of 10,000 that changes nothing, decode and apply, CPU", millis(r.of(0)), none, "ms")
	b.add(9, "the same with encoding/json, CPU", millis(r.of(1)), none, "ms")
	b.add(9, "ours in encoding/json's", r.ratio(0, 1), 1/2.5, "×")
	b.add(9, "allocations for such a list", allocations, 100, "")
	b.add(10, "live heap per status, N=10,000", heapPerStatus(n), 300, "B")
	return nil
}

// readByReflection reads the list with encoding/json into structs, those of the
// simulator.
func readByReflection(list []byte, into *catalogue.Catalogue) error {
	var answer struct {
		Statuses []icwssim.Status `json:"statusMessageList"`
	}
	if err := json.Unmarshal(list, &answer); err != nil {
		return err
	}
	into.Stage().Begin()
	for _, st := range answer.Statuses {
		var flags catalogue.Flags
		for flag, set := range []bool{
			st.CanHaveDate, st.CanHaveTime, st.IsDoNotDisturbStatus, st.IsSelectableStatus, st.IsPersistentStatus,
			st.IsForwardStatus, st.IsAfterCallWorkStatus, st.IsAcdStatus, st.IsAllowFollowUpStatus,
		} {
			flags = flags.With(catalogue.Flag(flag), set)
		}
		into.Stage().Add(catalogue.Status{
			ID: []byte(st.ID), Text: []byte(st.Text), Icon: []byte(st.Icon),
			Group: []byte(st.Group), SystemID: []byte(st.SystemID), Flags: flags,
		})
	}
	into.CommitFull(time.Now())
	return nil
}

// heapPerStatus is what a catalogue of n keeps on the heap per status.
func heapPerStatus(n int) float64 {
	before := liveHeap()
	c := filled(n)
	c.CommitDelta(time.Now())
	after := liveHeap()
	runtime.KeepAlive(c)
	return (after - before) / float64(n)
}

func liveHeap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
