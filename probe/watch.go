package probe

import (
	"context"
	"fmt"
	"time"

	"icws_exporter/probe/icws"
)

const (
	leaveTimeout = 3 * time.Second
	// maxSessionFailures is how many failures in a row, without a full message
	// between them, one session is given before it is replaced by a new round
	// over the hosts.
	maxSessionFailures = 3
	firstPollDelay     = 100 * time.Millisecond
	pollOnlyTime       = time.Hour
)

// watch is the life of one session: it brings what is there (stream,
// subscription, live copy) to what should be there, one request at a turn. It
// belongs to the loop's goroutine.
type watch struct {
	l       *loop
	s       *icws.Session
	opened  time.Time
	contact *contact
	pump    *pump

	// What has to be done next.
	retryAt    time.Time // no request before
	resync     *ResyncReason
	renew      bool // the resync has to DELETE before it PUTs
	pollAt     time.Time
	pollEvery  time.Duration
	checkAt    time.Time
	statusAt   time.Time
	renewAt    time.Time
	awaiting   *delivery
	failures   int
	lastFailed bool

	subscribed bool // a PUT was answered 200 in this session
	streamed   bool // a stream was open in this session
	delivered  bool // a full message came in this session
	suspect    bool // a delta may be missing from the live copy
	noResend   bool // a second PUT did not resend the full message
	over       *sessionEnd
}

func newWatch(l *loop, s *icws.Session) *watch {
	now := time.Now()
	w := &watch{l: l, s: s, opened: now, contact: newContact(), suspect: true}
	l.contact = w.contact
	l.transport, l.transportKnown = TransportPoll, true
	if l.wantsStream(s, now) {
		l.transport = TransportSSE
	}
	if l.lastFull.IsZero() {
		w.ask(ResyncInitial)
	} else {
		w.ask(ResyncSession)
	}
	w.statusAt = now
	return w
}

func (l *loop) wantsStream(s *icws.Session, now time.Time) bool {
	switch l.cfg.Transport {
	case ModeSSE:
		return true
	case ModePoll:
		return false
	default:
		return s.Feature("messaging") >= 2 && !now.Before(l.pollOnlyUntil)
	}
}

// ask requests the whole catalogue; a reason that waits already stays.
func (w *watch) ask(reason ResyncReason) {
	if w.resync == nil {
		w.resync = &reason
	}
}

// run watches until the session has to be left.
func (w *watch) run(ctx context.Context) *sessionEnd {
	for {
		now := time.Now()
		w.l.calm(now)
		w.l.publish()
		if ctx.Err() != nil {
			return &sessionEnd{err: context.Cause(ctx), close: closeReasonOf(ctx)}
		}
		if end := w.turn(ctx, now); end != nil {
			return end
		}
		if w.over != nil {
			return w.over
		}
	}
}

// turn does the most urgent thing that is due, or waits for something to happen.
func (w *watch) turn(ctx context.Context, now time.Time) *sessionEnd {
	if act := w.due(now); act != nil {
		if err := act(ctx); err != nil {
			return w.failed(ctx, err)
		}
		return nil
	}
	timer := time.NewTimer(max(0, w.wakeAt(now).Sub(now)))
	defer timer.Stop()
	var ready chan error
	if w.pump != nil {
		ready = w.pump.ready
	}
	select {
	case err := <-ready:
		return w.streamReady(ctx, err)
	case r := <-w.l.hostReports():
		w.l.noteHost(r)
	case answer := <-w.l.p.statuses:
		answer <- w.l.catalogue.Entries()
	case <-w.contact.noticed:
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// due returns the most urgent action whose time has come, or nil.
func (w *watch) due(now time.Time) func(context.Context) error {
	if w.silent(now) {
		return func(context.Context) error { return errSilent{w.contact.silence(w.l.cfg.StreamTimeout)} }
	}
	if now.Before(w.retryAt) {
		return nil
	}
	polling := w.l.transport == TransportPoll
	switch {
	case !polling && w.pump == nil:
		return w.openStream
	case w.awaiting != nil && !now.Before(w.awaiting.deadline):
		return w.deliveryTimedOut
	case w.resync != nil && w.awaiting == nil:
		return w.resynchronise
	case polling && w.subscribed && !now.Before(w.pollAt):
		return w.poll
	case w.awaiting != nil:
		return nil
	case !now.Before(w.checkAt):
		return w.check
	case w.delivered && !now.Before(w.statusAt) && w.asksSwitchover():
		return w.askSwitchover
	}
	return nil
}

// wakeAt is the next moment at which due may have something.
func (w *watch) wakeAt(now time.Time) time.Time {
	wake := now.Add(heartbeatInterval)
	earlier := func(t time.Time) {
		if t.After(now) && t.Before(wake) {
			wake = t
		}
	}
	earlier(w.retryAt)
	if w.awaiting != nil {
		earlier(w.awaiting.deadline)
	}
	if w.l.transport == TransportPoll {
		earlier(w.pollAt)
	}
	earlier(w.checkAt)
	earlier(w.statusAt)
	if s := w.contact.silence(w.l.cfg.StreamTimeout); w.pump != nil && s > 0 {
		earlier(w.contact.time().Add(s))
	}
	if w.l.state == StateLive {
		earlier(w.l.stateSince.Add(calmAfter))
	}
	return wake
}

func (w *watch) silent(now time.Time) bool {
	s := w.contact.silence(w.l.cfg.StreamTimeout)
	return w.pump != nil && s > 0 && now.Sub(w.contact.time()) >= s
}

// call makes one request through the breaker.
func (w *watch) call(request func() error) error {
	err := w.l.breaker.do(request)
	w.lastFailed = err != nil
	return err
}

func (w *watch) asksSwitchover() bool {
	return w.s.Feature("connection") >= 11 && !w.l.gone[icws.OpSwitchoverStatus]
}

// askSwitchover reads the switchover status. Nothing depends on it, so that only
// the end of the session is a reason to react.
func (w *watch) askSwitchover(ctx context.Context) error {
	w.statusAt = time.Now().Add(jittered(w.l.rand, w.l.cfg.CheckInterval))
	var status icws.SwitchoverStatus
	err := w.call(func() (err error) {
		status, err = w.s.SwitchoverStatus(ctx)
		return err
	})
	switch {
	case err == nil:
		w.l.switchover = switchoverOf(status)
	case faultOf(err) == faultGone || faultOf(err) == faultUnauthorized:
		return fmt.Errorf("asking for the switchover status: %w", err)
	default:
		w.l.log.Debug("the switchover status is not known", "err", err)
	}
	return nil
}

// leave ends the session on the server, also when ctx has ended: a session left
// behind costs the server a slot. It is bounded by leaveTimeout.
//
// A session that the server has ended is left alone. One that was told 401 gets
// the DELETE of the session only: the 401 may have been a proxy's.
func (w *watch) leave(ctx context.Context, reason CloseReason) {
	if w.pump != nil {
		w.pump.close()
		w.pump = nil
	}
	if reason == CloseServerClosed {
		w.s.Close()
		return
	}
	ctx = context.WithoutCancel(ctx)
	if w.subscribed && reason != CloseUnauthorized {
		if err := bounded(ctx, leaveTimeout/3, func(ctx context.Context) error {
			return w.s.Unsubscribe(ctx, icws.StatusMessages)
		}); err != nil {
			w.l.log.Debug("leaving: the subscription was not removed", "err", err)
		}
	}
	err := bounded(ctx, leaveTimeout*2/3, w.s.Disconnect)
	if err != nil && reason != CloseUnauthorized {
		w.l.log.Warn("the session could not be ended; it costs the server a slot until it expires", "session", w.s.ID(), "err", err)
	}
}

func bounded(ctx context.Context, d time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return call(ctx)
}
