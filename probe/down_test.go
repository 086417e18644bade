package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

func TestDownReasonIsThatOfTheCause(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault func(*rig, *icwssim.Server)
		after time.Duration
		want  DownReason
	}{
		{"up", func(*rig, *icwssim.Server) {}, time.Second, NotDown},
		{"network", func(r *rig, _ *icwssim.Server) { r.kill("a") }, time.Minute, DownNetwork},
		{"password", func(_ *rig, s *icwssim.Server) { s.SetPassword("rotated"); s.ExpireSessions() }, time.Minute, DownRefusedLogOn},
		{"displaced", func(_ *rig, s *icwssim.Server) { s.EndSessions(false) }, time.Minute, DownDisplaced},
		{"gone", func(_ *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Operation: "subscribe", Code: 410}) }, 2 * time.Minute, DownGone},
		{"cookie stripped", func(_ *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Operation: "subscribe", Code: 401}) }, 2 * time.Minute, DownUnauthorized},
		{"5xx", func(_ *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Code: 500}) }, 3 * time.Minute, DownServerError},
		{"takes no log-ons", func(_ *rig, s *icwssim.Server) { s.SetNotAccepting(true); s.ExpireSessions() }, time.Minute, DownServerError},
		{"redirect", func(_ *rig, s *icwssim.Server) {
			s.Inject(icwssim.Fault{Code: 302, Headers: map[string]string{"Location": "http://elsewhere/"}})
			s.ExpireSessions()
		}, 3 * time.Minute, DownProtocol},
		{"delivers nothing", func(_ *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}) }, 5 * time.Minute, DownNotDelivering},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				r, sim := startRig(t, mode, icwssim.Options{})
				if s := r.probe.Snapshot(); s.Down != DownStarting && !s.Up(time.Now()) { // it may be that fast
					t.Errorf("at first %q", s.Down)
				}
				r.pass(10 * time.Second)
				row.fault(r, sim)
				r.pass(row.after)
				s := r.probe.Snapshot()
				if got := s.DownAt(time.Now()); got != row.want || s.Down != row.want {
					t.Errorf("%q, %q at the time of the snapshot, want %q: %s (%s)\n%s", got, s.Down, row.want, s.State, s.Reason, r.logs)
				}
				if s.Up(time.Now()) != (row.want == NotDown) {
					t.Errorf("up %t and %q", s.Up(time.Now()), row.want)
				}
				if row.want == NotDown {
					if got := s.DownAt(time.Now().Add(time.Hour)); got != DownStale {
						t.Errorf("an hour without a new snapshot is %q", got)
					}
				}
			})
		})
	}
}

func TestDownReasonOfAnError(t *testing.T) {
	request := func(err error) error { return &icws.RequestError{Reason: icws.ReasonOf(err), Err: err} }
	dns := request(&net.DNSError{Err: "no such host", Name: "cic-a", IsNotFound: true})
	for want, err := range map[DownReason]error{
		DownDNS:           &icws.RoundError{Attempts: []icws.Attempt{{Host: "a", Err: dns}}},
		DownTLS:           &icws.RequestError{Reason: icws.FailTLS, Err: errors.New("x")},
		DownTooLarge:      fmt.Errorf("status messages: %w", errTooLarge),
		DownNetwork:       &streamError{streamTimeout{silentFor, time.Minute}},
		DownNotDelivering: errNotDelivering,
		DownProtocol:      &icws.RequestError{Reason: icws.FailDecode, Err: errors.New("x")},
	} {
		if got := downReasonOf(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
	for v := range DownReason(NumDownReasons) {
		if v.String() == "" {
			t.Errorf("%d has no name", v)
		}
	}
}

// A hold ends by hand, but a refused password is not sent again.
func TestRetryEndsAHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.EndSessions(false)
		r.pass(time.Minute)
		r.state(StateDisplacedHold)
		if err := r.probe.Retry(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.state(StateLive)

		sim.SetPassword("rotated")
		sim.ExpireSessions()
		r.pass(time.Minute)
		r.state(StateAuthHold)
		opens := r.seen.get("opens")
		for range 3 {
			if err := r.probe.Retry(context.Background(), false); !errors.Is(err, ErrPasswordRefused) {
				t.Fatal(err)
			}
			r.pass(time.Second)
		}
		r.count("opens", opens)
		r.state(StateAuthHold)
		r.password.Store("rotated")
		if err := r.probe.Retry(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.state(StateLive)

		r.kill("a")
		r.pass(10 * time.Minute)
		r.listen("a")
		if err := r.probe.Retry(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.state(StateLive)
		r.stop()
		if err := r.probe.Retry(context.Background(), false); !errors.Is(err, ErrStopped) {
			t.Errorf("a stopped probe: %v", err)
		}
	})
}

// A session that expires while the event stream is open was lost because of the 401.
func TestLossReasonIsThatOfTheCause(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(*rig, *icwssim.Server)
		want  LossReason
	}{
		"expired":       {func(_ *rig, s *icwssim.Server) { s.ExpireSessions() }, LossUnauthorized},
		"ended":         {func(_ *rig, s *icwssim.Server) { s.EndSessions(true) }, LossServerClosed},
		"displaced":     {func(_ *rig, s *icwssim.Server) { s.EndSessions(false) }, LossDisplaced},
		"faulted":       {func(_ *rig, s *icwssim.Server) { s.SubscriptionState(3) }, LossFaulted},
		"network":       {func(r *rig, _ *icwssim.Server) { r.kill("a") }, LossStreamLost},
		"delivers none": {func(_ *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}) }, LossNotDelivering},
		"gone":          {func(_ *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Operation: "subscribe", Code: 410}) }, LossGone},
	} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				r, sim := startRig(t, mode, icwssim.Options{})
				r.pass(10 * time.Second)
				test.fault(r, sim)
				r.pass(3 * time.Minute)
				r.count("lost "+test.want.String(), 1)
				if n := r.seen.total("lost "); n != 1 {
					t.Errorf("%d losses of one fault", n)
				}
			})
		})
	}
}

// When the last session was established stays known after its end: an outage is told apart from a
// server that never worked.
func TestTheTimeOfTheLastSessionOutlivesIt(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, _ := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		since := r.probe.Snapshot().SessionEstablished
		r.kill("a")
		r.pass(5 * time.Minute)
		if s := r.probe.Snapshot(); s.SessionUp || since.IsZero() || !s.SessionEstablished.Equal(since) {
			t.Errorf("session up %t, the last one established at %s, want %s", s.SessionUp, s.SessionEstablished, since)
		}
	})
}
