package icwssim

import (
	"maps"
	"slices"
	"time"
)

// Exchange is one answered ICWS request. It holds no body and no credential.
type Exchange struct {
	Time      time.Time // of arrival
	Method    string
	Path      string // without query
	Operation string
	Session   string
	Code      int           // 0: the connection was ended without an answer
	Took      time.Duration // until the headers
	Fault     int           // that acted on it
}

// Counts are the answers given so far, by operation and code.
type Counts map[string]map[int]int

// Of returns how many answers an operation was given, of any code if none is named.
func (c Counts) Of(operation string, codes ...int) int {
	n := 0
	for code, count := range c[operation] {
		if len(codes) == 0 || slices.Contains(codes, code) {
			n += count
		}
	}
	return n
}

// journal belongs to the holder of Server.mu.
type journal struct {
	exchanges []Exchange
	counts    Counts
	logOns    map[string]int
}

// journalSize is how many exchanges are kept.
const journalSize = 1000

func (j *journal) add(e Exchange) {
	if len(j.exchanges) >= 2*journalSize { // moved so rarely that it costs nothing
		j.exchanges = append(j.exchanges[:0], j.last()...)
	}
	j.exchanges = append(j.exchanges, e)
	if j.counts[e.Operation] == nil {
		j.counts[e.Operation] = map[int]int{}
	}
	j.counts[e.Operation][e.Code]++
}

// last are the exchanges that are kept.
func (j *journal) last() []Exchange {
	return j.exchanges[max(0, len(j.exchanges)-journalSize):]
}

// note writes a call into the journal.
func (s *Server) note(c *call, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := Exchange{
		Time: c.arrived, Method: c.request.Method, Path: c.path, Operation: c.endpoint.operation,
		Session: c.sid, Code: code, Took: time.Since(c.arrived), Fault: c.faultID,
	}
	if c.session != nil {
		e.Session = c.session.id
	}
	s.journal.add(e)
}

// Journal returns the last exchanges, oldest first.
func (s *Server) Journal() []Exchange { return s.Last(journalSize) }

// Last returns the last n exchanges at most, oldest first.
func (s *Server) Last(n int) []Exchange {
	return told(s, func() []Exchange {
		kept := s.journal.last()
		return slices.Clone(kept[max(0, len(kept)-n):])
	})
}

// Counts returns the answers given since New.
func (s *Server) Counts() Counts {
	return told(s, func() Counts {
		counts := make(Counts, len(s.journal.counts))
		for operation, codes := range s.journal.counts {
			counts[operation] = maps.Clone(codes)
		}
		return counts
	})
}

// LogOns returns how often each user tried to log on with a password.
func (s *Server) LogOns() map[string]int {
	return told(s, func() map[string]int { return maps.Clone(s.journal.logOns) })
}
