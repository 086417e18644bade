package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"icws_exporter/probe/icws"
)

// logOnLimit is how long a log-on that was sent is awaited. The network may be gone
// for some minutes, and what it lost is then sent again at growing intervals.
const logOnLimit = 10 * time.Minute

// lostAfter is how many request timeouts a log-on is awaited once the server answers
// others again: then it was lost on the way. A network that was gone for minutes
// sends again what it has lost within two minutes.
const lostAfter = 12

var (
	errLedgerClosed = errors.New("the exporter is ending")
	// errOverdue is a log-on that goes on although its time is over.
	errOverdue = errors.New("no complete answer in time; the log-on is awaited")
)

// awaitedError says that no log-on is sent to a host, because one is under way.
type awaitedError struct{ since time.Time }

func (e *awaitedError) Error() string {
	return fmt.Sprintf("the log-on of %s is not answered yet; it is awaited, and no second one is sent",
		e.since.UTC().Format("15:04:05 UTC"))
}

// logOn is one log-on from its request to its answer, which may come when the probe
// that sent it is gone.
type logOn struct {
	serverUser ServerUser
	host       string
	since      time.Time
	overdue    chan struct{} // closed when it is sent and its time is over
	done       chan struct{} // closed when session and err are there
	timeout    time.Duration // of a request
	cancel     context.CancelCauseFunc
	session    *icws.Session
	err        error
	// unwanted says that the probe which sent it is gone, or has another session.
	// It belongs to the holder of Ledger.mu, and so does when the log-on is taken for
	// lost.
	unwanted bool
	lost     *time.Timer
}

// credentials are what a log-on is made with, and what a refusal of it means.
type credentials struct {
	icws.Credentials
	digest      digest
	serverUsers []ServerUser // that the password is for
	schedule    hold
}

// isDone reports whether the answer is there.
func (lo *logOn) isDone() bool {
	select {
	case <-lo.done:
		return true
	default:
		return false
	}
}

// awaits returns an error when a log-on of the user is under way.
func (l *Ledger) awaits(a ServerUser) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.serverUsers[a]; s != nil && s.logOn != nil {
		return &awaitedError{s.logOn.since}
	}
	return nil
}

// logOn sends a log-on. It goes on also after unsent has ended, if it has been sent
// by then. notify is called when it is done.
func (l *Ledger) logOn(unsent context.Context, lo *logOn, c *icws.Client, cr credentials, by reporter, notify func()) error {
	lo.overdue, lo.done, lo.since = make(chan struct{}), make(chan struct{}), time.Now()
	limit, stop := context.WithTimeout(l.ctx, logOnLimit)
	ctx, cancel := context.WithCancelCause(limit)
	lo.cancel = cancel
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.at(lo.serverUser)
	switch {
	case l.closed:
		stop()
		return errLedgerClosed
	case s.logOn != nil:
		stop()
		return &awaitedError{s.logOn.since}
	}
	s.logOn = lo
	l.running.Go(func() {
		defer stop()
		lo.session, lo.err = c.LogOn(ctx, cr.Credentials, unsent, func() { close(lo.overdue) })
		l.logOnEnded(lo, cr, by)
		notify()
	})
	return nil
}

// logOnEnded takes note of the answer to a log-on, also when nobody wants it any more.
func (l *Ledger) logOnEnded(lo *logOn, cr credentials, by reporter) {
	serverUsers := append([]ServerUser{lo.serverUser}, cr.serverUsers...)
	var unread *icws.UnreadSessionError
	made := lo.session
	switch {
	case lo.err == nil:
		l.accepted(serverUsers, cr.digest)
	case faultOf(lo.err) == faultAuth:
		l.refused(serverUsers, cr.digest, cr.schedule, lo.host, lo.err)
	case errors.As(lo.err, &unread):
		made = unread.Session
	}
	l.mu.Lock()
	var oldest *owed
	if made != nil && (lo.err != nil || lo.unwanted) {
		oldest = l.add(lo.serverUser, by, made)
		l.hurry(lo.serverUser)
	}
	if lo.lost != nil {
		lo.lost.Stop()
	}
	l.at(lo.serverUser).logOn = nil
	l.tidy(lo.serverUser)
	close(lo.done)
	l.mu.Unlock()
	oldest.abandonForRoom()
}

// disown gives up a log-on and its session: what comes of it is ended.
func (l *Ledger) disown(lo *logOn, by reporter) {
	l.mu.Lock()
	var oldest *owed
	if !lo.unwanted && lo.isDone() && lo.session != nil {
		oldest = l.add(lo.serverUser, by, lo.session)
		l.hurry(lo.serverUser)
	}
	lo.unwanted = true // else logOnEnded does it
	l.mu.Unlock()
	oldest.abandonForRoom()
}

// answered says that the user's server has answered a request that was sent at the
// time: a log-on from before it that stays without an answer is lost.
func (l *Ledger) answered(a ServerUser, asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.serverUsers[a]
	if s == nil || s.logOn == nil || s.logOn.lost != nil || asked.Sub(s.logOn.since) < s.logOn.timeout {
		return
	}
	lo := s.logOn
	lo.lost = time.AfterFunc(lostAfter*lo.timeout, func() { lo.cancel(context.DeadlineExceeded) })
}
