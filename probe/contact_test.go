package probe

import (
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// An event tells the loop of itself; a ping has to, but a flood of them must not.
func TestPingIsNoticedOnceASecond(t *testing.T) {
	c, now := newContact(), time.Now()
	noticed := func() bool {
		select {
		case <-c.pinged:
			return true
		default:
			return false
		}
	}
	if c.read(now); noticed() {
		t.Error("bytes that may be those of an event woke the loop")
	}
	if c.ping(now); !noticed() {
		t.Error("a ping was not noticed")
	}
	for range 1000 {
		c.ping(now.Add(time.Millisecond))
	}
	if noticed() {
		t.Error("a flood of pings woke the loop")
	}
	if c.ping(now.Add(2 * time.Second)); !noticed() {
		t.Error("the next ping was not noticed")
	}
}

// The switchover status is asked for on the connection of the check, not on one of its
// own.
func TestSwitchoverIsAskedForWithTheCheck(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, _ := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		checks := func() int { return r.seen.get("request subscribe") + r.seen.get("request list") }
		asked := func() int { return r.seen.get("request switchover_status") }
		for range 10 * 60 {
			checked, before := checks(), asked()
			if r.pass(time.Second); asked() != before && checks() == checked {
				t.Fatal("the switchover status was asked for a second or more after the check")
			}
		}
		if n := asked(); n < 9 || n > 13 {
			t.Errorf("the switchover status was asked for %d times in ten minutes", n)
		}
	})
}
