package probe

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// failureRecorder counts, besides, why requests had no usable answer.
type failureRecorder struct{ *recorder }

func (r failureRecorder) Exchange(e icws.Exchange) {
	r.recorder.Exchange(e)
	if e.Failed() {
		r.add("failed "+e.Reason.String(), 1)
	}
}

// networkRig is a probe that watches a simulator through a relay, all on real
// sockets, with times so short that a fault is noticed within a second.
type networkRig struct {
	t     *testing.T
	sim   *icwssim.Server
	relay *relay
	cfg   Config
	rt    *http.Transport
	seen  failureRecorder
	logs  *logLines
	probe *Probe
	stop  func()
}

func newNetworkRig(t *testing.T, mode TransportMode) *networkRig {
	sim := icwssim.New(icwssim.Options{
		User: "svc-prom", Password: testPassword, Statuses: icwssim.Catalogue(300, 5),
		Quirks: icwssim.Quirks{PingInterval: icwssim.Period(100 * time.Millisecond), SessionIdle: icwssim.Period(time.Second)},
	})
	t.Cleanup(sim.Close)
	r := &networkRig{t: t, sim: sim, seen: failureRecorder{&recorder{}}, logs: &logLines{}}
	r.cfg = testConfig(mode)
	r.cfg.PollInterval, r.cfg.CheckInterval = 20*time.Millisecond, 300*time.Millisecond
	r.cfg.DeliveryTimeout, r.cfg.RequestTimeout = 200*time.Millisecond, 300*time.Millisecond
	r.cfg.StreamTimeout, r.cfg.StaleAfter = 500*time.Millisecond, 2*time.Second
	r.cfg.BackoffMin, r.cfg.BackoffMax = 10*time.Millisecond, 50*time.Millisecond
	r.cfg.BreakerFailures, r.cfg.BreakerOpenFor = 50, 100*time.Millisecond
	r.cfg.Password = func() (string, error) { return testPassword, nil }
	r.rt = productionTransport(t, r.cfg.RequestTimeout)
	return r
}

// serve puts the simulator on a socket, behind the relay.
func (r *networkRig) serve() *networkRig {
	server := httptest.NewServer(r.sim)
	r.t.Cleanup(server.Close)
	r.relay = newRelay(r.t, server.Listener.Addr().String())
	return r
}

func (r *networkRig) start(scheme string) {
	r.cfg.URL, r.cfg.Hosts = scheme+"://"+r.relay.address, []string{r.relay.address}
	r.probe = newProbe(r.t, r.cfg, Options{
		NewTransport: func() http.RoundTripper { return r.rt.Clone() }, Observer: r.seen, UserAgent: "icws_exporter/test",
		Logger: slog.New(slog.NewTextHandler(r.logs, nil)),
	})
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.probe.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-done
	}
	r.t.Cleanup(r.stop)
}

// isLive waits until the probe is up and shows what the server holds.
func (r *networkRig) isLive(when string) {
	r.t.Helper()
	r.eventually("live and equal to the server's truth "+when, func() bool {
		s := r.probe.Snapshot()
		return s.Up(time.Now()) && snapshotEquals(s, r.sim.Truth())
	})
}

func (r *networkRig) eventually(what string, ok func() bool) {
	r.t.Helper()
	defer func() {
		if r.t.Failed() {
			r.seen.mu.Lock()
			defer r.seen.mu.Unlock()
			r.t.Logf("%+v\n%v\n%s", r.probe.Snapshot(), r.seen.counts, r.logs)
		}
	}()
	eventually(r.t, what, ok)
}

// isAway reports whether the probe says that it sees nothing, and why.
func (r *networkRig) isAway() bool {
	s := r.probe.Snapshot()
	return !s.Up(time.Now()) && s.Reason != ""
}

// leavesNothing waits for the end of the sessions that the fault has cut off, and
// then ends the probe's own.
func (r *networkRig) leavesNothing() {
	r.t.Helper()
	r.eventually("alone on the server", func() bool { return len(r.sim.Sessions()) == 1 })
	r.stop()
	if left := r.sim.Sessions(); len(left) != 0 {
		r.t.Errorf("sessions left on the server: %v", left)
	}
}

func eachTransportOverSockets(t *testing.T, f func(t *testing.T, mode TransportMode)) {
	for _, mode := range []TransportMode{ModeSSE, ModePoll} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			f(t, mode)
		})
	}
}

func TestNetworkFaultIsNoticedAndHealed(t *testing.T) {
	for _, fault := range []struct {
		name string
		trouble
		sse, poll string // what is counted, over SSE and over polling
	}{
		{"refused", refuses, "failed refused", "failed refused"},
		{"reset", resets, "failed reset", "failed reset"},
		{"half closed", halfCloses, "failed reset", "failed reset"},
		{"black hole", swallows, "failed timeout", "failed timeout"},
		{"too slow", trickles, "lost stream_lost", "failed timeout"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			eachTransportOverSockets(t, func(t *testing.T, mode TransportMode) {
				r := newNetworkRig(t, mode).serve()
				r.start("http")
				r.isLive("before the fault")
				counted := fault.sse
				if mode == ModePoll {
					counted = fault.poll
				}

				r.relay.suffer(fault.trouble)
				r.eventually("noticed", func() bool {
					return r.isAway() && r.seen.get(counted) > 0 && r.seen.get("lost stream_lost") > 0
				})
				r.sim.Step(50)
				r.relay.suffer(noTrouble)

				r.isLive("after the fault")
				r.leavesNothing()
			})
		})
	}
}

func TestNetworkFaultFromTheStartIsHealed(t *testing.T) {
	for name, fault := range map[string]trouble{"refused": refuses, "half closed": halfCloses, "black hole": swallows} {
		t.Run(name, func(t *testing.T) {
			eachTransportOverSockets(t, func(t *testing.T, mode TransportMode) {
				r := newNetworkRig(t, mode).serve()
				r.relay.suffer(fault)
				r.start("http")
				r.eventually("attempted", func() bool {
					return r.probe.Attempted() && r.isAway() && r.seen.get("open failed network") > 0
				})
				if reason := r.probe.Snapshot().Reason; !strings.Contains(reason, "log-on failed") {
					t.Errorf("reason %q", reason)
				}
				r.relay.suffer(noTrouble)
				r.isLive("after the fault")
				r.leavesNothing()
			})
		})
	}
}

// The firewall between forgets the open connections and tells nobody; the server
// is there for new ones.
func TestStrandedConnectionsAreReplaced(t *testing.T) {
	eachTransportOverSockets(t, func(t *testing.T, mode TransportMode) {
		r := newNetworkRig(t, mode).serve()
		r.start("http")
		r.isLive("at the start")
		r.relay.strike(swallows)
		r.sim.Step(50)
		r.isLive("over new connections")
		if n := r.seen.get("lost stream_lost") + r.seen.get("lost not_delivering") + r.seen.get("failed timeout"); n == 0 {
			t.Errorf("nothing was counted\n%s", r.logs)
		}
		r.leavesNothing()
	})
}

// Bytes that come in small pieces, but in time, are no fault.
func TestTricklingServerIsFollowed(t *testing.T) {
	eachTransportOverSockets(t, func(t *testing.T, mode TransportMode) {
		r := newNetworkRig(t, mode).serve()
		for _, status := range r.sim.Truth().Statuses[5:] {
			r.sim.Apply(icwssim.Remove(status.ID))
		}
		r.cfg.DeliveryTimeout, r.cfg.RequestTimeout, r.cfg.StreamTimeout = 20*time.Second, 20*time.Second, 20*time.Second
		r.sim.SetQuirks(icwssim.Quirks{PingInterval: icwssim.Period(100 * time.Millisecond)}) // a busy machine may ask late
		r.relay.suffer(trickles)
		r.start("http")
		r.isLive("though slow")
		r.sim.Step(5)
		r.isLive("after changes")
		for _, never := range []string{"lost stream_lost", "decode failures", "failed timeout", "failed reset"} {
			if n := r.seen.get(never); n != 0 {
				t.Errorf("%s: %d\n%s", never, n, r.logs)
			}
		}
		if n := r.seen.get("opens"); n != 1 {
			t.Errorf("%d log-ons", n)
		}
		r.leavesNothing()
	})
}
