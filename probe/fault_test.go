package probe

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

func (r *rig) requests() int { return r.seen.total("request ") }

func TestServerErrorsOpenTheBreakerAndHeal(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
		r.start()
		r.pass(3 * time.Minute)
		if n := r.seen.get("breaker open"); n == 0 {
			t.Errorf("three minutes of 500 did not open the breaker\n%s", r.logs)
		}
		if n := r.seen.get("opens"); n > 20 {
			t.Errorf("%d log-ons in three minutes", n)
		}
		sim.Clear()
		r.pass(2 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
		if s := r.probe.Snapshot(); s.Breaker != BreakerClosed {
			t.Errorf("breaker %s when live", s.Breaker)
		}
	})
}

func TestAcceptAndDropDoesNotHammer(t *testing.T) {
	for _, operation := range []string{"subscribe", "poll", "stream"} {
		eachTransport(t, func(t *testing.T, mode TransportMode) {
			r := newRig(t, testConfig(mode, "a"))
			sim := r.serve("a", icwssim.Options{})
			sim.Inject(icwssim.Fault{Operation: operation, Drop: true})
			r.start()
			r.pass(time.Minute)
			before, logOns := r.requests(), r.seen.get("opens")
			r.pass(30 * time.Minute)
			if operation == "poll" && mode == ModeSSE || operation == "stream" && mode == ModePoll {
				r.state(StateLive)
				return
			}
			if n := r.requests() - before; n > 30*12 {
				t.Errorf("%d requests in half an hour", n)
			}
			if n := r.seen.get("opens") - logOns; n > 60 {
				t.Errorf("%d log-ons in half an hour", n)
			}
			if n := len(sim.Sessions()); n > 1 {
				t.Errorf("%d sessions on the server", n)
			}
			sim.Clear()
			r.pass(3 * time.Minute)
			r.state(StateLive)
			r.equalsTruth(sim)
		})
	}
}

func TestGoneSubscriptionIsHeld(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusGone})
		r.start()
		r.pass(14 * time.Minute)
		r.state(StateGoneHold)
		r.count("opens", 1)
		if n := len(sim.Sessions()); n != 0 {
			t.Errorf("%d sessions left on the server during the hold", n)
		}
		sim.Clear()
		r.pass(2 * time.Minute)
		r.state(StateLive)
	})
}

func TestGoneStreamIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeAuto, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "stream", Code: http.StatusGone})
		r.start()
		r.pass(time.Minute)
		r.state(StateLive)
		sim.Step(5)
		r.pass(5 * time.Second)
		r.equalsTruth(sim)
		r.count("opens", 1)
	})
}

func TestDisplacedSessionDoesNotFight(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(100 * time.Second) // no check is due for a while
		sim.EndSessions(false)
		r.pass(14 * time.Minute)
		r.state(StateDisplacedHold)
		r.count("opens", 1)
		r.count("lost displaced", 1)
		r.pass(2 * time.Minute)
		r.state(StateLive)
	})
}

func TestServerThatAsksToReconnectIsReconnected(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(100 * time.Second) // no check is due for a while
		sim.EndSessions(true)
		r.pass(5 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("opens", 2)
		r.count("closed server_closed", 1)
	})
}

func TestFaultedSubscriptionIsMadeAgain(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.SubscriptionState(3)
		r.pass(5 * time.Second)
		r.state(StateLive)
		r.count("lost faulted", 1)
		r.count("resync faulted", 1)
		r.count("opens", 1)
		if s := r.probe.Snapshot(); !s.Feeds[StatusMessages].Up {
			t.Error("the subscription was not made again")
		}
	})
}

func TestSwitchoverToAListedHost(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		a := r.serve("a", icwssim.Options{AlternateHosts: []string{"x/../", "u@evil.example.com", "evil.example.com", "b"}})
		b := r.serve("b", icwssim.Options{AlternateHosts: []string{"a"}, Statuses: icwssim.Catalogue(40, 7)})
		r.start()
		r.pass(2 * time.Minute)
		r.equalsTruth(a)
		a.SetNotAccepting(true)
		a.ExpireSessions()
		r.pass(75 * time.Second)
		r.state(StateLive)
		r.equalsTruth(b)
		r.count("switchovers", 1)
		if n := r.seen.get("rejected"); n < 3 {
			t.Errorf("%d hosts rejected, want the three hostile ones", n)
		}
		for _, h := range r.probe.Snapshot().Hosts {
			if h.Active != (h.Name == "b") {
				t.Errorf("host %s active: %t", h.Name, h.Active)
			}
		}
	})
}

func TestLossOfTheActiveHost(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a", "b"))
		r.serve("a", icwssim.Options{})
		b := r.serve("b", icwssim.Options{})
		r.start()
		r.pass(2 * time.Minute)
		r.kill("a")
		r.pass(time.Minute)
		r.state(StateLive)
		r.equalsTruth(b)
		if n := len(b.Sessions()); n != 1 {
			t.Errorf("%d sessions on the second host", n)
		}
		r.listen("a")
		r.pass(10 * time.Minute)
		if up := r.probe.Snapshot().Hosts[0]; !up.Checked || !up.Up {
			t.Errorf("the first host is back, but shown as %+v", up)
		}
	})
}

func TestStreamThatBreaksIsReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(2 * time.Minute)
		r.net.Cut("a:8018")
		sim.Silently(icwssim.Remove(sim.Truth().Statuses[0].ID))
		r.pass(15 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("opens", 1)
		r.count("lost stream_lost", 1)
		r.count("resync stream_reopened", 1)
		r.count("drift", 0)
	})
}

// A stream that hangs without closing is found by its missing pings.
func TestSilentStreamIsReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModeSSE, "a")
		cfg.CheckInterval, cfg.StaleAfter = time.Hour, 2*time.Hour
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{})
		r.start()
		r.pass(2 * time.Minute)
		sim.Inject(icwssim.Fault{Operation: "stream", Swallow: icwssim.SwallowStream})
		r.net.Cut("a:8018")
		r.pass(10 * time.Second)
		sim.Clear()
		r.pass(2 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

func TestRefusedRequestWaitsTheLongestBackoff(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusForbidden})
		r.start()
		r.pass(50 * time.Second)
		r.state(StateBackoff)
		r.count("request subscribe", 1)
		r.count("breaker open", 0)
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "connect", Code: http.StatusTooManyRequests, RetryAfter: "300"})
		r.start()
		r.pass(290 * time.Second)
		r.count("opens", 1)
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		evil := r.serve("evil", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "connect", Code: http.StatusTemporaryRedirect,
			Headers: map[string]string{"Location": "http://evil:8018/icws/connection"}})
		r.start()
		r.pass(time.Minute)
		r.state(StateBackoff)
		if n := len(evil.Journal()); n != 0 {
			t.Errorf("%d requests went to the redirect's target", n)
		}
		if r.logs.count("evil") == 0 {
			t.Errorf("the log does not name the location's host:\n%s", r.logs)
		}
	})
}
