package probe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"icws_exporter/probe/icws"
)

const (
	// maxOwed is how many sessions are owed to one server at most, and owedTime how
	// long: a session that nobody uses expires long before that.
	maxOwed  = 16
	owedTime = time.Hour
	// owedPatience is how long a session that the server does not end keeps us from
	// making another there. A session that nobody uses expires in about this time
	// (protocol.md, 1.6 and 7).
	owedPatience = 5 * time.Minute
	// The pauses between two attempts to end what is owed.
	firstPause = 5 * time.Second
	maxPause   = time.Minute
	lastPause  = 500 * time.Millisecond // while the process ends
)

// owed is a session of ours whose end the server has not confirmed.
type owed struct {
	session *icws.Session
	since   time.Time
	by      reporter
}

// reporter is where it is reported what becomes of a session.
type reporter struct {
	name     string // of the server
	observer Observer
	log      *slog.Logger
}

// owe takes over a session that could not be ended.
func (l *Ledger) owe(a ServerUser, by reporter, session *icws.Session) {
	l.mu.Lock()
	oldest := l.add(a, by, session)
	l.mu.Unlock()
	oldest.abandonForRoom()
}

// add is owe for the holder of mu. It returns the session that is owed no more,
// because there are too many, or nil.
func (l *Ledger) add(a ServerUser, by reporter, session *icws.Session) (oldest *owed) {
	s := l.at(a)
	s.owed = append(s.owed, &owed{session, time.Now(), by})
	if len(s.owed) > maxOwed {
		oldest, s.owed = s.owed[0], slices.Delete(s.owed, 0, 1)
	}
	if !s.collecting && !l.closed {
		s.collecting = true
		l.running.Go(func() { l.collect(a, s) })
	}
	return oldest
}

func (o *owed) abandonForRoom() {
	if o != nil {
		o.abandon(fmt.Sprintf("there are more than %d such sessions on the server", maxOwed))
	}
}

// hurry has what is owed for a user of a server ended now, when there is reason to believe
// that it can be. The caller holds mu.
func (l *Ledger) hurry(a ServerUser) {
	if s := l.serverUsers[a]; s != nil && s.collecting {
		select {
		case s.hurry <- struct{}{}:
		default:
		}
	}
}

// answers says that the user's server answers again.
func (l *Ledger) answers(a ServerUser) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hurry(a)
}

// abandon says that nobody will end the session any more.
func (o *owed) abandon(why string) {
	o.by.observer.SessionAbandoned()
	o.by.log.Warn("a session could not be ended; it stays on the server until that lets it expire", "host", o.session.Host(), "why", why)
}

// collect ends what is owed for a user of a server, trying again and again, until nothing is.
func (l *Ledger) collect(a ServerUser, s *serverUserState) {
	for pause := firstPause; ; pause = min(max(2*pause, firstPause), maxPause) {
		select {
		case <-time.After(pause):
		case <-s.hurry:
			pause = 0
		case <-l.closing: // the end takes it from here
			return
		}
		if l.sinceTried(s) >= pause/2 { // else a log-on has just tried
			_ = l.settle(l.ctx, a) // what fails is tried again
		}
		expired, done := l.expire(a, s)
		for _, o := range expired {
			o.abandon(fmt.Sprintf("the server has not confirmed its end for %s", owedTime))
		}
		if done {
			return
		}
	}
}

// expire removes what is owed for too long, and says whether anything is left.
func (l *Ledger) expire(a ServerUser, s *serverUserState) (expired []*owed, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(s.owed) > 0 && time.Since(s.owed[0].since) >= owedTime { // the oldest is the first
		expired = append(expired, s.owed[0])
		s.owed = slices.Delete(s.owed, 0, 1)
	}
	if len(s.owed) > 0 {
		return expired, false
	}
	s.collecting = false
	l.tidy(a)
	return expired, true
}

// settle tries once to end every session that is owed for a user of a server. It returns why
// no session may be made there now: one may still live that could not be ended.
func (l *Ledger) settle(ctx context.Context, a ServerUser) (blocked error) {
	s, err := l.takeTurn(ctx, a)
	if s == nil {
		return err
	}
	defer l.endTurn(a, s)
	l.mu.Lock()
	s.tried = time.Now()
	all := slices.Clone(s.owed)
	l.mu.Unlock()
	for _, o := range all {
		err := o.session.End(ctx)
		if err == nil {
			l.mu.Lock()
			s.owed = slices.DeleteFunc(s.owed, func(x *owed) bool { return x == o })
			l.mu.Unlock()
			continue
		}
		if time.Since(o.since) < owedPatience && blocked == nil {
			blocked = &owedError{err}
		}
		if lastCode(err) == 0 {
			break // nobody answers
		}
	}
	return blocked
}

func (l *Ledger) sinceTried(s *serverUserState) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(s.tried)
}

// owedError is a session that has to be ended before there may be another.
type owedError struct{ err error }

func (e *owedError) Error() string {
	return "the session before could not be ended, and no second one is made: " + e.err.Error()
}

// Unwrap returns why not, unless that would say something of log-ons: a 410 or a 400
// of a DELETE says nothing of them.
func (e *owedError) Unwrap() error {
	if code := lastCode(e.err); code == http.StatusGone || code == http.StatusBadRequest {
		return nil
	}
	return e.err
}

// takeTurn waits until nobody else ends what is owed for a user of a server. It returns nil
// when nothing is owed.
func (l *Ledger) takeTurn(ctx context.Context, a ServerUser) (*serverUserState, error) {
	l.mu.Lock()
	s := l.serverUsers[a]
	if s == nil || len(s.owed) == 0 {
		l.mu.Unlock()
		return nil, nil
	}
	select {
	case s.turn <- struct{}{}:
		l.mu.Unlock()
		return s, nil
	default:
	}
	l.mu.Unlock()
	select {
	case s.turn <- struct{}{}:
		return s, nil
	case <-ctx.Done():
		return nil, &owedError{ctx.Err()}
	}
}

func (l *Ledger) endTurn(a ServerUser, s *serverUserState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	<-s.turn // the next one has it now, which tidy sees
	l.tidy(a)
}

// owedAt returns how many sessions are owed for a user of a server.
func (l *Ledger) owedAt(a ServerUser) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.serverUsers[a]; s != nil {
		return len(s.owed)
	}
	return 0
}

// owedBy counts the sessions owed for the users, and those that the server of that
// name has left behind at other hosts.
func (l *Ledger) owedBy(name string, serverUsers []ServerUser) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for a, s := range l.serverUsers {
		if slices.Contains(serverUsers, a) {
			n += len(s.owed)
			continue
		}
		for _, o := range s.owed {
			if o.by.name == name {
				n++
			}
		}
	}
	return n
}
