package probe

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Ledger keeps what outlives a probe, by user and server: the sessions that still have to be
// ended, the log-ons whose answers are awaited, and the passwords that were refused.
// All probes of a process share one, so that no reload and no new name makes a
// second session or a second refused log-on. Any goroutine may call its methods.
type Ledger struct {
	key digestKey
	log *slog.Logger

	// ctx ends with the ledger, and with it everything that runs in it.
	ctx     context.Context
	cancel  context.CancelFunc
	closing chan struct{}
	running sync.WaitGroup

	mu          sync.Mutex
	closed      bool
	serverUsers map[ServerUser]*serverUserState
}

// serverUserState is what is known of one of them. It belongs to the holder of Ledger.mu.
type serverUserState struct {
	owed       []*owed
	logOn      *logOn // that is being made or awaited
	refusals   []refusal
	turn       chan struct{} // taken by the goroutine that ends what is owed
	tried      time.Time     // when somebody last did
	collecting bool          // a goroutine tries it again and again
	hurry      chan struct{} // it should try now
}

// NewLedger makes an empty ledger. The caller has to Close it.
func NewLedger(log *slog.Logger) *Ledger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{key: newDigestKey(), log: log, closing: make(chan struct{}), serverUsers: make(map[ServerUser]*serverUserState)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// at returns what is known of a user of a server. The caller holds mu.
func (l *Ledger) at(a ServerUser) *serverUserState {
	s := l.serverUsers[a]
	if s == nil {
		s = &serverUserState{turn: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
		l.serverUsers[a] = s
	}
	return s
}

// tidy forgets a user of which there is nothing to know. The caller holds mu.
func (l *Ledger) tidy(a ServerUser) {
	s := l.serverUsers[a]
	if s != nil && len(s.owed) == 0 && len(s.refusals) == 0 && s.logOn == nil && !s.collecting && len(s.turn) == 0 {
		delete(l.serverUsers, a)
	}
}

// CloseLimit is a good time to give to Close: a slow server needs it.
const CloseLimit = 12 * time.Second

// Close waits until every log-on is answered and every session is ended, for limit
// at most, and says what could not be. Call it when no probe runs any more; only
// the first call does anything.
func (l *Ledger) Close(limit time.Duration) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	close(l.closing)
	var open []ServerUser
	for a, s := range l.serverUsers {
		if len(s.owed) > 0 || s.logOn != nil {
			open = append(open, a)
		}
	}
	l.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var finishing sync.WaitGroup
	for _, a := range open {
		finishing.Go(func() { l.finish(ctx, a) })
	}
	finishing.Wait()
	l.logWhatIsLeft(open)
	l.cancel()
	l.running.Wait()
}

// lastTries is how often a session is tried to be ended while the process ends. A
// server that is gone must not hold that up; one that is slow has the whole time.
const lastTries = 3

// finish waits for the log-on of a user of a server and ends its sessions.
func (l *Ledger) finish(ctx context.Context, a ServerUser) {
	for range lastTries {
		l.mu.Lock()
		awaited := l.at(a).logOn
		l.mu.Unlock()
		if awaited != nil {
			select {
			case <-awaited.done:
			case <-ctx.Done():
				return
			}
		}
		_ = l.settle(ctx, a) // what is left is tried again, and logged in the end
		if l.owedAt(a) == 0 {
			return
		}
		select {
		case <-time.After(lastPause):
		case <-ctx.Done():
			return
		}
	}
}

func (l *Ledger) logWhatIsLeft(serverUsers []ServerUser) {
	l.mu.Lock()
	sessions, logOns, servers := 0, 0, []string{}
	var left []*owed
	for _, a := range serverUsers {
		s := l.at(a)
		left = append(left, s.owed...)
		sessions += len(s.owed)
		if s.logOn != nil {
			logOns++
		}
		if len(s.owed) > 0 || s.logOn != nil {
			servers = append(servers, a.server)
		}
	}
	l.mu.Unlock()
	if len(servers) == 0 {
		return
	}
	for _, o := range left {
		o.by.observer.SessionAbandoned()
	}
	slices.Sort(servers)
	servers = slices.Compact(servers)
	const most = 10
	named := strings.Join(servers[:min(most, len(servers))], ", ")
	l.log.Warn("sessions may be left on servers until these let them expire: they could not be ended before the process ended",
		"sessions_not_ended", sessions, "log_ons_not_answered", logOns, "servers", len(servers), "first", named)
}
