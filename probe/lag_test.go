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
				r, sim := startRig(t, ModeSSE, icwssim.Options{Quirks: quirks, PingInterval: 15 * time.Second})
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
