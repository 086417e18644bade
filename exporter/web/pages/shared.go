package pages

import (
	"sync"
	"time"
)

// sharedFor is how long what was made serves others who ask for the same, so that
// many open pages cost hardly more than one.
const sharedFor = lookInterval / 2

// asOf is a key of something that every reload makes anew.
type asOf[K comparable] struct {
	key      K
	reloaded time.Time
}

// shared keeps what was made last, by key. Who asks while it is being made waits
// for it.
type shared[K comparable, V any] struct {
	mu   sync.Mutex
	made map[K]*making[V]
}

type making[V any] struct {
	mu    sync.Mutex
	at    time.Time // zero: not yet
	value V
}

// mostShared bounds what is kept for keys that nobody asks for any more.
const mostShared = 64

func (s *shared[K, V]) get(key K, now time.Time, make func(last V) V) V {
	m := s.of(key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() || now.Sub(m.at).Abs() >= sharedFor {
		m.value, m.at = make(m.value), now
	}
	return m.value
}

func (s *shared[K, V]) of(key K) *making[V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.made[key]
	if !ok {
		if s.made == nil || len(s.made) >= mostShared {
			s.made = map[K]*making[V]{}
		}
		m = &making[V]{}
		s.made[key] = m
	}
	return m
}
