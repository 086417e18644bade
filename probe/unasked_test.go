package probe

import (
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// A full message that waited at the server while polls failed is a late answer to a
// PUT, and not one that the server sends on its own.
func TestALateFullMessageIsNotOneThatNobodyAskedFor(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(50 * time.Second)
		for range 5 {
			sim.Inject(icwssim.Fault{Operation: icwssim.OpPoll, Code: 503})
			sim.Inject(icwssim.Fault{Operation: icwssim.OpStream, Code: 503})
			r.pass(25 * time.Second)
			sim.Clear()
			r.pass(4 * time.Minute)
			r.state(StateLive)
		}
		if n := r.logs.count("on its own"); n > 0 {
			t.Errorf("the server is taken for one that sends full messages on its own:\n%s", r.logs)
		}
	})
}
