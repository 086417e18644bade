package probe

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// A server that resends nothing and has no list either is renewed, not hammered.
func TestGoneListIsNotAskedAgain(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
		r.pass(90 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "list", Code: http.StatusGone})
		r.pass(5 * time.Minute)
		before := r.seen.get("request subscribe") + r.seen.get("request list")
		r.pass(10 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("response list 410", 1)
		if n := r.seen.get("request subscribe") + r.seen.get("request list") - before; n > 40 {
			t.Errorf("%d requests for ten checks", n)
		}
	})
}

// A server without the list that sends full messages on its own sets no pace: each of
// them would cost it a DELETE, a PUT and the polls for the answer.
func TestFullMessagesDoNotDriveAServerWithoutList(t *testing.T) {
	for _, quirks := range []icwssim.Quirks{{}, {NoResend: true}} {
		eachTransport(t, func(t *testing.T, mode TransportMode) {
			r, sim := startRig(t, mode, icwssim.Options{Quirks: quirks})
			sim.Inject(icwssim.Fault{Operation: "list", Code: http.StatusGone})
			r.pass(5 * time.Minute)
			before := r.seen.get("request subscribe") + r.seen.get("request list")
			sim.Inject(icwssim.Fault{Say: []icwssim.Saying{icwssim.SayFull}, Every: time.Second})
			r.pass(10 * time.Minute)
			r.state(StateLive)
			if n := r.seen.get("request subscribe") + r.seen.get("request list") - before; n > 30 {
				t.Errorf("%d requests for the whole list in ten minutes", n)
			}
			sim.Step(3)
			r.pass(time.Minute)
			r.equalsTruth(sim)
		})
	}
}

func TestGoneUnsubscribeIsNotAskedAgain(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
		sim.Inject(icwssim.Fault{Operation: "unsubscribe", Code: http.StatusGone})
		r.start()
		r.pass(30 * time.Minute)
		r.equalsTruth(sim)
		r.count("opens", 1)
		if n := r.seen.get("response unsubscribe 410"); n > 1 {
			t.Errorf("asked %d times for what is gone", n)
		}
	})
}

func TestSubscriptionThatKeepsFaultingIsNotHurried(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(2 * time.Minute)
		before := r.seen.get("request subscribe")
		for range 3000 {
			sim.SubscriptionState(3)
			r.pass(100 * time.Millisecond)
		}
		if n := r.seen.get("request subscribe") - before; n > 60 {
			t.Errorf("%d PUTs in five minutes of faults", n)
		}
		if r.logs.count("faulted") == 0 {
			t.Errorf("no log line says that it faults:\n%s", r.logs)
		}
		r.pass(2 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

// A list proves no delivery: after a lost stream, a server that does not resend
// has to deliver before it is live again.
func TestLostStreamOfAServerThatDoesNotResend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
		r.pass(3 * time.Minute)
		r.net.Cut("a:8018")
		sim.Step(5)
		r.pass(30 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("opens", 1)
		r.count("drift", 0)
	})
}

// One fault is no reason to stop checking that the server resends.
func TestFaultDoesNotEndDeliveryChecks(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.SubscriptionState(3)
		r.pass(10 * time.Minute)
		n, lists := r.seen.get("check ok"), r.seen.get("request list")
		if n < 8 || lists > n/(maxChecksWithoutList+1) {
			t.Errorf("%d checks in ten minutes, %d of them by the list", n, lists)
		}
	})
}

func TestSuspendedIsShownAcrossChecks(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.SubscriptionState(2)
		r.pass(5 * time.Second)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].State != SubscriptionSuspended {
			t.Fatalf("subscription state %s", s.Feeds[StatusMessages].State)
		}
		r.pass(62 * time.Second)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].State != SubscriptionSuspended {
			t.Errorf("a check made it %s", s.Feeds[StatusMessages].State)
		}
	})
}

// A proxy that holds the stream's headers back is polled, as one that buffers.
func TestHeldBackStreamIsPolled(t *testing.T) {
	for _, fault := range []icwssim.Fault{
		{Operation: "stream", Delay: time.Hour},
		{Operation: "stream", Code: http.StatusMethodNotAllowed},
		{Operation: "stream", Code: http.StatusNotImplemented},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, testConfig(ModeAuto, "a"))
			sim := r.serve("a", icwssim.Options{})
			sim.Inject(fault)
			r.start()
			r.pass(2 * time.Minute)
			r.state(StateLive)
			r.equalsTruth(sim)
			r.count("opens", 1)
		})
	}
}

func TestSlowDeletesStillEndTheSession(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "unsubscribe", Delay: time.Minute})
		r.stop()
		if n := len(sim.Sessions()); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func TestStopDuringALogOnLeavesNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "connect", Delay: 3 * time.Second})
		r.start()
		r.pass(2 * time.Second)
		r.stop()
		r.pass(5 * time.Second)
		if n := len(sim.Sessions()); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		r.count("opens", 1)
	})
}

func TestFailedRenewalIsRetriedSoonAndIsNoDrift(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
		r.pass(30 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "subscribe", Skip: 1, Count: 1, Code: http.StatusInternalServerError})
		for r.seen.get("lost self_inflicted") == 0 {
			sim.Silently()
			r.pass(time.Second)
		}
		sim.Step(7)
		r.pass(10 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("drift", 0)
		r.count("opens", 1)
	})
}

func TestFixedURLGetsOneLogOnPerRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModeSSE, "a")
		cfg.URL = "http://a:8018"
		r := newRig(t, cfg)
		r.serve("a", icwssim.Options{NotAccepting: true, AlternateHosts: []string{"b", "c"}})
		r.start()
		r.pass(500 * time.Millisecond)
		r.count("request connect", 1)
		r.count("rejected", 0)
	})
}

// Two sessions that end within a minute are no proxy that strips the cookie, if
// the second one delivered.
func TestSecondExpiryIsNotAnAuthenticationFailure(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(2 * time.Minute)
		for range 3 {
			sim.ExpireSessions()
			r.pass(20 * time.Second)
		}
		r.pass(30 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

func TestHostIsNotActiveWithoutASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(2 * time.Minute)
		r.kill("a")
		r.pass(time.Minute)
		if h := r.probe.Snapshot().Hosts[0]; h.Active {
			t.Errorf("%+v without a session", h)
		}
	})
}

// The announced next attempt holds, also when the session ends meanwhile.
func TestSessionThatEndsInBackoffIsNotReplacedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(30 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusForbidden})
		for r.probe.Snapshot().State != StateBackoff {
			r.pass(time.Second)
		}
		announced := r.probe.Snapshot().NextAttempt
		opens := r.seen.get("opens")
		sim.Clear()
		sim.EndSessions(true)
		r.pass(time.Until(announced) - time.Second)
		r.count("opens", opens)
		if next := r.probe.Snapshot().NextAttempt; !next.Equal(announced) {
			t.Errorf("the next attempt moved from %s to %s", announced, next)
		}
		r.pass(3 * time.Second)
		r.state(StateLive)
	})
}

// Another failure does not shorten the wait that a Retry-After asked for.
func TestRetryAfterOutlivesAnotherFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(30 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusServiceUnavailable, RetryAfter: "200"})
		for r.probe.Snapshot().State != StateBackoff {
			r.pass(time.Second)
		}
		announced, asked := r.probe.Snapshot().NextAttempt, r.requests()
		r.net.Cut("a:8018")
		r.pass(time.Until(announced) - time.Second)
		if n := r.requests() - asked; n > 0 {
			t.Errorf("%d requests before the announced time\n%s", n, r.logs)
		}
	})
}

// A server that does not answer the leaving is not up meanwhile.
func TestLeavingIsNotUp(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(30 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "unsubscribe", Stall: true, Delay: time.Hour})
		r.cancel(ErrReload)
		r.pass(100 * time.Millisecond)
		if s := r.probe.Snapshot(); s.Up(time.Now()) || s.Feeds[StatusMessages].Up {
			t.Error("it is up")
		}
		r.stop()
	})
}

// What refuses log-ons in front of the server is tried again by schedule: the hold
// grows, and is short again after a calm time.
func TestHoldShrinksAfterCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(2 * time.Minute)
		for range 2 {
			sim.Inject(icwssim.Fault{Operation: "connect", Code: 403})
			sim.ExpireSessions()
			for r.probe.Snapshot().State != StateAuthHold {
				r.pass(time.Second)
			}
			s := r.probe.Snapshot()
			if d := s.NextAttempt.Sub(s.StateSince).Round(time.Second); d != r.cfg.AuthHoldMin {
				t.Errorf("held for %s, want %s", d, r.cfg.AuthHoldMin)
			}
			sim.Clear()
			r.pass(r.cfg.AuthHoldMin + 2*time.Minute)
			r.state(StateLive)
		}
	})
}

// What the server said of the subscription before it was made again is over, also
// when that took several PUTs.
func TestFaultedIsNotShownOnceItDeliversAgain(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(30 * time.Second)
		sim.Inject(icwssim.Fault{Operation: "subscribe", Count: 1, Code: http.StatusInternalServerError})
		sim.SubscriptionState(3)
		r.pass(30 * time.Second)
		r.count("response subscribe 500", 1)
		r.state(StateLive)
		r.equalsTruth(sim)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].State != SubscriptionNone {
			t.Errorf("live with a subscription that is shown as %s", s.Feeds[StatusMessages].State)
		}
	})
}

// A delta is nothing without the full message that it changes.
func TestDeltasBeforeTheFullMessageAreNotApplied(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull})
		r.start()
		r.pass(time.Second)
		for i := range 5 {
			sim.Apply(icwssim.Add(icwssim.Status{ID: fmt.Sprint("new ", i), Group: "New"}))
		}
		r.pass(3 * time.Second)
		if r.seen.get("message delta") == 0 {
			t.Fatal("no delta came, so this test shows nothing")
		}
		if s := r.probe.Snapshot(); s.Entries != 0 || s.Fresh(time.Now()) {
			t.Errorf("%d entries, fresh %t", s.Entries, s.Fresh(time.Now()))
		}
		r.count("added", 0)
		sim.Clear()
		r.pass(time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}
