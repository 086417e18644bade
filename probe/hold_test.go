package probe

import (
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// The refusal of a log-on that was under way when a reload came is one: the next
// probe of the server does not try the same password again.
func TestARefusalDuringAReloadIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.SetPassword("another")
		sim.Inject(icwssim.Fault{Operation: "connect", Delay: time.Second})
		for range 5 {
			r.start()
			r.pass(500 * time.Millisecond)
			r.cancel(ErrReload)
			<-r.done
		}
		if n := sim.LogOns()["svc-prom"]; n != 1 {
			t.Errorf("%d log-ons with a refused password\n%s", n, r.logs)
		}
	})
}

// A hold that ends just when a reload comes still counts: the next is twice as long.
func TestAHoldGrowsAcrossAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "connect", Code: 403})
		r.start()
		r.pass(time.Second)
		r.pass(time.Until(r.probe.Snapshot().NextAttempt) - time.Millisecond)
		r.cancel(ErrReload)
		<-r.done
		r.pass(time.Second)
		r.start()
		r.pass(time.Second)
		r.state(StateAuthHold)
		s := r.probe.Snapshot()
		if held := s.NextAttempt.Sub(s.StateSince).Round(time.Second); held != 2*r.cfg.AuthHoldMin {
			t.Errorf("the second refusal is held for %s, want %s", held, 2*r.cfg.AuthHoldMin)
		}
	})
}
