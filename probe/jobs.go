package probe

import (
	"context"
	"time"
)

// jobs runs requests beside the loop, one at a time: whatever they are about, no message
// waits for their answers.
type jobs struct {
	done   chan func(time.Time) // what to do with the answer, on the loop's goroutine
	cancel context.CancelFunc   // nil: nothing runs
}

func newJobs() jobs { return jobs{done: make(chan func(time.Time), 1)} }

func (j *jobs) busy() bool { return j.cancel != nil }

// run makes requests. job returns what their answers change.
func (j *jobs) run(ctx context.Context, job func(context.Context) func(now time.Time)) {
	ctx, j.cancel = context.WithCancel(ctx)
	go func() { // whoever takes from done, or stop, waits for it
		j.done <- job(ctx)
	}()
}

// apply does what a job asks for that was taken from done.
func (j *jobs) apply(found func(time.Time)) {
	j.cancel()
	j.cancel = nil
	found(time.Now())
}

// stop breaks off what runs, waits for it, and forgets what it found.
func (j *jobs) stop() {
	if j.busy() {
		j.cancel()
		<-j.done
		j.cancel = nil
	}
}
