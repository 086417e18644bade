package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// recordedBody keeps a body while it is read, and writes the exchange at its end.
type recordedBody struct {
	recorder *Recorder
	exchange exchange
	src      io.ReadCloser
	kept     bytes.Buffer
	read     int64
	ended    bool
	once     sync.Once
}

// Read implements io.Reader.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	b.read += int64(n)
	if room := b.recorder.maxBody - int64(b.kept.Len()); room > 0 {
		b.kept.Write(p[:min(int64(n), room)])
	}
	if errors.Is(err, io.EOF) {
		b.ended = true
	}
	if err != nil {
		b.done()
	}
	return n, err
}

// Close implements io.Closer.
func (b *recordedBody) Close() error {
	b.done()
	return b.src.Close()
}

func (b *recordedBody) done() {
	b.once.Do(func() {
		x := b.exchange
		x.body = b.kept.Bytes()
		x.whole = (b.ended || b.read == x.response.ContentLength) && b.read <= b.recorder.maxBody
		x.end = b.recorder.since()
		if cause := x.request.Context().Err(); !x.whole && errors.Is(cause, context.Canceled) {
			x.err = cause // we broke it off, and not the server
		}
		b.recorder.lines <- x.line
	})
}

// recordedStream writes each event and each comment of a stream when its last
// byte arrives, and hands the bytes on at once.
type recordedStream struct {
	recorder *Recorder
	exchange int64
	src      io.ReadCloser

	mu     sync.Mutex // Close may come while a Read waits
	line   []byte
	event  event
	data   []byte
	begun  bool
	tooBig int64
	closed bool
	once   sync.Once
}

// Read implements io.Reader.
func (s *recordedStream) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	for _, event := range s.take(p[:n]) {
		s.recorder.lines <- event.line
	}
	if err != nil {
		s.end(err)
	}
	return n, err
}

// Close implements io.Closer.
func (s *recordedStream) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end(nil)
	return s.src.Close()
}

// end says who ended the stream.
func (s *recordedStream) end(err error) {
	s.once.Do(func() {
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		by := "broken"
		switch {
		case closed || err != nil && strings.Contains(err.Error(), "context canceled"):
			by = "client"
		case errors.Is(err, io.EOF):
			by = "server"
		}
		ended := event{at: s.recorder.since(), exchange: s.exchange, end: by}
		s.recorder.lines <- ended.line
	})
}

// take adds bytes and returns what they complete.
func (s *recordedStream) take(p []byte) []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var whole []event
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.grow(p)
			break
		}
		s.grow(p[:i])
		if event, ok := s.endLine(); ok {
			whole = append(whole, event)
		}
		p = p[i+1:]
	}
	return whole
}

// grow adds to the line, within the bound of one answer.
func (s *recordedStream) grow(p []byte) {
	room := s.recorder.maxBody - int64(len(s.line)+len(s.data))
	if int64(len(p)) > room {
		s.tooBig += int64(len(p)) - max(room, 0)
		p = p[:max(room, 0)]
	}
	s.line = append(s.line, p...)
}

// endLine takes one line of the stream (protocol.md, 3.2).
func (s *recordedStream) endLine() (event, bool) {
	line := string(bytes.TrimSuffix(s.line, []byte("\r")))
	s.line = s.line[:0]
	if line == "" {
		return s.endEvent()
	}
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "":
		return event{at: s.recorder.since(), exchange: s.exchange, comment: &value}, true
	case "data":
		if s.begun {
			s.data = append(s.data, '\n')
		}
		s.data, s.begun = append(s.data, value...), true
	case "id":
		s.event.id = value
	case "event":
		s.event.name = value
	}
	return event{}, false
}

func (s *recordedStream) endEvent() (event, bool) {
	done, begun := s.event, s.begun
	done.at, done.exchange, done.data, done.tooBig = s.recorder.since(), s.exchange, s.data, s.tooBig
	s.event, s.data, s.begun, s.tooBig = event{}, nil, false, 0
	return done, begun
}

// event is a part of a stream: an event, a comment, or the end.
type event struct {
	at       seconds
	exchange int64
	id, name string
	data     []byte
	tooBig   int64 // bytes that were not kept
	comment  *string
	end      string
}

func (e event) line(r *redactor) captureLine {
	line := captureEvent{T: e.at, Exchange: e.exchange, ID: r.value(e.id), Event: r.value(e.name), End: e.end}
	switch {
	case e.comment != nil:
		comment := r.value(*e.comment)
		line.Comment = &comment
	case e.tooBig > 0:
		line.LeftOut = fmt.Sprintf("%d bytes more than the limit of an answer", e.tooBig)
	default:
		line.captureBody = r.body(e.data, true, false)
	}
	return line
}
