package exporter_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/icwssim"
)

// A refused password is one log-on (P3): neither an edit of another key nor a new
// name nor another host of the server tries it again.
func TestOneRefusedPasswordIsOneLogOn(t *testing.T) {
	sim := simulate(t, icwssim.Options{Password: "another"})
	f, _ := newFleet(t, exporter.Options{})
	apply(t, f, configuration(t, "attempted", sim.entry("held")))
	held := func() bool { return f.Servers()[0].Snapshot.State == probe.StateAuthHold }
	eventually(t, "the log-on is held", held)
	until := f.Servers()[0].Snapshot.NextAttempt

	for i := range 20 {
		entry := sim.entry("held", fmt.Sprintf("poll_interval: %dms", 1000+i))
		switch i % 4 {
		case 1:
			entry = sim.entry(fmt.Sprint("renamed-", i))
		case 2:
			entry = sim.entry("held", "auth_hold: {min: 1m, max: 2m}")
		case 3:
			entry = sim.entry("held", "user: DEMO") // the server does not tell them apart
		}
		apply(t, f, configuration(t, "attempted", entry))
		eventually(t, "the hold is shown again", held)
		if now := f.Servers()[0].Snapshot.NextAttempt; !now.Equal(until) {
			t.Errorf("edit %d moved the next attempt from %s to %s", i, until, now)
		}
	}
	logOns := 0
	for _, n := range sim.LogOns() {
		logOns += n
	}
	if logOns != 1 {
		t.Errorf("%d log-ons with a refused password, want one", logOns)
	}
}

// Another password, or another user, is another try.
func TestAHoldIsOfOnePassword(t *testing.T) {
	sim := simulate(t, icwssim.Options{Password: "another"})
	f, _ := newFleet(t, exporter.Options{})
	apply(t, f, configuration(t, "attempted", sim.entry("held")))
	eventually(t, "the log-on is held", func() bool { return f.Servers()[0].Snapshot.State == probe.StateAuthHold })
	v := configuration(t, "attempted", sim.entry("held", "language: de"))
	t.Setenv(passwordVariable, "another")
	apply(t, f, v)
	eventually(t, "it is up", allUp(f))
}

// Renames while the server ends no session (P2).
func TestRenamesMakeNoSecondSession(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	f, metrics := newFleet(t, exporter.Options{})
	apply(t, f, configuration(t, "all", sim.entry("first")))
	eventually(t, "it is up", allUp(f))
	sim.Inject(icwssim.Fault{Operation: "disconnect", Code: http.StatusInternalServerError})
	for i := range 5 {
		apply(t, f, configuration(t, "all", sim.entry(fmt.Sprint("name-", i))))
		eventually(t, "the new name says why it waits", func() bool {
			return strings.Contains(f.Servers()[0].Snapshot.Reason, "no second one is made")
		})
		if n := len(sim.Sessions()); n != 1 {
			t.Errorf("%d sessions after %d renames", n, i+1)
		}
	}
	wantLine(t, metrics, `icws_sessions_owed{server="name-4"} 1`)
	sim.Clear()
	eventually(t, "it is up", allUp(f))
	if n := len(sim.Sessions()); n != 1 {
		t.Errorf("%d sessions in the end", n)
	}
	f.Close()
	if left := sessionIDs(sim); len(left) > 0 {
		t.Errorf("left with the sessions %q", left)
	}
}

// The server hangs in the log-on while the process ends, or the server is changed,
// gets another name or is removed, and then it makes the session all the same.
func TestALogOnUnderWayLeavesNoSession(t *testing.T) {
	for what, act := range map[string]func(*testing.T, *exporter.Fleet, simulated){
		"close": func(_ *testing.T, f *exporter.Fleet, _ simulated) { f.Close() },
		"change": func(t *testing.T, f *exporter.Fleet, s simulated) {
			apply(t, f, configuration(t, "all", s.entry("a", "language: de")))
		},
		"rename": func(t *testing.T, f *exporter.Fleet, s simulated) { apply(t, f, configuration(t, "all", s.entry("b"))) },
		"remove": func(t *testing.T, f *exporter.Fleet, s simulated) { apply(t, f, configuration(t, "all")) },
	} {
		t.Run(what, func(t *testing.T) {
			sim := simulate(t, icwssim.Options{})
			sim.Inject(icwssim.Fault{Operation: "connect", Hang: true})
			f, _ := newFleet(t, exporter.Options{})
			apply(t, f, configuration(t, "all", sim.entry("a")))
			eventually(t, "the log-on hangs", func() bool { return sim.Faults()[0].Acted > 0 })
			var acted atomic.Bool
			done := make(chan struct{})
			go func() {
				defer close(done)
				act(t, f, sim)
				acted.Store(true)
			}()
			if what == "close" {
				time.Sleep(50 * time.Millisecond) // it has to wait for the log-on
				if acted.Load() {
					t.Error("the end did not wait for the log-on, so this test shows nothing")
				}
			} else {
				<-done // a reload does not wait for it
			}
			sim.Clear()
			<-done
			if what == "change" || what == "rename" {
				eventually(t, "it is up", allUp(f))
				if n := len(sim.Sessions()); n != 1 {
					t.Errorf("%d sessions", n)
				}
				f.Close()
			}
			eventually(t, "no session is left", func() bool { return len(sim.Sessions()) == 0 })
			if n := sim.LogOns()["demo"]; n > 2 {
				t.Errorf("%d log-ons", n)
			}
		})
	}
}
