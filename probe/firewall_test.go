package probe

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// forgetful is a connection through a firewall that forgets connections which were
// idle for longer than it remembers, and answers the next packet with a reset.
type forgetful struct {
	net.Conn
	remembers time.Duration
	last      atomic.Int64
	forgotten atomic.Bool
}

func (f *forgetful) Write(p []byte) (int, error) {
	now := time.Now().UnixNano()
	if last := f.last.Swap(now); last != 0 && time.Duration(now-last) > f.remembers {
		f.forgotten.Store(true)
	}
	if !f.forgotten.Load() {
		return f.Conn.Write(p)
	}
	_ = f.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	return len(p), nil                     // the kernel takes it; the reset comes afterwards
}

func (f *forgetful) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if f.forgotten.Load() {
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	f.last.Store(time.Now().UnixNano())
	return n, err
}

// A firewall forgets what was idle for 50 s, and the checks come every minute on a
// server without switchover status: each is sent once more on a new connection, and
// the probe never notices (P4).
func TestAFirewallThatForgetsIdleConnectionsCostsNoCheck(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		cfg := testConfig(mode, "a")
		checks := 50
		if mode == ModePoll { // with the longest interval that the configuration allows
			cfg.PollInterval, cfg.CheckInterval, cfg.StaleAfter, checks = time.Minute, 10*time.Minute, time.Hour, 5
		}
		r := newRig(t, cfg)
		r.rt.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := r.net.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &forgetful{Conn: conn, remembers: 50 * time.Second}, nil
		}
		sim := r.serve("a", icwssim.Options{ConnectionVersion: 10})
		r.start()
		r.pass(time.Hour)
		r.state(StateLive)
		r.equalsTruth(sim)
		if n := r.seen.get("check ok"); n < checks {
			t.Errorf("%d checks in an hour", n)
		}
		for _, never := range []string{"check failed", "check timeout", "check drift", "failed reset", "lost stream_lost"} {
			r.count(never, 0)
		}
		r.count("opens", 1)
	})
}
