package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// changingFleet has servers that a test replaces.
type changingFleet struct {
	stubFleet
	now atomic.Pointer[[]exporter.Server]
}

func (f *changingFleet) Servers() []exporter.Server { return *f.now.Load() }

func (f *changingFleet) set(servers ...exporter.Server) { f.now.Store(&servers) }

func handlerOf(fleet Fleet) http.Handler {
	return NewHandler(Options{Fleet: fleet, Metrics: collect.New(collect.Options{}), Reloader: &stubReloader{}})
}

// events reads a stream of updates in memory.
type events struct {
	connection net.Conn
	lines      *bufio.Reader
}

func openEvents(t *testing.T, l *pipeListener, path string) *events {
	t.Helper()
	connection := l.dial()
	go func() { _, _ = io.WriteString(connection, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n") }()
	e := &events{connection, bufio.NewReader(connection)}
	response, err := http.ReadResponse(e.lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s answers %s, %s", path, response.Status, response.Header.Get("Content-Type"))
	}
	e.lines = bufio.NewReader(response.Body)
	return e
}

// next returns the next event: an update, or pinged.
func (e *events) next() (u struct {
	Order     []string
	Fragments map[string]string
}, pinged bool, err error) {
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return u, false, err
		}
		if strings.HasPrefix(line, "event: ping") {
			pinged = true
		}
		if data, ok := strings.CutPrefix(line, "data:"); ok && !pinged {
			return u, false, json.Unmarshal([]byte(data), &u)
		}
		if line == "\n" && pinged {
			return u, true, nil
		}
	}
}

func TestOpenPagesAreToldWhatChangesAndNoMore(t *testing.T) {
	fleet := &changingFleet{}
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		now := time.Now()
		chicago, lab := liveServer(now), liveServer(now)
		chicago.Snapshot.FreshUntil, lab.Snapshot.FreshUntil = now.Add(24*time.Hour), now.Add(24*time.Hour)
		lab.Name = "lab"
		fleet.set(chicago, lab)
		e := openEvents(t, l, "/events")
		defer e.connection.Close()
		first, _, err := e.next()
		if err != nil || strings.Join(first.Order, " ") != "s-chicago s-lab" || len(first.Fragments) != 3 {
			t.Fatalf("at first the page is told %+v, %v", first, err)
		}
		time.Sleep(time.Second)
		failed := *lab.Snapshot
		failed.State, failed.StateSince, failed.Reason = probe.StateBackoff, time.Now(), "the server answered 500"
		fleet.set(chicago, exporter.Server{Name: "lab", Snapshot: &failed})
		changed := time.Now()
		second, _, err := e.next()
		if err != nil || strings.Join(second.Order, " ") != "s-lab s-chicago" || len(second.Fragments) != 2 ||
			!strings.Contains(second.Fragments["s-lab"], "the server answered 500") || !strings.Contains(second.Fragments["summary"], "1 of 2 servers up") {
			t.Errorf("of the failure the page is told %+v, %v", second, err)
		}
		if took := time.Since(changed); took > time.Second {
			t.Errorf("the page is told after %s", took)
		}
		fleet.set(chicago)
		third, _, err := e.next()
		if err != nil || strings.Join(third.Order, " ") != "s-chicago" {
			t.Errorf("of the removal the page is told %+v, %v", third, err)
		}
		for range 100 { // minutes in which nothing changes, beyond every time-out
			if u, pinged, err := e.next(); err != nil || !pinged && u.Fragments["s-chicago"] == "" {
				t.Fatalf("a quiet stream says %+v, %v", u, err)
			}
		}
		if time.Since(now) < 400*time.Second {
			t.Errorf("a hundred events took %s: the stream is not quiet", time.Since(now))
		}
	})
}

// Every screen of a team shows the same page: it is made once for all of them.
func TestOpenPagesShareTheirLooks(t *testing.T) {
	fleet := &countingFleet{}
	fleet.set(liveServer(time.Now()))
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		for range 20 {
			e := openEvents(t, l, "/events")
			go func() {
				defer e.connection.Close()
				var err error
				for err == nil {
					_, _, err = e.next()
				}
			}()
			time.Sleep(15 * time.Millisecond) // nobody opens them in the same moment
		}
		fleet.asked.Store(0)
		time.Sleep(time.Minute)
		if asked, most := fleet.asked.Load(), int64(time.Minute/(200*time.Millisecond))+1; asked > most {
			t.Errorf("twenty open pages look %d times at the servers in a minute, more than %d times", asked, most)
		}
	})
}

// The same for the page of a server, whose list may be long.
func TestOpenPagesOfAServerShareTheirLooks(t *testing.T) {
	fleet := &countingFleet{}
	fleet.set(liveServer(time.Now()))
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		server := liveServer(time.Now())
		server.Snapshot.FreshUntil = time.Now().Add(time.Hour)
		fleet.set(server)
		for range 20 {
			e := openEvents(t, l, "/servers/chicago/events?q=x")
			go func() {
				defer e.connection.Close()
				var err error
				for err == nil {
					_, _, err = e.next()
				}
			}()
			time.Sleep(15 * time.Millisecond)
		}
		fleet.listed.Store(0)
		time.Sleep(time.Minute)
		if listed, most := fleet.listed.Load(), int64(time.Minute/(200*time.Millisecond))+1; listed > most || listed == 0 {
			t.Errorf("twenty open pages ask %d times for the list in a minute, more than %d times", listed, most)
		}
	})
}

// countingFleet counts how often it is looked at.
type countingFleet struct {
	changingFleet
	asked, listed atomic.Int64
}

func (f *countingFleet) Statuses(ctx context.Context, name string) ([]catalogue.Entry, error) {
	f.listed.Add(1)
	return f.changingFleet.Statuses(ctx, name)
}

func (f *countingFleet) Servers() []exporter.Server {
	f.asked.Add(1)
	return f.changingFleet.Servers()
}

func TestTheServerPageIsLive(t *testing.T) {
	fleet := &changingFleet{}
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		fleet.set(eventful(time.Now()))
		e := openEvents(t, l, "/servers/chicago/events?q=nothing")
		defer e.connection.Close()
		first, _, err := e.next()
		if err != nil || len(first.Fragments) != 12 || first.Order != nil {
			t.Fatalf("at first the page is told %d parts, %v", len(first.Fragments), err)
		}
		if !strings.Contains(first.Fragments["statuses"], "No status matches.") {
			t.Error("the stream does not know the search")
		}
		fleet.Servers()[0].History.StateChanged(probe.StateGoneHold, "410")
		second, _, err := e.next()
		if err != nil || len(second.Fragments) != 1 || !strings.Contains(second.Fragments["events"], "gone hold") {
			t.Errorf("then it is told %+v, %v", second, err)
		}
		fleet.set() // a reload removed the server
		for err == nil {
			_, _, err = e.next()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("the stream ends with %v", err)
		}
	})
}

// The end must not wait for pages that somebody left open.
func TestOpenPagesDoNotHoldUpTheEnd(t *testing.T) {
	fleet := &changingFleet{}
	fleet.set(liveServer(time.Now()))
	var stopping time.Time
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		for range 5 {
			e := openEvents(t, l, "/events")
			go func() {
				defer e.connection.Close()
				var err error
				for err == nil {
					_, _, err = e.next()
				}
				if took := time.Since(stopping); took > 0 {
					t.Errorf("a stream ends %s after it should", took)
				}
			}()
		}
		synctest.Wait()
		stopping = time.Now()
	})
}

func TestAReaderThatDoesNotReadIsDropped(t *testing.T) {
	fleet := &changingFleet{}
	fleet.set(liveServer(time.Now()))
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		e := openEvents(t, l, "/events")
		defer e.connection.Close()
		time.Sleep(time.Minute)
		wantHealthy(t, l)
		_, _, err := e.next()
		for err == nil {
			_, _, err = e.next()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("after a minute without reading the stream says %v", err)
		}
	})
}

func wantHealthy(t *testing.T, l *pipeListener) {
	t.Helper()
	if got := request(t, l, "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("the health check gets %.100q", got)
	}
}

func TestOpenPagesAreBounded(t *testing.T) {
	fleet := &changingFleet{}
	fleet.set(liveServer(time.Now()))
	const ask = "GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	inMemory(t, handlerOf(fleet), func(t *testing.T, l *pipeListener) {
		var open []*events
		for range 64 {
			open = append(open, openEvents(t, l, "/events"))
		}
		if got := request(t, l, ask+"\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Retry-After") {
			t.Errorf("one page more gets %.200q", got)
		}
		for _, e := range open {
			e.connection.Close()
		}
		time.Sleep(time.Minute)
		if got := request(t, l, ask+"Sec-Fetch-Site: cross-site\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 403 ") {
			t.Errorf("a page of another site gets %.200q", got)
		}
		again := openEvents(t, l, "/events") // the places are free again
		again.connection.Close()
	})
}
