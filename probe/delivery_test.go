package probe

import (
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// A full message that is lost is a bad event, and the one that a renewal then brings is
// late from the first PUT on, which is when it was asked for.
func TestDeliveryIsMeasuredFromTheFirstPUT(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(30 * time.Second)
		r.count("delivered", 1) // the first of the session
		if _, longest := r.seen.deliveries(); longest > 3*time.Second {
			t.Errorf("a delivery took %s", longest)
		}
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull, Count: 1})
		r.pass(80 * time.Second)
		r.state(StateLive)
		r.count("check timeout", 1)
		r.count("check renewed", 1)
		r.count("check ok", 0)
		all, longest := r.seen.deliveries()
		if timeout := r.cfg.DeliveryTimeout; longest < timeout || longest > timeout+5*time.Second {
			t.Errorf("the lost delivery and its renewal took %s, want a little more than the timeout %s", longest, timeout)
		}
		if all != 2 {
			t.Errorf("%d deliveries were measured, want that of the session and that of the renewal", all)
		}
	})
}

// What is asked for first in a session and does not come is as bad as what a check misses.
func TestALostFirstDeliveryIsATimeout(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull, Count: 1})
		r.start()
		r.pass(30 * time.Second)
		r.state(StateLive)
		r.count("check timeout", 1)
		if all, longest := r.seen.deliveries(); all != 2 || longest < r.cfg.DeliveryTimeout {
			t.Errorf("%d deliveries were measured, the longest %s; want one of more than %s and that of the list", all, longest, r.cfg.DeliveryTimeout)
		}
	})
}

// A server that does not resend is judged as well: each list that is read is a delivery.
func TestAuditsAreMeasured(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
		r.pass(5 * time.Minute)
		before, _ := r.seen.deliveries()
		lists := r.seen.get("response list 200")
		sim.Inject(icwssim.Fault{Operation: icwssim.OpList, Delay: 4 * time.Second})
		r.pass(5 * time.Minute)
		r.state(StateLive)
		after, longest := r.seen.deliveries()
		read := r.seen.get("response list 200") - lists
		if read < 3 || after-before < read {
			t.Errorf("%d lists were read and %d deliveries measured", read, after-before)
		}
		if longest < 4*time.Second {
			t.Errorf("lists that take 4 s are measured as %s", longest)
		}
	})
}
