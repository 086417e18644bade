package probe

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// streamError is the loss of the event stream.
type streamError struct{ err error }

func (e *streamError) Error() string { return fmt.Sprintf("the event stream ended: %v", e.err) }
func (e *streamError) Unwrap() error { return e.err }

// openStream opens the event stream. A server or proxy that cannot stream is
// polled instead.
func (w *watch) openStream(ctx context.Context) error {
	var stream *icws.Stream
	err := w.call(func() (err error) {
		stream, err = w.s.Stream(ctx)
		return err
	})
	if err != nil {
		return w.streamRefused(err)
	}
	w.streamed = true
	w.contact.reopened(time.Now())
	w.pump = startPump(stream, w.contact)
	if w.subscribed {
		w.suspect = true
		w.ask(ResyncStreamReopened)
	}
	return nil
}

// streamRefused reacts to a stream that cannot be opened. With transport auto it
// is left alone for an hour when the server does not have it, or when its headers
// do not come although the log-on worked, twice: a proxy that holds them back.
func (w *watch) streamRefused(err error) error {
	now := time.Now()
	switch faultOf(err) {
	case faultGone:
		w.l.gone[icws.OpStream] = true
		w.pollInstead(err)
		return nil
	case faultUndecodable, faultRefused:
		if w.l.cfg.Transport == ModeAuto {
			w.l.pollOnlyUntil = now.Add(pollOnlyTime)
		}
	case faultTransient:
		if !w.streamed && (icws.ReasonOf(err) == icws.FailTimeout || lastCode(err) == http.StatusNotImplemented) {
			w.l.streamUndelivered(now)
		}
	}
	if now.Before(w.l.pollOnlyUntil) {
		w.pollInstead(err)
		return nil
	}
	return fmt.Errorf("opening the event stream: %w", err)
}

func (w *watch) pollInstead(err error) {
	w.l.log.Warn("polling instead of streaming", "reason", err)
	w.l.transport = TransportPoll
	w.pollAt = time.Now()
}

// streamReady decodes the event that the pump found, or learns how the stream
// ended.
func (w *watch) streamReady(ctx context.Context, err error) *sessionEnd {
	if err != nil {
		return w.failed(ctx, &streamError{err})
	}
	stalled := time.AfterFunc(w.l.cfg.RequestTimeout, w.pump.cut)
	message, err := w.pump.stream.Decode(w.l.reader)
	if !stalled.Stop() && err != nil {
		err = errStalled{w.l.cfg.RequestTimeout} // and not that we cut it then
	}
	switch {
	case err == nil:
		w.received(message)
		w.pump.resume <- struct{}{}
		return nil
	case icws.ReasonOf(err) == icws.FailDecode:
		w.pump.resume <- struct{}{}
		w.undecodable()
		return w.failed(ctx, err)
	default:
		return w.failed(ctx, &streamError{err})
	}
}

// undecodable takes note of a message that was lost because it made no sense.
func (w *watch) undecodable() {
	w.l.observer.MessageDecodeFailed()
	w.abandon()
	w.suspect = true
	w.ask(ResyncDecodeFailure)
}

// poll fetches what waits.
func (w *watch) poll(ctx context.Context) error {
	err := w.call(func() error {
		return w.s.Poll(ctx, []*icws.Reader{w.l.reader}, w.received)
	})
	now := time.Now()
	if err == nil {
		w.contact.read(now)
		w.pollAt = now.Add(w.pollEvery)
		w.pollEvery = min(2*w.pollEvery, w.l.cfg.PollInterval)
		if w.awaiting == nil {
			w.succeeded()
		}
		return nil
	}
	if icws.ReasonOf(err) == icws.FailDecode && ctx.Err() == nil {
		w.undecodable()
	}
	if mayHaveLostMessages(err) {
		w.abandon()
		w.suspect = true
		w.ask(ResyncPollLost)
	}
	return fmt.Errorf("polling for messages: %w", err)
}

// received applies one whole message.
func (w *watch) received(m icws.Message) {
	now := time.Now()
	w.l.lastMessage = now
	switch m.Kind {
	case icws.KindContent:
		w.statusReceived(m, now)
		return
	case icws.KindConnectionState:
		w.connectionChanged(m.Connection, now)
	case icws.KindSubscriptionState:
		w.subscriptionChanged(m.Subscription)
	}
	w.l.observer.MessageReceived(MessageOther)
}

func (w *watch) statusReceived(m icws.Message, now time.Time) {
	if !m.IsDelta {
		w.l.observer.MessageReceived(MessageFull)
		result := w.l.catalogue.CommitFull(now)
		w.committed(now, result)
		w.fullArrived(now, result)
		return
	}
	w.l.observer.MessageReceived(MessageDelta)
	if !w.delivered {
		if w.awaiting == nil {
			w.ask(ResyncDeltaBeforeFull)
		}
		return
	}
	w.committed(now, w.l.catalogue.CommitDelta(now))
}

// committed tells what a message or list did to the live copy.
func (w *watch) committed(now time.Time, r catalogue.Result) {
	w.l.observer.CatalogueCommitted(r)
	if r.Total() > 0 {
		w.l.lastChange = now
		w.l.groupsChanged = true
	}
}

const maxLoggedIDBytes = 128

// loggable cuts ids to a length that a log line bears.
func loggable(ids []string) []string {
	short := make([]string, len(ids))
	for i, id := range ids {
		if len(id) > maxLoggedIDBytes {
			id = strings.ToValidUTF8(id[:maxLoggedIDBytes], "") + "…"
		}
		short[i] = id
	}
	return short
}

// connectionChanged reacts to the server's word that the session goes down.
func (w *watch) connectionChanged(c icws.ConnectionStateChange, now time.Time) {
	if c.New != icws.ConnectionDown {
		return
	}
	end := &sessionEnd{
		err:   fmt.Errorf("the server ended the session: %s", c.Reason),
		close: CloseServerClosed, loss: LossStreamLost, state: StateConnecting,
	}
	if w.l.switchover.Active {
		end.loss = LossSwitchover
	}
	switch {
	case c.ShouldReconnect != nil && !*c.ShouldReconnect:
		end.err = fmt.Errorf("%w; it asks us not to reconnect: another log-on of the same user, or an administrator", end.err)
		end.loss, end.state, end.until = LossDisplaced, StateDisplacedHold, now.Add(displacedHold)
	case now.Before(w.retryAt):
		end.state, end.until = StateBackoff, w.retryAt // as was announced
	case now.Sub(w.opened) < calmAfter:
		end.state, end.until = StateBackoff, now.Add(w.l.backoff.next())
	}
	w.over = end
}

// subscriptionChanged notes what the server says of the subscription. While our
// own DELETE and PUT are under way, it says it because of them.
func (w *watch) subscriptionChanged(s icws.SubscriptionState) {
	if int(s) < NumSubscriptionStates {
		w.l.subscription = SubscriptionState(s)
	}
	if s != icws.SubscriptionFaulted || w.awaiting != nil && (w.awaiting.renewed || w.awaiting.isFirst()) {
		return
	}
	w.abandon()
	w.l.lose(LossFaulted)
	w.suspect, w.renew = true, true
	w.ask(ResyncFaulted)
	// A server that says so again and again must not be hurried.
	w.l.wait("the server says that the subscription is faulted", nil)
	w.retryAt = w.l.nextAttempt
}
