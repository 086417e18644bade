package probe

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A server that swallows everything fails slowly: five failures take longer than the
// window of the breaker, and open it all the same.
func TestSlowFailuresInARowOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModeSSE, "a")
		cfg.BackoffMin, cfg.BackoffMax = time.Minute, time.Minute
		r := newRig(t, cfg)
		r.rt.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r.start()
		cycle := cfg.RequestTimeout + cfg.BackoffMin
		r.pass(5*cycle - cfg.BackoffMin - time.Second)
		if opened := r.seen.get("breaker open"); opened != 0 {
			t.Errorf("the breaker opened after four failures\n%s", r.logs)
		}
		r.pass(2 * time.Second)
		if opened := r.seen.get("breaker open"); opened != 1 {
			t.Errorf("the breaker opened %d times at the fifth failure, want once\n%s", opened, r.logs)
		}
	})
}
