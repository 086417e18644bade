package probe

import (
	"context"
	"time"
)

// userJobs runs the requests about users beside the loop, one at a time.
type userJobs struct {
	done   chan func(time.Time) // what to do with the answer, on the loop's goroutine
	cancel context.CancelFunc   // nil: nothing runs
	// requests is how many the last one made at most.
	requests int
	unpaced  bool // somebody waits for the result: no budget
}

func (j *userJobs) busy() bool { return j.cancel != nil }

// run makes requests. job returns what their answers change.
func (j *userJobs) run(ctx context.Context, job func(context.Context) func(now time.Time)) {
	ctx, j.cancel = context.WithCancel(ctx)
	go func() { // whoever takes from done, or stop, waits for it
		j.done <- job(ctx)
	}()
}

// end frees the place for the next job, when what it did was taken from done.
func (j *userJobs) end() {
	j.cancel()
	j.cancel = nil
}

// stop breaks off what runs, waits for it, and forgets what it found.
func (j *userJobs) stop() {
	if j.busy() {
		j.cancel()
		<-j.done
		j.cancel = nil
	}
}

// answered applies what a job found.
func (u *userFeed) answered(apply func(time.Time)) {
	u.jobs.end()
	u.l.optional.ended(time.Now(), u.jobs.requests)
	apply(time.Now())
}

// unsubscribe ends the subscription of a feed that was switched off.
func (u *userFeed) unsubscribe(ctx context.Context, _ time.Time) {
	wire, limit := u.s.wire, u.l.cfg.RequestTimeout
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := wire.Unsubscribe(ctx, userStatusesWire)
		return func(time.Time) {
			u.subscribed = false // whatever it says, nobody listens
			if err != nil {
				u.l.log.Debug("the subscription of users was not removed; it ends with the session")
			}
		}
	})
}
