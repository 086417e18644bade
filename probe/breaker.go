package probe

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"icws_exporter/probe/icws"
)

const (
	breakerWindow = 2 * time.Minute
	breakerBucket = 10 * time.Second
)

// breaker puts every request of the loop behind sony/gobreaker. It belongs to
// the loop's goroutine. state mirrors what the callback said, because asking the
// library for its state can itself change it.
type breaker struct {
	cb       *gobreaker.CircuitBreaker[struct{}]
	openFor  time.Duration
	state    BreakerState
	openedAt time.Time
	// inARow counts failures however far apart: the library forgets those that are
	// older than its window, and a host that swallows everything fails slowly.
	inARow uint32
}

func newBreaker(cfg *Config, o Observer) *breaker {
	b := &breaker{openFor: cfg.BreakerOpenFor}
	b.cb = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         cfg.Name,
		Interval:     breakerWindow,
		BucketPeriod: breakerBucket,
		Timeout:      cfg.BreakerOpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return b.inARow >= cfg.BreakerFailures || c.TotalFailures >= cfg.BreakerFailures
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			b.state, b.inARow = breakerStateOf(to), 0
			if b.state == BreakerOpen {
				b.openedAt = time.Now()
			}
			o.BreakerChanged(b.state)
		},
		IsSuccessful: func(err error) bool {
			if err != nil && blamesServer(err) {
				b.inARow++
				return false
			}
			b.inARow = 0
			return true
		},
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) || onlyAwaited(err) },
	})
	return b
}

func breakerStateOf(s gobreaker.State) BreakerState {
	switch s {
	case gobreaker.StateOpen:
		return BreakerOpen
	case gobreaker.StateHalfOpen:
		return BreakerHalfOpen
	default:
		return BreakerClosed
	}
}

// do makes one call through the breaker. It returns the call's error, or
// gobreaker.ErrOpenState when the call was not made.
func (b *breaker) do(call func() error) error {
	_, err := b.cb.Execute(func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// retryAt is the first moment at which an open breaker lets a call through. The
// library still refuses at the exact end of the open time.
func (b *breaker) retryAt() time.Time { return b.openedAt.Add(b.openFor + time.Millisecond) }

func rejectedByBreaker(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

// blamesServer reports whether err counts as a failure of the server: a code of
// 5xx or 429, or no usable answer. Any other answer proves that it is there.
func blamesServer(err error) bool {
	var round *icws.RoundError
	if errors.As(err, &round) {
		for _, a := range round.Attempts {
			if !blamesServer(a.Err) {
				return false
			}
		}
		return true
	}
	var response *icws.ResponseError
	if errors.As(err, &response) {
		return response.Code >= 500 || response.Code == 429
	}
	return true
}
