package probe

import (
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// The list stands for a subscription that lags only while that is there: when the
// stream broke, a full message has to come, or a new session. Seeds 405 and 430 of
// the simulation found PUTs every ten seconds for ever.
func TestALaggingSubscriptionIsMadeAgainAfterItsStreamBroke(t *testing.T) {
	for name, quirks := range map[string]icwssim.Quirks{"resends": {}, "does not resend": {NoResend: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, sim := startRig(t, ModeSSE, icwssim.Options{Quirks: quirks})
				r.pass(3 * time.Minute)
				sim.Inject(icwssim.Fault{Late: icwssim.SwallowDeltas, Delay: 90 * time.Second})
				for began := time.Now(); !r.probe.Snapshot().Feeds[StatusMessages].Lagging; r.pass(10 * time.Second) {
					sim.Step(1)
					if time.Since(began) > 20*time.Minute {
						t.Fatalf("the lag was not noticed\n%s", r.logs)
					}
				}
				// No full message comes in time for a while, and then all is well.
				sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull})
				r.net.SilenceStreams("a:8018")
				r.pass(2 * time.Minute)
				sim.Clear()
				r.pass(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
			})
		})
	}
}

// One that delivers nothing any more does not lag: somebody has to hear of it, also
// when it lagged before.
func TestALaggingSubscriptionThatFallsSilentDeliversNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		for began := time.Now(); !r.probe.Snapshot().Feeds[StatusMessages].Lagging; r.pass(time.Second) {
			sim.Step(1)
			if time.Since(began) > 20*time.Minute {
				t.Fatalf("the lag was not noticed\n%s", r.logs)
			}
		}
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages})
		r.pass(10 * r.cfg.CheckInterval)
		if s := r.probe.Snapshot(); s.Up(time.Now()) || s.DownAt(time.Now()) != DownNotDelivering {
			t.Errorf("up %t, %q: %s (%s)\n%s", s.Up(time.Now()), s.DownAt(time.Now()), s.State, s.Reason, r.logs)
		}
	})
}

// The messages are believed again once a full message comes in good time.
func TestALagEnds(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		for range 5 {
			sim.Step(3)
			r.pass(r.cfg.CheckInterval + r.cfg.DeliveryTimeout)
		}
		sim.Clear()
		r.pass(5 * r.cfg.CheckInterval)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].Lagging || !s.Up(time.Now()) {
			t.Errorf("lagging %t, up %t: %s (%s)\n%s", s.Feeds[StatusMessages].Lagging, s.Up(time.Now()), s.State, s.Reason, r.logs)
		}
		r.equalsTruth(sim)
	})
}
