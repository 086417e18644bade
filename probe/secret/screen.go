package secret

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Withheld stands in place of a text that holds a secret.
const Withheld = "<withheld: it holds a secret>"

const (
	// mostPasswords and mostSessions are how many a Screen remembers, newest first.
	mostPasswords, mostSessions = 8, 8
	// sessionBytes is the length below which an id or a token guards nothing.
	sessionBytes = 6
	// mostShown is how much of a text is shown. All of it is looked at.
	mostShown = 8 << 10
)

// Screen stands between the texts that come from one server and those who read them.
// Whatever such a text is shown in (log, page, API, report), it goes through Show
// once: when it holds a secret of the server it is withheld, and never edited. What
// is compared, counted or connected to does not go through a Screen.
//
// Any goroutine may use it. A nil Screen knows no secret.
type Screen struct {
	mu        sync.Mutex // for learning; a look only loads the finder
	known     [][]string
	passwords []Text
	sessions  [][]Text
	finder    atomic.Pointer[Finder]
}

// NewScreen makes a screen. Known phrases are no secrets and may be shown also when
// they hold one, such as the hosts of the configuration.
func NewScreen(known ...string) *Screen { return &Screen{known: [][]string{known}} }

// Know adds phrases that are no secrets. A list must not be changed afterwards: the
// screens of thousands of servers share that of our own words.
func (s *Screen) Know(phrases ...string) {
	s.learn(func() bool {
		isNew := func(phrase string) bool {
			return !slices.ContainsFunc(s.known, func(list []string) bool { return slices.Contains(list, phrase) })
		}
		if !slices.ContainsFunc(phrases, isNew) {
			return false
		}
		s.known = append(s.known, phrases)
		return true
	})
}

// Learn remembers passwords: of the user, of a proxy. Call it before they are sent.
func (s *Screen) Learn(passwords ...Text) {
	s.learn(func() (isNew bool) {
		for _, p := range passwords {
			at := slices.IndexFunc(s.passwords, p.Equal)
			if at >= 0 {
				s.passwords = slices.Delete(s.passwords, at, at+1) // to the front
			}
			isNew = isNew || at < 0 && !p.IsZero()
			s.passwords = keep(s.passwords, p, mostPasswords)
		}
		return isNew
	})
}

// LearnSession remembers the secrets of a session: its id, token and cookie. Call it
// before anything else that the server says is shown.
func (s *Screen) LearnSession(secrets ...Text) {
	s.learn(func() bool {
		secrets = slices.DeleteFunc(slices.Clone(secrets), func(t Text) bool { return len(t.Reveal()) < sessionBytes })
		s.sessions = keep(s.sessions, secrets, mostSessions)
		return len(secrets) > 0
	})
}

func keep[T any](list []T, newest T, most int) []T {
	list = slices.Insert(list, 0, newest)
	return list[:min(len(list), most)]
}

func (s *Screen) learn(change func() bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if change() {
		s.finder.Store(NewFinder(append(slices.Concat(s.sessions...), s.passwords...), slices.Concat(s.known...)))
	}
}

// Holds reports whether a secret is in the text, however it is spelled.
func (s *Screen) Holds(text string) bool { return s != nil && s.finder.Load().In(text) }

// Show returns the text as it may be shown: Withheld when it holds a secret, else the
// text with its control characters made visible, and cut when it is very long.
func (s *Screen) Show(text string) string {
	if s.Holds(text) {
		return Withheld
	}
	return Escape(shortened(text))
}
