package icwssim

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// stream is one open event stream of a session (protocol.md, 3.2).
type stream struct {
	session *session
	woken   chan struct{} // capacity 1: look at the queue
	done    chan struct{} // closed when another stream took its place
}

// openStream attaches a stream to the session of the call.
func (s *Server) openStream(c *call) answer {
	x := c.session
	if len(x.streams) > 0 {
		switch s.quirks.SecondStream {
		case SecondRefused:
			return badRequest("error.request.streamExists", "The session has an open stream already.")
		case SecondReplacesFirst:
			for _, old := range x.streams {
				close(old.done)
			}
			x.streams = nil
		}
	}
	st := &stream{session: x, woken: make(chan struct{}, 1), done: make(chan struct{})}
	x.streams = append(x.streams, st)
	st.woken <- struct{}{}
	if last, err := strconv.Atoi(c.request.Header.Get("Last-Event-ID")); err == nil && s.quirks.Replay {
		missed := slices.DeleteFunc(slices.Clone(x.sent), func(m message) bool { return m.number <= last })
		x.queue = append(missed, x.queue...)
	}
	return answer{code: http.StatusOK, header: http.Header{
		"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"},
	}, stream: st}
}

// closeStream detaches st: from now on the session idles.
func (s *Server) closeStream(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := st.session
	if i := slices.Index(x.streams, st); i >= 0 {
		x.streams = slices.Delete(x.streams, i, i+1)
		if !s.quirks.StreamDoesNotKeepAlive {
			x.used = time.Now()
		}
	}
}

// serveStream writes events until the client, the session or the server ends.
func (s *Server) serveStream(c *call, st *stream, out *reply) {
	var ping <-chan time.Time
	if s.opts.PingInterval > 0 {
		ticker := time.NewTicker(s.opts.PingInterval)
		defer ticker.Stop()
		ping = ticker.C
	}
	idle := time.NewTimer(s.opts.SessionIdle)
	defer idle.Stop()
	for {
		var text []byte
		select {
		case <-st.woken:
			events, over := s.nextEvents(st)
			if len(events) > 0 && out.write(events) != nil || over {
				return
			}
			continue
		case <-ping:
			text = []byte(":ping\n\n")
		case <-idle.C:
			left, over := s.streamIdle(st)
			if over {
				return
			}
			idle.Reset(left)
		case <-st.done:
			return
		case <-c.request.Context().Done():
			return
		case <-s.closing.Done():
			return
		}
		if len(text) > 0 && out.write(text) != nil {
			return
		}
	}
}

// nextEvents takes what is queued, as events; over says that none will follow.
func (s *Server) nextEvents(st *stream) (events []byte, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-st.done: // the other stream takes the messages
		return nil, true
	default:
	}
	var b bytes.Buffer
	for _, m := range st.session.take(s.quirks.Replay) {
		if s.quirks.Replay {
			b.WriteString("id: " + strconv.Itoa(m.number) + "\n")
		}
		b.WriteString("data: ")
		b.Write(m.json)
		b.WriteString("\n\n")
	}
	return b.Bytes(), st.session.ended
}

// streamIdle says when to ask again whether the session of st has expired.
func (s *Server) streamIdle(st *stream) (left time.Duration, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	left, idles := s.idleLeft(st.session)
	if !idles {
		left = s.opts.SessionIdle
	}
	return left, st.session.ended
}
