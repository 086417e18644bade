package probe

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// oneSession is the promise P2 from the servers' side: no server ever holds more than
// one session of ours, unless the answers of unseen log-ons were lost.
func (r *rig) oneSession(unseen int) {
	r.t.Helper()
	for host, sim := range r.sims {
		if n := len(sim.Sessions()); n > 1+unseen {
			r.t.Fatalf("%d sessions on %s\n%s", n, host, r.logs)
		}
	}
}

// passWatched lets time pass and looks at the promise every half second.
func (r *rig) passWatched(d time.Duration) {
	r.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		r.pass(500 * time.Millisecond)
		r.oneSession(0)
	}
}

// ends ends the probe and the process, and wants no session left.
func (r *rig) ends() {
	r.t.Helper()
	start := time.Now()
	r.stop()
	r.ledger.Close(CloseLimit)
	if took := time.Since(start); took > leaveTimeout+CloseLimit {
		r.t.Errorf("the end took %s", took)
	}
	for host, sim := range r.sims {
		if n := len(sim.Sessions()); n != 0 {
			r.t.Errorf("%d sessions left on %s\n%s", n, host, r.logs)
		}
	}
}

// reload ends the probe and starts another one, as a changed configuration does.
func (r *rig) reload() {
	r.cancel(ErrReload)
	<-r.done
	r.start()
}

// A spell of 500 in which the DELETE fails too left a session for each loss.
func TestASpellOfErrorsLeavesNoSession(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		for range 3 {
			r.passWatched(2 * time.Minute)
			r.state(StateLive)
			sim.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			owed := false
			for range 180 {
				r.passWatched(time.Second)
				owed = owed || r.probe.Snapshot().SessionsOwed == 1
			}
			if !owed {
				t.Errorf("no snapshot shows what is owed\n%s", r.logs)
			}
			sim.Clear()
		}
		r.passWatched(3 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
		if n := r.probe.Snapshot().SessionsOwed; n != 0 {
			t.Errorf("%d sessions are owed when all is well", n)
		}
		r.count("abandoned", 0)
		r.ends()
	})
}

// A log-on is under way when the process ends or a reload comes.
func TestALogOnUnderWayLeavesNoSession(t *testing.T) {
	for _, delay := range []time.Duration{4 * time.Second, 8 * time.Second} {
		for what, act := range map[string]func(*rig){"end": (*rig).ends, "reload": (*rig).reload} {
			t.Run(what+" at "+delay.String(), func(t *testing.T) {
				eachTransport(t, func(t *testing.T, mode TransportMode) {
					r := newRig(t, testConfig(mode, "a"))
					sim := r.serve("a", icwssim.Options{})
					sim.Inject(icwssim.Fault{Operation: "connect", Delay: delay, ServeAnyway: true})
					r.start()
					r.passWatched(time.Second)
					act(r)
					if what == "end" {
						r.pass(time.Minute)
						r.oneSession(-1)
						return
					}
					r.passWatched(time.Minute)
					r.state(StateLive)
					if n := sim.LogOns()["svc-prom"]; n != 2 {
						t.Errorf("%d log-ons, want that of each probe", n)
					}
					r.ends()
				})
			})
		}
	}
}

// A reload that changes a server whose DELETE takes its time.
func TestAReloadWaitsForASlowDelete(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.passWatched(time.Minute)
		sim.Inject(icwssim.Fault{Operation: "disconnect", Delay: 5 * time.Second, ServeAnyway: true})
		r.reload()
		r.passWatched(time.Minute)
		r.state(StateLive)
		r.ends()
	})
}

// Renames while the server ends no session: the new names wait for the old ones.
func TestRenamesMakeNoSecondSession(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.passWatched(time.Minute)
		sim.Inject(icwssim.Fault{Operation: "disconnect", Code: http.StatusInternalServerError})
		for _, name := range []string{"b", "c", "d", "e", "f"} {
			r.cfg.Name = name
			r.reload()
			r.passWatched(30 * time.Second)
			if n := r.probe.Snapshot().SessionsOwed; n != 1 {
				t.Errorf("%d sessions are owed, want 1", n)
			}
		}
		if reason := r.probe.Snapshot().Reason; !strings.Contains(reason, "no second one is made") {
			t.Errorf("the reason does not say why nothing happens: %s", reason)
		}
		sim.Clear()
		r.passWatched(2 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.ends()
	})
}

// A server that never ends a session is watched all the same: by the time that the
// next one is made, the one before has expired.
func TestAServerThatEndsNoSessionIsWatched(t *testing.T) {
	for _, code := range []int{400, 403, 405, 410, 429, 500, 501, 302} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, sim := startRig(t, ModeSSE, icwssim.Options{})
				r.passWatched(time.Minute)
				sim.Inject(icwssim.Fault{Operation: "disconnect", Code: code})
				r.reload()
				r.passWatched(owedPatience - time.Second)
				r.count("state auth_hold", 0)
				r.count("state gone_hold", 0)
				r.passWatched(2 * time.Minute)
				r.state(StateLive)
				sim.Clear()
				r.passWatched(2 * time.Minute)
				r.ends()
			})
		})
	}
}

// hung is a server that is busy with something else until it goes on, and then works
// off what has queued up, also what nobody waits for any more.
func TestAHungServerGetsOneLogOn(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Hang: true})
		r.start()
		r.passWatched(90 * time.Second)
		r.state(StateBackoff)
		if reason := r.probe.Snapshot().Reason; !strings.Contains(reason, "awaited") {
			t.Errorf("reason %q", reason)
		}
		sim.Clear()
		r.passWatched(time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
		if n := sim.LogOns()["svc-prom"]; n != 1 {
			t.Errorf("%d log-ons, want one\n%s", n, r.logs)
		}
		r.count("opens", 2) // of which the first failed, and the second is its late session
		r.ends()
	})
}

// The same in the middle of a session, which is lost then.
func TestAServerThatHangsAfterASessionGetsOneLogOn(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.passWatched(time.Minute)
		sim.Inject(icwssim.Fault{Hang: true})
		r.passWatched(90 * time.Second)
		sim.Clear()
		r.passWatched(2 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
		if n := sim.LogOns()["svc-prom"]; n > 2 {
			t.Errorf("%d log-ons\n%s", n, r.logs)
		}
		r.ends()
	})
}

// A network that takes packets and delivers them minutes later.
func TestANetworkThatHoldsPacketsDeliversOneLogOn(t *testing.T) {
	for _, when := range []string{"at the start", "in a session", "in the log-on"} {
		t.Run(when, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				r := newRig(t, testConfig(mode, "a"))
				sim := r.serve("a", icwssim.Options{})
				switch when {
				case "at the start":
					r.net.Hold("a:8018")
				case "in the log-on":
					sim.Inject(icwssim.Fault{Operation: "connect", Delay: time.Second, ServeAnyway: true, Count: 1})
				}
				r.start()
				if when == "in the log-on" {
					r.pass(500 * time.Millisecond)
					r.net.Hold("a:8018")
				}
				if when == "in a session" {
					r.passWatched(time.Minute)
					r.net.Hold("a:8018")
				}
				r.passWatched(240 * time.Second)
				r.net.Release("a:8018")
				r.passWatched(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
				r.ends()
			})
		})
	}
}

// While the first host does not answer a log-on, the second one is tried. What comes
// of the first one late is ended.
func TestALateSessionBesideAnotherIsEnded(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a", "b"))
		a, b := r.serve("a", icwssim.Options{}), r.serve("b", icwssim.Options{})
		a.Inject(icwssim.Fault{Operation: "connect", Hang: true})
		r.start()
		r.passWatched(2 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(b)
		a.Clear()
		r.pass(time.Second)
		if n := len(a.Sessions()); n != 0 {
			t.Errorf("%d sessions stay on the first host", n)
		}
		r.passWatched(time.Minute)
		r.state(StateLive)
		r.count("opens", 1)
		r.ends()
	})
}

// A log-on that was lost on the way does not keep us away for long: the look at the
// host, which needs no session, shows that the server is there.
func TestALostLogOnIsGivenUpWhenTheServerAnswersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "connect", Delay: 24 * time.Hour, Count: 1})
		r.start()
		r.passWatched(lostAfter*r.cfg.RequestTimeout - time.Second)
		r.state(StateBackoff)
		r.passWatched(2 * time.Minute)
		r.state(StateLive)
		r.ends()
	})
}

// What cannot be ended is bounded in number and time, counted, and told once when the
// process ends.
func TestWhatIsOwedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &logLines{}
		refuses := roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodDelete {
				return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
			}
			return &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody, Header: http.Header{
				"Inin-Icws-Session-Id": {"4711"}, "Inin-Icws-Csrf-Token": {"token"},
			}}, nil
		})
		ledger, seen := NewLedger(textLog(logs)), &recorder{}
		a, by := ServerUser{"a:8018", "demo"}, reporter{"test", seen, textLog(logs)}
		for range maxOwed + 2 {
			ledger.owe(a, by, sessionOver(t, refuses))
		}
		if n := ledger.owedBy("test", nil); n != maxOwed {
			t.Errorf("%d sessions are owed, want %d at most", n, maxOwed)
		}
		if n := seen.get("abandoned"); n != 2 {
			t.Errorf("%d sessions are abandoned, want the two that are too many", n)
		}
		time.Sleep(owedTime + maxPause)
		synctest.Wait()
		if n := ledger.owedBy("test", nil); n != 0 || seen.get("abandoned") != maxOwed+2 {
			t.Errorf("after %s %d sessions are owed, %d are abandoned", owedTime, n, seen.get("abandoned"))
		}
		ledger.owe(a, by, sessionOver(t, refuses))
		ledger.Close(CloseLimit)
		if n := logs.count("before the process ended"); n != 1 || !strings.Contains(logs.String(), "sessions_not_ended=1 log_ons_not_answered=0 servers=1 first=a:8018") {
			t.Errorf("the end is told %d times:\n%s", n, logs)
		}
		if text := logs.String(); strings.Contains(text, "4711") || strings.Contains(text, "demo") {
			t.Errorf("the log names the session or the user:\n%s", text)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func sessionOver(t *testing.T, rt http.RoundTripper) *icws.Session {
	t.Helper()
	base, err := icws.ExpandURL("http://{host}:8018", "a")
	if err != nil {
		t.Fatal(err)
	}
	s, err := icws.NewClient(base, rt, icws.Options{}).LogOn(t.Context(), icws.Credentials{User: "demo"}, t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A server whose connection feature is older than 3 does not say that another log-on
// displaced ours: whoever fights for the user loses it twice at most.
func TestASilentDisplacementIsNotFought(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{ConnectionVersion: 2})
		r.start()
		for range 150 {
			r.pass(time.Second)
			if len(sim.Sessions()) > 0 {
				sim.EndSessions(false) // somebody else logs on, each time
			}
		}
		r.state(StateDisplacedHold)
		r.count("opens", 2)
		r.count("lost displaced", 1)
		r.count("lost switchover", 0)
		r.count("closed switchover", 0)
	})
}

// Where a request is answered 401 before the message of the end is fetched, that is
// such an end as well; two 401 alone are not.
func TestASilentDisplacementMayBeA401(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{ConnectionVersion: 2})
		r.start()
		for range 2 {
			r.pass(2 * time.Minute)
			sim.ExpireSessions()
			r.pass(30 * time.Second)
			r.state(StateLive)
		}
		r.pass(2 * time.Minute)
		sim.EndSessions(false)
		r.pass(30 * time.Second)
		r.state(StateDisplacedHold)
	})
}

// One such end now and then is a restart: there is a new session at once.
func TestASilentEndNowAndThenIsReconnected(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{ConnectionVersion: 2})
		r.start()
		for range 3 {
			r.pass(displacedWithin + time.Minute)
			sim.EndSessions(true)
			r.pass(10 * time.Second)
			r.state(StateLive)
		}
	})
}

// An alias that moves while the old server answers log-ons 503 on a kept connection is
// found by the next round: every round looks the name up again and connects anew.
func TestAnAliasThatMovedIsFoundByTheNextRound(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		before, after := r.serve("old", icwssim.Options{}), r.serve("new", icwssim.Options{Statuses: icwssim.Catalogue(31, 9)})
		r.net.Alias("a:8018", "old:8018")
		r.start()
		r.pass(2 * time.Minute)
		r.equalsTruth(before)
		before.SetNotAccepting(true)
		before.ExpireSessions()
		r.pass(75 * time.Second)
		if r.probe.Snapshot().Up(time.Now()) {
			t.Error("a server that takes no log-ons is up")
		}
		next := r.probe.Snapshot().NextAttempt
		r.net.Alias("a:8018", "new:8018")
		r.pass(time.Until(next) + time.Second)
		r.state(StateLive)
		r.equalsTruth(after)
	})
}

// The look at a host connects anew as well: what it sees is where the name leads now.
func TestTheLookAtAHostFollowsAnAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModePoll, "a"))
		before := r.serve("old", icwssim.Options{})
		r.net.Alias("a:8018", "old:8018")
		r.start()
		r.pass(2 * time.Minute)
		looks := func(sim *icwssim.Server) int { return sim.Counts().Of(icwssim.OpVersion) }
		seen := looks(before)
		after := r.serve("new", icwssim.Options{})
		r.net.Alias("a:8018", "new:8018")
		r.pass(2 * hostLookInterval)
		if looks(before) != seen || looks(after) == 0 {
			t.Errorf("%d looks at where the name led before, %d at where it leads", looks(before)-seen, looks(after))
		}
		r.state(StateLive) // the session stays where it is
		r.equalsTruth(before)
	})
}
