package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"icws_exporter/probe/icws"
)

// streamError is the loss of the event stream.
type streamError struct{ err error }

func (e *streamError) Error() string { return fmt.Sprintf("the event stream ended: %v", e.err) }
func (e *streamError) Unwrap() error { return e.err }

// openStream opens the event stream. A server or proxy that cannot stream is
// polled instead.
func (s *session) openStream(ctx context.Context) error {
	var stream *icws.Stream
	err := s.call(func() (err error) {
		stream, err = s.wire.Stream(ctx)
		return err
	})
	if err != nil {
		return s.streamRefused(err)
	}
	now := time.Now()
	if s.streamed {
		s.brokenAt = now
	}
	s.streamed = true
	s.contact.reopened(now)
	s.pump = startPump(stream, s.contact)
	for _, f := range s.feeds {
		f.lost(LossStreamLost)
		if f.subscribed {
			f.suspect = true
			f.ask(ResyncStreamReopened)
		}
	}
	for _, f := range s.loop.optionalFeeds {
		f.streamLost()
	}
	return nil
}

// streamRefused reacts to a stream that cannot be opened. With transport auto it
// is left alone for an hour when the server does not have it, or when its headers
// do not come although the log-on worked, twice: a proxy that holds them back.
func (s *session) streamRefused(err error) error {
	now := time.Now()
	switch faultOf(err) {
	case faultGone:
		s.loop.gone[icws.OpStream] = true
		s.pollInstead(err)
		return nil
	case faultUndecodable, faultRefused:
		if s.cfg.Transport == ModeAuto {
			s.loop.streaming.avoid(now)
		}
	case faultTransient:
		if !s.streamed && (icws.ReasonOf(err) == icws.FailTimeout || lastCode(err) == http.StatusNotImplemented) {
			s.undelivered()
		}
	}
	if s.loop.streaming.avoided(now) {
		s.pollInstead(err)
		return nil
	}
	return fmt.Errorf("opening the event stream: %w", err)
}

func (s *session) pollInstead(err error) {
	s.log.Warn("polling instead of streaming", "reason", err)
	for _, f := range s.feeds {
		f.lost(LossStreamLost)
	}
	for _, f := range s.loop.optionalFeeds {
		f.streamLost()
	}
	s.transport = TransportPoll
	s.pollAt = time.Now()
	s.failedAt = s.pollAt // polling is the try at once
}

// streamReady decodes the event that the pump found, or learns how the stream
// ended.
func (s *session) streamReady(err error) error {
	if err != nil {
		return &streamError{err}
	}
	s.pump.stalled.Reset(s.cfg.RequestTimeout)
	message, err := s.pump.stream.Decode(s.readers...)
	if !s.pump.stalled.Stop() && err != nil {
		err = streamTimeout{stalledAfter, s.cfg.RequestTimeout} // and not that we cut it then
	}
	switch {
	case err == nil:
		s.received(message)
		s.pump.resume <- struct{}{}
		return nil
	case icws.ReasonOf(err) == icws.FailDecode && !s.pump.stream.Broken():
		s.pump.resume <- struct{}{}
		s.undecodable()
		return err
	default:
		return &streamError{err}
	}
}

// undecodable takes note of a message that was lost because it made no sense. It
// may have been of any subscription.
func (s *session) undecodable() {
	for _, f := range s.feeds {
		s.observer.MessageDecodeFailed(f.what)
		f.missed(ResyncDecodeFailure)
	}
	for _, f := range s.loop.optionalFeeds {
		f.undecodable()
	}
}

// poll fetches what waits.
func (s *session) poll(ctx context.Context) error {
	if s.pollFailed {
		s.brokenAt = time.Now()
	}
	err := s.call(func() error {
		return s.wire.Poll(ctx, s.readers, s.received)
	})
	s.pollFailed = err != nil
	now := time.Now()
	if err == nil {
		s.contact.read(now)
		s.pollAt = now.Add(s.pollEvery)
		s.pollEvery = min(2*s.pollEvery, s.cfg.PollInterval)
		if !s.any(func(f *feed) bool { return f.awaiting != nil }) {
			s.succeeded()
		}
		return nil
	}
	if icws.ReasonOf(err) == icws.FailDecode && ctx.Err() == nil {
		s.undecodable()
	}
	if mayHaveLostMessages(err) {
		for _, f := range s.feeds {
			f.missed(ResyncPollLost)
		}
		for _, f := range s.loop.optionalFeeds {
			f.missed(ResyncPollLost)
		}
	}
	return fmt.Errorf("polling for messages: %w", err)
}

// pollSoon polls at a fast pace: a message is awaited.
func (s *session) pollSoon() {
	s.pollEvery = firstPollDelay
	s.pollAt = time.Now().Add(firstPollDelay)
}

// received applies one whole message.
func (s *session) received(m icws.Message) {
	now := time.Now()
	switch m.Kind {
	case icws.KindContent:
		for _, f := range s.feeds {
			if f.wire == m.From {
				f.received(m, now)
			}
		}
		for _, f := range s.loop.optionalFeeds {
			if f.wire == m.From {
				f.received(m, now)
			}
		}
		return
	case icws.KindConnectionState:
		s.connectionChanged(m.Connection, now)
	case icws.KindSubscriptionState:
		s.subscriptionChanged(m.Subscription)
	}
	for _, f := range s.feeds {
		f.LastMessage = now
	}
	// It is about no subscription: counted once.
	s.observer.MessageReceived(s.feeds[0].what, MessageOther)
}

const maxLoggedIDBytes = 128

// loggable cuts ids to a length that fits into a log line.
func loggable(ids []string) []string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = shortened(id, maxLoggedIDBytes)
	}
	return short
}

// connectionChanged reacts to the server's word that the session goes down.
func (s *session) connectionChanged(c icws.ConnectionStateChange, now time.Time) {
	if !c.Down {
		return
	}
	end := &sessionEnd{
		err:   fmt.Errorf("%w: %s", errSessionEnded, c.Reason),
		close: CloseServerClosed, loss: LossServerClosed, state: StateConnecting,
	}
	if s.loop.switchesOver() {
		end.loss = LossSwitchover
	}
	switch {
	case c.ShouldReconnect == nil && s.loop.endedAgain(now, true):
		end.displaced(now)
	case c.ShouldReconnect != nil && !*c.ShouldReconnect:
		end.err = fmt.Errorf("%w; it asks us not to reconnect: another log-on of the same user, or an administrator", end.err)
		end.loss, end.state, end.until = LossDisplaced, StateDisplacedHold, now.Add(displacedHold)
	case now.Before(s.retryAt):
		end.state, end.until = StateBackoff, s.retryAt // as was announced
	case now.Sub(s.opened) < stableAfter:
		end.state, end.until = StateBackoff, now.Add(s.loop.backoff.next())
	}
	s.over = end
}

// subscriptionChanged notes what the server says of a subscription.
func (s *session) subscriptionChanged(state icws.SubscriptionState) {
	if int(state) >= NumSubscriptionStates {
		return
	}
	several := slices.ContainsFunc(s.loop.optionalFeeds, func(f registeredFeed) bool { return f.isSubscribed() })
	faulted := false
	for _, f := range s.feeds {
		faulted = f.stateSaid(state, several) || faulted
	}
	for _, f := range s.loop.optionalFeeds {
		f.stateSaid(state)
	}
	if faulted {
		// A server that says so again and again must not be hurried.
		s.loop.cause = errFaulted
		s.loop.wait(errFaulted.Error(), nil)
		s.retryAt = s.loop.nextAttempt
	}
}
