package probe

import (
	"sync"
	"sync/atomic"
	"time"

	"icws_exporter/probe/icws"
)

const (
	minSilence = 45 * time.Second
	// pollOnlyTime is how long a stream that is no good is left alone.
	pollOnlyTime = time.Hour
	// pingNotice is how long after the one before a ping is worth a turn of the loop.
	pingNotice = time.Second
	// knownPace is how many pings that came one by one tell the pace of the server.
	knownPace = 8
)

// contact notes the bytes of the stream as they arrive. The stream's reader
// writes it, the loop reads it.
type contact struct {
	last    atomic.Int64 // unix nanoseconds of the last byte
	longest atomic.Int64 // the longest gap between two pings, in nanoseconds
	pings   atomic.Uint64
	spaced  atomic.Uint64 // pings that were not read together with the one before
	pinged  chan struct{} // tells the loop of a ping, as an event tells it of itself

	lastPing time.Time // of the reader alone
}

func newContact() *contact { return &contact{pinged: make(chan struct{}, 1)} }

// read notes that bytes arrived.
func (c *contact) read(now time.Time) { c.last.Store(now.UnixNano()) }

// ping notes a heartbeat of the stream.
func (c *contact) ping(now time.Time) {
	if !c.lastPing.IsZero() {
		c.longest.Store(max(c.longest.Load(), int64(now.Sub(c.lastPing))))
	}
	c.pings.Add(1)
	last := c.lastPing
	if c.lastPing = now; now.Sub(last) < pingNotice {
		return
	}
	c.spaced.Add(1)
	select {
	case c.pinged <- struct{}{}:
	default:
	}
}

// reopened forgets the last ping of the stream before: the gap to the next one
// is not the server's. Only while no reader runs.
func (c *contact) reopened(now time.Time) {
	c.lastPing = time.Time{}
	c.last.Store(now.UnixNano())
}

// waited takes note that nothing came for so long, which may be the server's pace: pings
// that were read late came sooner after each other than the server sends them. Once
// enough came one by one the pace is known, and the silence is the network's. Only while
// no reader runs.
func (c *contact) waited(silence time.Duration) {
	if c.spaced.Load() >= knownPace {
		return
	}
	c.longest.Store(max(c.longest.Load(), int64(silence)))
}

func (c *contact) time() time.Time {
	if n := c.last.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// silence is how long the stream may be silent: as configured, or three times
// the longest gap between pings; 0 while that is not known.
func (c *contact) silence(configured time.Duration) time.Duration {
	if configured > 0 {
		return configured
	}
	if c.pings.Load() < 2 {
		return 0
	}
	return max(minSilence, 3*time.Duration(c.longest.Load()))
}

// pump waits on a stream for the next event and hands the stream over to the
// loop for as long as that decodes it, so that the live copy keeps one owner.
type pump struct {
	stream  *icws.Stream
	contact *contact
	ready   chan error // nil: an event begins; else: how the stream ended
	resume  chan struct{}
	stop    chan struct{}
	stalled *time.Timer // cuts the stream while an event takes too long
	done    sync.WaitGroup
}

func startPump(s *icws.Stream, c *contact) *pump {
	p := &pump{
		stream: s, contact: c,
		ready: make(chan error), resume: make(chan struct{}), stop: make(chan struct{}),
	}
	p.stalled = time.AfterFunc(time.Hour, p.cut)
	p.stalled.Stop()
	p.done.Go(p.run)
	return p
}

func (p *pump) run() {
	for {
		err := p.stream.Next()
		select {
		case p.ready <- err:
		case <-p.stop:
			return
		}
		if err != nil {
			return
		}
		select {
		case <-p.resume:
		case <-p.stop:
			return
		}
	}
}

// cut ends the stream under its reader; any goroutine may call it. What closing
// a broken connection says is of no interest.
func (p *pump) cut() { _ = p.stream.Close() }

// close ends the stream and waits for the reader. Call it once, from the loop.
func (p *pump) close() {
	p.cut()
	close(p.stop)
	p.done.Wait()
}

// streaming remembers from session to session whether the event stream is any good.
type streaming struct {
	pollOnlyUntil time.Time
	undelivered   int // times in a row that it carried nothing
}

// wanted reports whether a new session should open the event stream.
func (m *streaming) wanted(mode TransportMode, s *icws.Session, now time.Time) bool {
	switch mode {
	case ModeSSE:
		return true
	case ModePoll:
		return false
	default:
		return s.Feature("messaging") >= icws.MessagingWithStream && !m.avoided(now)
	}
}

func (m *streaming) avoid(now time.Time) { m.pollOnlyUntil = now.Add(pollOnlyTime) }

func (m *streaming) avoided(now time.Time) bool { return now.Before(m.pollOnlyUntil) }

// undelivered counts the times in a row that the stream carried nothing although
// the PUT was answered: a proxy that buffers. Two are enough to poll.
func (s *session) undelivered() {
	if s.transport != TransportSSE {
		return
	}
	m := &s.loop.streaming
	m.undelivered++
	if m.undelivered >= 2 && s.cfg.Transport == ModeAuto {
		m.undelivered = 0
		m.avoid(time.Now())
		s.log.Warn("the event stream delivers nothing although subscribing works; polling for an hour (does a proxy buffer the stream?)")
	}
}
