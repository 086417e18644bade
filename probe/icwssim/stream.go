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
	broken  bool          // a Script has its end be a break
}

func (st *stream) wake() {
	select {
	case st.woken <- struct{}{}:
	default:
	}
}

// openStream attaches a stream to the session of the call.
func (s *Server) openStream(c *call) answer {
	x := c.session
	if len(x.streams) > 0 {
		switch s.quirks.SecondStream {
		case "refused":
			return badRequest("error.request.streamExists", "The session has an open stream already.")
		case "replaces":
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
	var period time.Duration
	ping := time.NewTicker(time.Hour)
	ping.Stop()
	defer ping.Stop()
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		// A change of the limits wakes the stream.
		asked, left := s.streamTimes(st)
		idle.Reset(left)
		if asked != period {
			if period = asked; period > 0 {
				ping.Reset(period)
			} else {
				ping.Stop()
			}
		}
		select {
		case <-st.woken:
			if !s.goOn(c, st) {
				return
			}
			events, over := s.nextEvents(st)
			if len(events) > 0 && out.write(events) != nil {
				return
			}
			if over && st.broken {
				panic(http.ErrAbortHandler)
			}
			if over {
				return
			}
		case <-ping.C:
			if !s.goOn(c, st) || out.write([]byte(":ping\n\n")) != nil {
				return
			}
		case <-idle.C:
			st.wake() // a late message may be due
		case <-st.done:
			return
		case <-c.request.Context().Done():
			return
		case <-s.closing.Done():
			return
		}
	}
}

// goOn waits while a fault has the stream stand still, and says whether it is
// still wanted then.
func (s *Server) goOn(c *call, st *stream) bool {
	still := s.stillness(c)
	if still == nil {
		return true
	}
	select {
	case <-still:
		return true
	case <-st.done:
	case <-c.request.Context().Done():
	case <-s.closing.Done():
	}
	return false
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
		if m.end {
			st.broken = m.broken
			return b.Bytes(), true
		}
		if s.quirks.Replay {
			b.WriteString("id: " + strconv.Itoa(m.number) + "\n")
		}
		b.WriteString(m.head + "data: ")
		b.Write(m.json)
		b.WriteString("\n\n")
	}
	return b.Bytes(), st.session.ended && len(st.session.queue) == 0
}

// streamTimes returns the time between pings, 0 for none, and when to ask again
// whether the session of st has expired. An expired one wakes its streams.
func (s *Server) streamTimes(st *stream) (ping, idle time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	idle, idles := s.idleLeft(st.session)
	if !idles {
		idle = time.Duration(s.quirks.SessionIdle)
	}
	if queue := st.session.queue; len(queue) > 0 {
		idle = min(idle, max(time.Until(queue[0].due), 0))
	}
	return time.Duration(s.quirks.PingInterval), idle
}
