package probe

import (
	"math/rand/v2"
	"time"
)

// backoff draws the delay before the next attempt: uniformly between min and a
// bound that doubles with every failure up to max, so that many probes of one
// server spread out and none of them ever retries at once.
type backoff struct {
	min, max time.Duration
	rand     *rand.Rand
	failures int
}

func (b *backoff) next() time.Duration {
	bound := b.max
	if b.failures < 30 {
		bound = min(b.max, b.min<<(b.failures+1))
	}
	b.failures++
	if bound <= b.min {
		return b.min
	}
	return b.min + time.Duration(b.rand.Int64N(int64(bound-b.min)+1))
}

func (b *backoff) reset() { b.failures = 0 }

// hold is a delay that doubles from min to max while its cause stays.
type hold struct {
	min, max time.Duration
	count    int
}

func (h *hold) next() time.Duration {
	d := h.max
	if h.count < 30 {
		d = min(h.max, h.min<<h.count)
	}
	h.count++
	return d
}

func (h *hold) reset() { h.count = 0 }

// jittered returns d, shorter or longer by at most a tenth.
func jittered(r *rand.Rand, d time.Duration) time.Duration {
	tenth := int64(d / 10)
	if tenth <= 0 {
		return d
	}
	return d - time.Duration(tenth) + time.Duration(r.Int64N(2*tenth+1))
}
