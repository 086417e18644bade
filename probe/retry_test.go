package probe

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// One failed request of fifteen made a server look down for more than half of the time.
func TestOneFailedRequestIsNoOutage(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(2 * time.Minute)
		changes := r.seen.total("state ")
		operation := map[TransportMode]string{ModePoll: icwssim.OpPoll, ModeSSE: icwssim.OpSubscribe}[mode]
		failed, up, looks := 0, 0, 0
		for range 20 {
			sim.Inject(icwssim.Fault{Operation: operation, Code: 500, Count: 1})
			failed++
			for range map[TransportMode]int{ModePoll: 30, ModeSSE: 150}[mode] {
				r.pass(time.Second)
				looks++
				if r.probe.Snapshot().Up(time.Now()) {
					up++
				}
			}
			sim.Step(1)
		}
		if n := r.seen.get("response " + operation + " 500"); n < 5 {
			t.Fatalf("only %d requests failed", n)
		}
		if up != looks {
			t.Errorf("up at %d of %d looks, while %d requests failed\n%s", up, looks, failed, r.logs)
		}
		if n := r.seen.total("state ") - changes; n != 0 {
			t.Errorf("%d changes of the state", n)
		}
		r.count("opens", 1)
		r.pass(10 * time.Second)
		r.equalsTruth(sim)
	})
}

// Where only every third poll works, the copy is kept right: the list is read after one that did.
func TestTwoOfThreePollsFailForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModePoll, "a")
		cfg.BreakerFailures = 1000
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{})
		var failing atomic.Bool
		var polls atomic.Int64
		r.servers["a"].Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if failing.Load() && strings.HasSuffix(req.URL.Path, "/messaging/messages") && polls.Add(1)%3 != 0 {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			sim.ServeHTTP(w, req)
		})
		r.start()
		r.pass(time.Minute)
		failing.Store(true)
		for range 30 {
			sim.Step(1)
			r.pass(time.Minute)
			if s := r.probe.Snapshot(); !s.Up(time.Now()) {
				t.Fatalf("it is down after %d polls: %s, %s\n%s", polls.Load(), s.Down, s.Reason, r.logs)
			}
		}
		failing.Store(false)
		r.pass(10 * time.Second)
		r.equalsTruth(sim)
		r.count("opens", 1)
	})
}

// The first failure is tried again at once, the next one within seconds, and the third
// in a row ends the session.
func TestAFailedRequestIsTriedAgainAtOnce(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(2 * time.Minute)
		failing := func() int { return r.seen.get("response subscribe 503") }
		sim.Inject(icwssim.Fault{Operation: "subscribe", Code: 503, Count: 2})
		for failing() == 0 {
			r.pass(100 * time.Millisecond)
		}
		if failing() != 2 {
			t.Errorf("%d tries within a tenth of a second, want 2", failing())
		}
		if s := r.probe.Snapshot(); !s.Up(time.Now()) || s.Reason == "" {
			t.Errorf("up %t, reason %q", s.Up(time.Now()), s.Reason)
		}
		r.pass(3 * time.Second)
		if s := r.probe.Snapshot(); !s.Up(time.Now()) || s.Reason != "" || s.State != StateLive {
			t.Errorf("seconds later up %t in %s, reason %q", s.Up(time.Now()), s.State, s.Reason)
		}
		r.count("opens", 1)
		for _, operation := range []string{"subscribe", "poll", "switchover_status"} { // one that works is no failure in a row
			sim.Inject(icwssim.Fault{Operation: operation, Code: 503})
		}
		for failing()+r.seen.get("response poll 503") < 5 {
			r.pass(100 * time.Millisecond)
		}
		if s := r.probe.Snapshot(); s.Up(time.Now()) || s.Down != DownServerError {
			t.Errorf("three failures in a row: up %t, %q", s.Up(time.Now()), s.Down)
		}
	})
}

// A stream that is replaced by polling is a failure that was tried again at once: the next
// one a moment later has to wait (seed 40000 of the simulation).
func TestAFailureAfterAReplacedStreamIsNotHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeAuto, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: icwssim.OpStream, Code: http.StatusOK, Body: "<html>", ContentType: "text/html"})
		sim.Inject(icwssim.Fault{Operation: icwssim.OpPoll, Code: http.StatusBadGateway, Skip: 2, Count: 1})
		r.start()
		r.pass(time.Minute)
		r.count("response poll 502", 1)
		r.count(hurried, 0)
		r.state(StateLive)
	})
}
