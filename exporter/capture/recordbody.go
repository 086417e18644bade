package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
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
// byte arrives, and hands the bytes on.
type recordedStream struct {
	recorder *Recorder
	exchange int64
	src      io.ReadCloser
	closed   atomic.Bool // Close may come while a Read waits
	once     sync.Once
	over     bool // its end is written; of the writer's goroutine

	line   []byte // so far
	event  event  // so far
	begun  bool   // it has data
	tooBig int64  // bytes of it that were not kept
}

// event is an event of a stream.
type event struct {
	id, name string
	data     []byte
}

// Read implements io.Reader.
func (s *recordedStream) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		text, after, ended := bytes.Cut(rest, []byte("\n"))
		s.grow(text)
		if ended {
			s.endLine()
		}
		rest = after
	}
	if err != nil {
		s.end(err)
	}
	return n, err
}

// Close implements io.Closer.
func (s *recordedStream) Close() error {
	s.closed.Store(true)
	s.end(nil)
	return s.src.Close()
}

// record writes a part of the stream, unless its end is written: Close may come while
// a Read has a part.
func (s *recordedStream) record(part func(*redactor) line) {
	at := s.recorder.since()
	s.recorder.lines <- func(r *redactor) line {
		if s.over {
			return line{}
		}
		l := part(r)
		l.T, l.Exchange = new(seconds(at)), s.exchange
		s.over = l.End != ""
		return l
	}
}

// end says who ended the stream.
func (s *recordedStream) end(err error) {
	s.once.Do(func() {
		by := endBroken
		switch {
		case s.closed.Load() || err != nil && strings.Contains(err.Error(), "context canceled"):
			by = endClient
		case errors.Is(err, io.EOF):
			by = endServer
		}
		s.record(func(*redactor) line { return line{End: by} })
	})
}

// grow adds to the line, within the bound of one answer.
func (s *recordedStream) grow(p []byte) {
	room := max(0, s.recorder.maxBody-int64(len(s.line)+len(s.event.data)))
	if int64(len(p)) > room {
		s.tooBig += int64(len(p)) - room
		p = p[:room]
	}
	s.line = append(s.line, p...)
}

// endLine takes one line of the stream (protocol.md, 3.2).
func (s *recordedStream) endLine() {
	text := string(bytes.TrimSuffix(s.line, []byte("\r")))
	s.line = s.line[:0]
	field, value, _ := strings.Cut(text, ":")
	value = strings.TrimPrefix(value, " ")
	switch {
	case text == "":
		s.endEvent()
	case field == "":
		s.record(func(r *redactor) line { return line{Comment: new(r.value(value))} })
	case field == "data":
		if s.begun {
			s.event.data = append(s.event.data, '\n')
		}
		s.event.data, s.begun = append(s.event.data, value...), true
	case field == "id":
		s.event.id = value
	case field == "event":
		s.event.name = value
	}
}

func (s *recordedStream) endEvent() {
	done, begun, tooBig := s.event, s.begun, s.tooBig
	s.event, s.begun, s.tooBig = event{}, false, 0
	if !begun {
		return
	}
	s.record(func(r *redactor) line {
		l := line{ID: r.value(done.id), Event: r.value(done.name)}
		if tooBig > 0 {
			l.LeftOut = fmt.Sprintf("%d bytes more than the limit of an answer", tooBig)
		} else {
			l.body = r.body(false, done.data, true, false)
		}
		return l
	})
}
