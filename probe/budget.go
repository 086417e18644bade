package probe

import "time"

// What is not needed to watch a server is asked for at most so often: whoever runs it
// must not notice.
const (
	optionalRequests = 4
	optionalWindow   = time.Minute + time.Second
)

// budget paces the requests that a server could do without.
type budget struct {
	made [optionalRequests]time.Time // oldest first
}

// at returns when n more requests may be made.
func (b *budget) at(n int) time.Time {
	if n == 0 || b.made[n-1].IsZero() {
		return time.Time{}
	}
	return b.made[n-1].Add(optionalWindow)
}

// ended takes note that the last n requests took until now: the second of them may
// just have been made.
func (b *budget) ended(now time.Time, n int) {
	for i := len(b.made) - n; i < len(b.made); i++ {
		b.made[i] = now
	}
}

// spend takes note of n requests that are made now.
func (b *budget) spend(now time.Time, n int) {
	copy(b.made[:], b.made[n:])
	b.ended(now, n)
}
