package exporter

import (
	"testing"
	"time"
)

func TestStartDelaySpreadsManyServers(t *testing.T) {
	for _, n := range []int{1, 9} {
		if d := startDelay(n-1, n); d != 0 {
			t.Errorf("the last of %d servers waits for %s: a few start at once", n, d)
		}
	}
	for _, n := range []int{10, 300, 5000} {
		last := startDelay(n-1, n)
		if last <= 0 || last > 30*time.Second {
			t.Errorf("the last of %d servers waits for %s", n, last)
		}
		if startDelay(1, n) == startDelay(0, n) {
			t.Errorf("of %d servers the first two start together", n)
		}
	}
}
