package probe

import (
	"context"
	"fmt"
	"log/slog"
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
)

// session is one ICWS session from its 201 to its DELETE: how its messages come,
// which feeds they are for, and what fails in it. It brings what is there to what
// should be there, one request a turn. It belongs to the loop's goroutine.
type session struct {
	loop     *loop
	cfg      *Config // the loop's
	observer Observer
	log      *slog.Logger

	wire    *icws.Session
	opened  time.Time
	feeds   []*feed
	readers []*icws.Reader // of the feeds

	transport Transport
	contact   *contact
	pump      *pump
	streamed  bool // a stream was open in this session
	pollAt    time.Time
	pollEvery time.Duration

	pollFailed bool      // the last one
	brokenAt   time.Time // until when messages could not come, the last time

	switchoverAt time.Time // when the switchover status is asked for
	retryAt      time.Time // no request before
	failures     int       // in a row
	failedAt     time.Time // the last of them
	pace         backoff   // of tries in a good session
	lastFailed   bool      // the last request
	failedBefore bool      // the one before it
	over         *sessionEnd
	timer        *time.Timer // of the turns
}

func newSession(l *loop, s *icws.Session) *session {
	now := time.Now()
	l.turnEnds = time.Time{} // between two sessions there are no turns
	n := &session{
		loop: l, cfg: l.cfg, observer: l.observer, log: l.log,
		wire: s, opened: now, feeds: l.feeds,
		transport: TransportPoll, contact: newContact(),
		switchoverAt: now, timer: time.NewTimer(0),
		pace: backoff{min: l.cfg.BackoffMin, max: min(maxPace, l.cfg.BackoffMax), rand: l.rand},
	}
	if l.streaming.wanted(l.cfg.Transport, s, now) {
		n.transport = TransportSSE
	}
	for _, f := range n.feeds {
		f.begin(n)
	}
	for _, f := range l.optionalFeeds {
		f.begin(n)
	}
	n.listen()
	return n
}

// listen has the messages decoded for all feeds.
func (s *session) listen() {
	s.readers = nil
	for _, f := range s.feeds {
		s.readers = append(s.readers, f.copy.reader())
	}
	for _, f := range s.loop.optionalFeeds {
		if reader := f.reader(); reader != nil {
			s.readers = append(s.readers, reader)
		}
	}
}

// run keeps the session until it has to be left.
func (s *session) run(ctx context.Context) *sessionEnd {
	for {
		now := time.Now()
		s.loop.forgetFailures(now)
		s.loop.adjust()
		if s.loop.missedTime() {
			s.checkAll()
		}
		s.loop.publish()
		if ctx.Err() != nil {
			return &sessionEnd{err: context.Cause(ctx), close: closeReasonOf(ctx)}
		}
		if err := s.turn(ctx, now); err != nil {
			if end := s.failed(ctx, err); end != nil {
				return end
			}
		}
		if s.over != nil {
			return s.over
		}
	}
}

// checkAll checks everything, since nobody knows what was missed.
func (s *session) checkAll() {
	s.log.Info("the machine was suspended, the process stopped, or the time set; checking everything")
	for _, f := range s.feeds {
		// A full message that comes now may be one that waited for us.
		f.checkAt, f.listFirst = time.Time{}, true
	}
	for _, f := range s.loop.optionalFeeds {
		f.missed(ResyncCheck)
	}
}

// turn does the most urgent thing that is due, or waits for something to happen.
func (s *session) turn(ctx context.Context, now time.Time) error {
	if do := s.due(ctx, now); do != nil {
		return do(ctx)
	}
	return s.wait(ctx)
}

// due is the most urgent thing that is to be done now. Without one it is nil, and the timer
// is set for the next.
func (s *session) due(ctx context.Context, now time.Time) task {
	at, do := s.next(now)
	s.loop.turnEnds = now.Add(2 * s.cfg.RequestTimeout) // no turn makes more than two requests
	if do != nil && !now.Before(at) {
		return do
	}
	wake := s.wakeAt(now, at, s.loop.tendOptional(ctx, now), s.loop.tendLicences(ctx, now), s.silentAt(), s.loop.failuresForgottenAt())
	s.loop.turnEnds = wake.Add(s.cfg.RequestTimeout) // for a message that comes then
	s.timer.Reset(max(0, wake.Sub(now)))
	return nil
}

// wait waits for something to happen.
func (s *session) wait(ctx context.Context) (err error) {
	var ready chan error
	if s.pump != nil {
		ready = s.pump.ready
	}
	select {
	case ended := <-ready:
		err = s.streamReady(ended)
	case r := <-s.loop.looks.reports:
		s.loop.noteHost(r)
	case answer := <-s.loop.p.asked:
		answer(s.loop)
	case <-s.loop.p.adjusted:
	case <-s.loop.answered:
		s.loop.licences.jobs.apply()
		for _, f := range s.loop.optionalFeeds {
			f.apply()
		}
	case <-s.contact.pinged:
	case <-s.timer.C:
	case <-ctx.Done():
	}
	s.timer.Stop()
	return err
}

// next returns what has to be done next, and when. Of what is due, a way for the
// messages comes first, then the messages, then what the feeds want.
func (s *session) next(now time.Time) (at time.Time, do task) {
	if silent := s.silentAt(); !silent.IsZero() && !now.Before(silent) {
		return silent, func(context.Context) error {
			return &streamError{streamTimeout{silentFor, s.contact.silence(s.cfg.StreamTimeout)}}
		}
	}
	if s.transport == TransportSSE && s.pump == nil {
		return s.retryAt, s.openStream
	}
	consider := func(t time.Time, what task) {
		if do == nil || now.Before(at) && t.Before(at) {
			at, do = t, what
		}
	}
	// A message before a list that has to be asked for is of no use.
	if s.transport == TransportPoll && s.subscribed() && !s.any((*feed).mustAsk) {
		consider(s.pollAt, s.poll)
	}
	for _, f := range s.feeds {
		consider(f.next())
	}
	if s.asksSwitchover() {
		consider(s.switchoverAt, s.askSwitchover)
	}
	return later(at, s.retryAt), do
}

// wakeAt is when a turn that has nothing to do before the times in at ends at the latest.
func (s *session) wakeAt(now time.Time, at ...time.Time) time.Time {
	wake := s.loop.lookAtHosts(now)
	for _, t := range at {
		if t.After(now) && t.Before(wake) {
			wake = t
		}
	}
	return wake
}

// silentAt is when the stream has been silent for too long; zero while that is
// not known.
func (s *session) silentAt() time.Time {
	if s.pump == nil {
		return time.Time{}
	}
	silence := s.contact.silence(s.cfg.StreamTimeout)
	if silence <= 0 {
		return time.Time{}
	}
	return s.contact.time().Add(silence)
}

// call makes one request through the breaker.
func (s *session) call(request func() error) error {
	err := s.loop.breaker.do(request)
	s.failedBefore, s.lastFailed = s.lastFailed, err != nil
	return err
}

func (s *session) any(is func(*feed) bool) bool {
	for _, f := range s.feeds {
		if is(f) {
			return true
		}
	}
	return false
}

// subscribed reports whether messages can come at all.
func (s *session) subscribed() bool { return s.any(func(f *feed) bool { return f.subscribed }) }

// hasDelivered reports whether the status messages have come once.
func (s *session) hasDelivered() bool {
	return !s.any(func(f *feed) bool { return !f.delivered })
}

func (s *session) asksSwitchover() bool {
	return s.wire.Feature("connection") >= icws.ConnectionWithSwitchover && !s.loop.gone[icws.OpSwitchoverStatus] &&
		s.hasDelivered() && !s.any(func(f *feed) bool { return f.awaiting != nil })
}

// askSwitchover reads the switchover status. Nothing depends on it, so that only
// the end of the session is a reason to react.
func (s *session) askSwitchover(ctx context.Context) error {
	s.switchoverAt = s.feeds[StatusMessages].checkAt // after the next check, on its connection
	var status icws.SwitchoverStatus
	err := s.call(func() (err error) {
		status, err = s.wire.SwitchoverStatus(ctx)
		return err
	})
	switch {
	case err == nil:
		s.loop.switchover = switchoverOf(status)
	case faultOf(err) == faultGone || faultOf(err) == faultUnauthorized:
		return fmt.Errorf("asking for the switchover status: %w", err)
	default:
		s.log.Debug("the switchover status is not known", "err", err)
	}
	return nil
}

// leave ends the session on the server, also when ctx has ended: a session left
// behind costs the server a slot. It is bounded by leaveTimeout.
//
// A session that the server has ended is left alone. One that was answered 401 gets
// the DELETE of the session only: the 401 may have been a proxy's.
func (s *session) leave(ctx context.Context, reason CloseReason) {
	if s.pump != nil {
		s.pump.close()
		s.pump = nil
	}
	if reason == CloseServerClosed {
		s.wire.Close()
		return
	}
	ctx = context.WithoutCancel(ctx)
	if reason != CloseUnauthorized {
		if err := withTimeout(ctx, leaveTimeout/3, s.unsubscribe); err != nil {
			s.log.Debug("leaving: the subscription was not removed", "err", err)
		}
	}
	if err := withTimeout(ctx, leaveTimeout*2/3, s.wire.End); err != nil {
		s.log.Debug("leaving: the session is not ended yet; that is tried again", "err", err)
		s.loop.ledger.owe(s.cfg.serverUserAt(s.loop.activeHost), s.loop.reporter(), s.wire)
	}
}

// unsubscribe removes every subscription.
func (s *session) unsubscribe(ctx context.Context) error {
	for _, f := range s.feeds {
		if !f.subscribed {
			continue
		}
		if err := s.wire.Unsubscribe(ctx, f.wire); err != nil {
			return err
		}
	}
	return nil
}

func withTimeout(ctx context.Context, d time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return call(ctx)
}
