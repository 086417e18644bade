package probe

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// maxRefusals is how many refused passwords are remembered for a user of a server.
const maxRefusals = 16

// refusal is a password with which a log-on was refused. It is not tried again before
// until, whatever else changes. It holds no password.
type refusal struct {
	password digest
	until    time.Time // zero: for as long as nobody asks for it
	count    int       // of refusals in a row, by which the hold grows
	reason   string
}

const (
	moreTries    = "; more tries could lock the user, so "
	notSentAgain = "this password is not sent again"
	nextWaits    = "the next one waits"
)

// refused notes that a log-on with the password was refused for the users, which
// are the same one on all hosts of the server, and holds it. Where ICWS says that user
// or password are wrong, they stay wrong until somebody changes something (P3). Any
// other refusal is not about them, may end by itself, and is tried again by schedule.
func (l *Ledger) refused(serverUsers []ServerUser, password digest, schedule hold, host string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := refusal{password: password}
	for _, a := range serverUsers {
		if before := l.at(a).refusal(password); before != nil {
			r.count = max(r.count, before.count)
		}
	}
	schedule.count = r.count
	pause := schedule.next()
	r.count = schedule.count
	r.reason = fmt.Sprintf("log-on failed: %s: %v%s", host, err, moreTries)
	if lastCode(err) == http.StatusBadRequest {
		r.reason += notSentAgain
	} else {
		r.until = time.Now().Add(pause)
		r.reason += nextWaits
	}
	for _, a := range serverUsers {
		s := l.at(a)
		s.forget(password)
		s.refusals = append(s.refusals, r)
		if len(s.refusals) > maxRefusals {
			s.refusals = slices.Delete(s.refusals, 0, 1)
		}
	}
}

// accepted notes that a server took the password.
func (l *Ledger) accepted(serverUsers []ServerUser, password digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range serverUsers {
		l.at(a).forget(password)
		l.tidy(a)
	}
}

// held returns the refusal that keeps the password from being tried now.
func (l *Ledger) held(serverUsers []ServerUser, password digest) (refusal, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var held refusal
	for _, a := range serverUsers {
		s := l.serverUsers[a]
		if s == nil {
			continue
		}
		switch r := s.refusal(password); {
		case r == nil:
		case r.until.IsZero():
			return *r, true
		case r.until.After(time.Now()) && r.until.After(held.until):
			held = *r
		}
	}
	return held, held.count > 0
}

// release lets a refused password be tried once more: somebody asked for it.
func (l *Ledger) release(serverUsers []ServerUser, password digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range serverUsers {
		if s := l.serverUsers[a]; s != nil {
			if r := s.refusal(password); r != nil {
				r.until = time.Now()
			}
		}
	}
}

func (s *serverUserState) refusal(password digest) *refusal {
	i := slices.IndexFunc(s.refusals, func(r refusal) bool { return r.password == password })
	if i < 0 {
		return nil
	}
	return &s.refusals[i]
}

func (s *serverUserState) forget(password digest) {
	s.refusals = slices.DeleteFunc(s.refusals, func(r refusal) bool { return r.password == password })
}
