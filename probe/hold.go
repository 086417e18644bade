package probe

import (
	"fmt"
	"slices"
	"time"
)

// maxRefusals is how many refused passwords are remembered for an account.
const maxRefusals = 16

// refusal is a password that a server has refused. It is not tried again before
// until, whatever else changes. It holds no password.
type refusal struct {
	password digest
	until    time.Time
	count    int // of refusals in a row, by which the hold grows
	reason   string
}

// refused notes that a server refused the password for the accounts, which are the
// same one on all hosts of the server, and holds it.
func (l *Ledger) refused(accounts []Account, password digest, schedule hold, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := refusal{password: password, reason: reason}
	for _, a := range accounts {
		if before := l.at(a).refusal(password); before != nil {
			r.count = max(r.count, before.count)
		}
	}
	schedule.count = r.count
	r.until = time.Now().Add(schedule.next())
	r.count = schedule.count
	for _, a := range accounts {
		s := l.at(a)
		s.forget(password)
		s.refusals = append(s.refusals, r)
		if len(s.refusals) > maxRefusals {
			s.refusals = slices.Delete(s.refusals, 0, 1)
		}
	}
}

// accepted notes that a server took the password.
func (l *Ledger) accepted(accounts []Account, password digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range accounts {
		l.at(a).forget(password)
		l.tidy(a)
	}
}

// held returns the refusal that keeps the password from being tried now.
func (l *Ledger) held(accounts []Account, password digest) (refusal, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var held refusal
	for _, a := range accounts {
		s := l.accounts[a]
		if s == nil {
			continue
		}
		if r := s.refusal(password); r != nil && r.until.After(time.Now()) && r.until.After(held.until) {
			held = *r
		}
	}
	return held, held.count > 0
}

func (s *standing) refusal(password digest) *refusal {
	i := slices.IndexFunc(s.refusals, func(r refusal) bool { return r.password == password })
	if i < 0 {
		return nil
	}
	return &s.refusals[i]
}

func (s *standing) forget(password digest) {
	s.refusals = slices.DeleteFunc(s.refusals, func(r refusal) bool { return r.password == password })
}

// refusedReason says why the next log-on waits, in the operator's words.
func refusedReason(host string, err error) string {
	return fmt.Sprintf("log-on failed: %s: %v; more tries could lock the account, so the next one waits", host, err)
}
