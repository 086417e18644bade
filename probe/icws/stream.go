package icws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

var errStreamClosed = fmt.Errorf("the stream was closed: %w", net.ErrClosed)

// Stream is the open event stream of a session (protocol.md, 3.2). Next and
// Decode belong to one goroutine at a time; Close may be called from any. Whoever
// opened it has to Close it.
type Stream struct {
	ctx    context.Context // ends with the stream, not with a call
	cancel context.CancelCauseFunc
	code   int
	body   *bodyReader
	events *eventReader
	closed atomic.Bool
}

// Stream opens the event stream. It returns when the headers have arrived, a
// *ResponseError or a *RequestError otherwise; an answer that is no event stream
// is FailDecode. The end of ctx closes the stream. How long it may be silent is
// up to the caller.
func (s *Session) Stream(ctx context.Context) (*Stream, error) {
	c := s.client
	ctx, cancel := context.WithCancelCause(ctx)
	x := Exchange{Operation: OpStream, Start: time.Now()}
	headers := time.AfterFunc(c.opts.RequestTimeout, func() { cancel(context.DeadlineExceeded) })
	a, err := c.send(ctx, s.request(OpStream, resources[OpStream].path), &x)
	if err == nil {
		err = a.mustStream()
	}
	if !headers.Stop() && err == nil {
		err = failure(ctx, OpStream, x.Code, context.DeadlineExceeded)
	}
	c.report(x, err)
	if err != nil {
		cancel(nil)
		if a != nil {
			a.body.src.Close()
		}
		return nil, err
	}
	st := &Stream{ctx: ctx, cancel: cancel, code: a.code, body: a.body}
	st.events = newEventReader(a.body, c.opts.MaxResponseBytes, c.opts.OnPing)
	return st, nil
}

func (a *answer) mustStream() error {
	contentType := a.header.Get("Content-Type")
	media, _, _ := strings.Cut(contentType, ";")
	if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
		return nil
	}
	err := fmt.Errorf("the content type is %q instead of text/event-stream", cut(contentType, 80))
	return &RequestError{Operation: OpStream, Reason: FailDecode, Code: a.code, Err: err}
}

// Next waits until the next event begins and skips what is left of the one
// before. It returns io.EOF when the server ended the stream between two events,
// and a *RequestError when it broke off. After an error the stream is of no more
// use.
func (st *Stream) Next() error {
	err := st.events.Next()
	if err == nil || errors.Is(err, io.EOF) && !st.closed.Load() && st.ctx.Err() == nil {
		return err
	}
	return st.failure(err)
}

// Decode reads the message of the event that Next found; its content goes to the
// reader of its subscription. Like every message it counts only when it is whole. An event that makes
// no sense is a *RequestError of FailDecode and costs only itself: go on with
// Next. After any other error the stream is of no more use.
func (st *Stream) Decode(to ...*Reader) (Message, error) {
	d := newDocument(st.events)
	defer d.release()
	m := d.message(to)
	err := d.end()
	switch {
	case err == nil:
		return m, nil
	case st.events.err != nil:
		return m, st.failure(st.events.err)
	default:
		return m, &RequestError{Operation: OpStream, Reason: FailDecode, Code: st.code, Err: err}
	}
}

// Broken reports whether the transfer has failed, not only an event. Like Decode it
// belongs to the goroutine that reads.
func (st *Stream) Broken() bool { return st.events.err != nil }

func (st *Stream) failure(err error) error {
	if st.closed.Load() {
		return &RequestError{Operation: OpStream, Reason: FailCanceled, Code: st.code, Err: errStreamClosed}
	}
	return failure(st.ctx, OpStream, st.code, err)
}

// Close ends the stream; a Next or Decode that waits returns a *RequestError of
// FailCanceled. Only the first call does anything.
func (st *Stream) Close() error {
	if st.closed.Swap(true) {
		return nil
	}
	// Canceled first: it ends a read that waits, which closing alone would wait for.
	st.cancel(errors.New("stream closed"))
	return st.body.src.Close()
}
