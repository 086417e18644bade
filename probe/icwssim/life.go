package icwssim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Life is the random life of the catalogue: statuses are changed, added and
// removed, and their number stays near the one at the start, or becomes about ten
// if that is less. A status that a user is in is not removed. The edits follow from Seed alone.
type Life struct {
	// Interval is the mean time between two deltas; 0: no life.
	Interval time.Duration
	Seed     uint64
}

// smallestLife is the number of statuses that the random life keeps at least near.
const smallestLife = 10

// lifeStream keeps the random numbers of life apart from those of Catalogue.
const lifeStream = 1

// live takes a step again and again until Close, at intervals of that mean; 0: never.
func (s *Server) live(mean time.Duration, random *rand.Rand, step func(n int)) {
	if mean <= 0 {
		return
	}
	s.running.Go(func() {
		for {
			s.mu.Lock()
			timer := time.NewTimer(time.Duration((0.5 + random.Float64()) * float64(mean)))
			s.mu.Unlock()
			select {
			case <-timer.C:
				step(1)
			case <-s.closing.Done():
				timer.Stop()
				return
			}
		}
	})
}

// Step makes n random edits now, in deltas of one to three.
func (s *Server) Step(n int) {
	for n > 0 {
		n -= s.step(n)
	}
}

// step makes one delta of at most three edits and returns how many it made.
func (s *Server) step(most int) int {
	return told(s, func() int {
		touched := map[string]bool{}
		edits := make([]Edit, min(most, 1+s.random.IntN(3)))
		for i := range edits {
			edits[i] = s.randomEdit(touched)
		}
		s.apply(edits)
		return len(edits)
	})
}

// randomEdit invents an edit of a status not yet touched by this delta. Adding is
// the likelier, the more statuses are missing, and removing, the more are too many.
func (s *Server) randomEdit(touched map[string]bool) Edit {
	entries := s.catalogue.entries
	if len(entries) <= len(touched) {
		return s.randomAddition(touched)
	}
	e := entries[s.random.IntN(len(entries))]
	for touched[fold(e.status.ID)] {
		e = entries[s.random.IntN(len(entries))]
	}
	lack := float64(s.size-len(entries)) / float64(s.size)
	switch p := s.random.Float64(); {
	case p < 0.2+lack:
		return s.randomAddition(touched)
	case p > 0.8+lack && !s.people.anyIn(e.status.ID):
		touched[fold(e.status.ID)] = true
		return Remove(s.otherCase(e.status.ID))
	}
	touched[fold(e.status.ID)] = true
	changed := s.mutate(e.status)
	for changed == e.status {
		changed = s.mutate(e.status)
	}
	return Change(changed)
}

func (s *Server) randomAddition(touched map[string]bool) Edit {
	st := inventStatus(s.random)
	for n := 2; ; n++ {
		if _, known := s.catalogue.place[fold(st.ID)]; !known && !touched[fold(st.ID)] {
			touched[fold(st.ID)] = true
			return Add(st)
		}
		st.ID = fmt.Sprintf("%s %d", strings.TrimRight(st.ID, " 0123456789"), s.random.IntN(n*100))
	}
}

// mutate changes the group, the text, or one or two flags.
func (s *Server) mutate(st Status) Status {
	switch s.random.IntN(6) {
	case 0:
		st.Group = groups[s.random.IntN(len(groups))]
	case 1:
		st.Text = fmt.Sprintf("%s (%d)", strings.TrimRight(st.ID, " ()0123456789"), s.random.IntN(1000))
	default:
		flags := st.flags()
		for range 1 + s.random.IntN(2) {
			f := flags[s.random.IntN(len(flags))]
			*f = !*f
		}
	}
	return st
}

// otherCase sometimes writes an id in another case, as servers may. Only ASCII
// letters change: the folding rule for others is not known.
func (s *Server) otherCase(id string) string {
	if s.random.IntN(3) > 0 {
		return id
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, id)
}
