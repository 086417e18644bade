package probe

import (
	"context"
	"time"
)

// jobs runs requests beside the loop, one at a time: whatever they are about, no message
// waits for their answers.
type jobs struct {
	done     chan func(time.Time) // what to do with the answer, on the loop's goroutine; nil before the first
	answered chan<- struct{}      // tells the loop that something is there
	cancel   context.CancelFunc   // nil: nothing runs
}

func (j *jobs) busy() bool { return j.cancel != nil }

// run makes requests. job returns what their answers change.
func (j *jobs) run(ctx context.Context, job func(context.Context) func(now time.Time)) {
	if j.done == nil {
		j.done = make(chan func(time.Time), 1)
	}
	ctx, j.cancel = context.WithCancel(ctx)
	go func() { // whoever takes from done, or stop, waits for it
		j.done <- job(ctx)
		select {
		case j.answered <- struct{}{}:
		default: // the loop has not looked since the last time
		}
	}()
}

// apply does what the answer of a job asks for, and reports whether there was one.
func (j *jobs) apply() bool {
	select {
	case found := <-j.done:
		j.cancel()
		j.cancel = nil
		found(time.Now())
		return true
	default:
		return false
	}
}

// stop breaks off what runs, waits for it, and forgets what it found.
func (j *jobs) stop() {
	if j.busy() {
		j.cancel()
		<-j.done
		j.cancel = nil
	}
}
