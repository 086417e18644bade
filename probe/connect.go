package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

const (
	applicationName = "icws_exporter"
	// maxPasswordDays is a century: more days mean never, or nothing.
	maxPasswordDays = 36500
)

// newClient makes the wire client of one host, with connections of its own.
func (l *loop) newClient(host string, onExchange func(icws.Exchange)) (*icws.Client, error) {
	base, err := icws.ExpandURL(l.cfg.URL, host)
	if err != nil {
		return nil, err
	}
	return icws.NewClient(base, l.p.opts.NewTransport(), icws.Options{
		UserAgent:        l.p.opts.UserAgent,
		Language:         l.cfg.Language,
		ApplicationName:  applicationName,
		MaxResponseBytes: l.cfg.MaxResponseBytes,
		RequestTimeout:   l.cfg.RequestTimeout,
		Screen:           l.screen,
		OnExchange: func(e icws.Exchange) {
			e.Host = host
			onExchange(e)
		},
		OnRead: l.onRead,
		OnPing: l.onPing,
	}), nil
}

// exchanged takes what one exchange with a host taught besides its answer. It is
// called on the goroutine that made the exchange.
func (l *loop) exchanged(host string, e icws.Exchange) {
	l.observer.Exchange(e)
	l.learned.note(host, e)
}

// passwordError is a password that cannot be read: no log-on is tried.
type passwordError struct{ err error }

func (e *passwordError) Error() string { return e.err.Error() }
func (e *passwordError) Unwrap() error { return e.err }

// heldError is a password that was refused: no log-on is tried before its time.
type heldError struct{ refusal }

func (e *heldError) Error() string { return e.reason }

// connect makes a session: one round over the hosts, as one call of the breaker, or
// the late answer to an earlier log-on.
func (l *loop) connect(ctx context.Context) (*icws.Session, error) {
	if lo := l.takeLate(); lo != nil {
		l.observer.SessionOpening()
		l.connected(lo.host, lo.session)
		return lo.session, nil
	}
	password, err := l.cfg.Password()
	if err != nil {
		return nil, &passwordError{err}
	}
	l.tried = l.ledger.key.of(password)
	if r, held := l.ledger.held(l.serverUsers, l.tried); held {
		return nil, &heldError{r}
	}
	cr := credentials{
		Credentials: icws.Credentials{User: l.cfg.User, Password: secret.New(password)}, digest: l.tried,
		serverUsers: l.serverUsers, schedule: hold{min: l.cfg.AuthHoldMin, max: l.cfg.AuthHoldMax},
	}
	l.opening = false
	round := icws.Round{
		Hosts:    append(append([]string{}, l.cfg.Hosts...), l.listed...),
		LogOn:    func(ctx context.Context, host string) (*icws.Session, error) { return l.logOn(ctx, host, cr) },
		Permit:   l.cfg.Permits,
		Rejected: l.rejectListed,
	}
	l.screen.Learn(l.cfg.ProxyPassword)
	var host string
	var session *icws.Session
	err = l.breaker.do(func() error {
		var err error
		host, session, err = round.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.connected(host, session)
	return session, nil
}

// logOn logs on to one host of a round. What is owed there is ended first, and a
// log-on that is under way is not doubled. One that was sent and is not answered in
// time goes on in the ledger.
func (l *loop) logOn(ctx context.Context, host string, cr credentials) (*icws.Session, error) {
	defer l.publish() // a round over dead hosts is long: each answer shows that we live
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	client, err := l.newClient(host, func(e icws.Exchange) { l.exchanged(host, e) })
	if err != nil {
		return nil, err
	}
	lo := &logOn{serverUser: l.cfg.serverUserAt(host), host: host, timeout: l.cfg.RequestTimeout}
	if err := l.ledger.awaits(lo.serverUser); err != nil {
		return nil, err
	}
	if !l.opening {
		l.opening = true
		l.observer.SessionOpening()
	}
	if look := l.p.opts.BeforeLogOn; look != nil {
		if err := look(ctx, host, client); err != nil {
			client.Close()
			return nil, err
		}
	}
	err = withTimeout(ctx, l.cfg.RequestTimeout, func(ctx context.Context) error { return l.ledger.settle(ctx, lo.serverUser) })
	l.publish()
	if err == nil {
		err = l.ledger.logOn(ctx, lo, client, cr, l.reporter(), l.notifyLate)
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	select {
	case <-lo.done:
		return lo.session, lo.err
	case <-lo.overdue:
	}
	select {
	case <-lo.done:
		return lo.session, lo.err
	default:
		l.awaited = append(l.awaited, lo)
		l.looks.hurry(host)
		return nil, &icws.RequestError{Operation: icws.OpConnect, Reason: icws.FailTimeout, Err: errOverdue}
	}
}

func (l *loop) reporter() reporter { return reporter{l.cfg.Name, l.observer, l.log} }

// notifyLate says that an awaited log-on is answered. Any goroutine may call it.
func (l *loop) notifyLate() {
	select {
	case l.late <- struct{}{}:
	default:
	}
}

// takeLate returns a log-on that was answered late with a session, or nil.
func (l *loop) takeLate() *logOn {
	for i, lo := range l.awaited {
		if lo.isDone() && lo.session != nil {
			l.awaited = slices.Delete(l.awaited, i, i+1)
			return lo
		}
	}
	return nil
}

// lateMatters looks at the awaited log-ons that are answered by now, and reports
// whether one ends a wait: it made a session, or was refused.
func (l *loop) lateMatters() bool {
	matters := false
	l.awaited = slices.DeleteFunc(l.awaited, func(lo *logOn) bool {
		if !lo.isDone() {
			return false
		}
		matters = matters || lo.session != nil || faultOf(lo.err) == faultAuth
		return lo.session == nil
	})
	return matters
}

// disownAwaited leaves the awaited log-ons to the ledger, which ends what comes of
// them: there is another session, or no probe any more.
func (l *loop) disownAwaited() {
	for _, lo := range l.awaited {
		l.ledger.disown(lo, l.reporter())
	}
	l.awaited = nil
}

// displacedWithin is how soon a server that does not say why it ends sessions has to
// end the next one to show that somebody else logs on as our user.
const displacedWithin = 5 * time.Minute

// endedAgain takes note that the server ended a session without shouldReconnect
// (protocol.md, 1.8), which servers with connection below 3 never send: with a word,
// or with a 401 where that came first. It reports whether it did so a short time ago,
// one of the two with a word.
func (l *loop) endedAgain(now time.Time, word bool) bool {
	again := !l.endedAt.IsZero() && now.Sub(l.endedAt) < displacedWithin && (word || l.endedWithWord)
	l.endedAt, l.endedWithWord = now, word
	return again
}

// displaced makes the end of a session one that is not fought.
func (e *sessionEnd) displaced(now time.Time) {
	e.err = fmt.Errorf("%w; it does that again and again and does not say why: probably another log-on of the same user", e.err)
	e.loss, e.state, e.until = LossDisplaced, StateDisplacedHold, now.Add(displacedHold)
}

// switchesOver reports whether the server moves to another host of ours.
func (l *loop) switchesOver() bool { return l.switchover.Active && len(l.hosts) > 1 }

// rejectListed takes note of a listed host that is not tried.
func (l *loop) rejectListed(entry string) {
	if l.cfg.movable() {
		l.reject(entry)
	}
}

// connected takes over what the 201 said.
func (l *loop) connected(host string, s *icws.Session) {
	now := time.Now()
	l.disownAwaited()
	if l.activeHost != "" && l.cfg.serverUserAt(l.activeHost) != l.cfg.serverUserAt(host) {
		l.observer.SwitchedOver()
		l.log.Warn("switched over to another host", "from", l.activeHost, "host", host)
		if l.breaker.state != BreakerClosed {
			l.observer.BreakerChanged(BreakerClosed)
		}
		l.breaker = newBreaker(l.cfg, l.observer)
	}
	l.activeHost = host
	l.host(host)
	for i := range l.hosts {
		l.hosts[i].Active = strings.EqualFold(l.hosts[i].Name, host)
	}
	l.noteListed(s.AlternateHosts())
	l.gone = [icws.NumOperations]bool{}
	l.switchover = Switchover{}
	l.product, l.release = l.screen.Show(s.Version().ProductID), l.screen.Show(s.Version().Release())
	l.icServer = l.screen.Show(s.ICServer())
	l.expiry = time.Time{}
	if days := s.DaysUntilPasswordExpiration(); days != nil && *days >= -maxPasswordDays && *days <= maxPasswordDays {
		l.expiry = now.Add(time.Duration(*days) * 24 * time.Hour)
	}
	l.sessionUp, l.sessionSince = true, now
	l.setState(StateSubscribing, "", time.Time{})
}

// connectFailed waits after a log-on that made no session, as the fault table
// says. It reports whether the loop goes on.
func (l *loop) connectFailed(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	f := faultOf(err)
	if f != faultBreaker {
		l.cause = err
	}
	defer l.noteAttempt()
	now := time.Now()
	var held *heldError
	if errors.As(err, &held) {
		return l.holdPassword(ctx, held.refusal)
	}
	var unreadable *passwordError
	if errors.As(err, &unreadable) {
		l.setState(StateBackoff, err.Error(), now.Add(l.cfg.BackoffMax))
		return l.sleepAfterAttempt(ctx)
	}
	if f == faultBreaker {
		l.observer.BreakerRejected()
		l.setState(StateBreakerOpen, breakerReason(l.reason), l.breaker.retryAt())
		return l.sleepAfterAttempt(ctx)
	}
	if l.opening {
		l.observer.SessionOpenFailed(openFailureOf(err))
	}
	reason := fmt.Sprintf("log-on failed: %v", err)
	switch f {
	case faultAuth:
		r, _ := l.ledger.held(l.serverUsers, l.tried)
		return l.holdPassword(ctx, r)
	case faultGone:
		l.gone[icws.OpConnect] = true
		l.setState(StateGoneHold, reason, now.Add(goneHold))
	case faultRefused:
		l.setState(StateBackoff, reason, now.Add(l.cfg.BackoffMax))
	default:
		l.wait(reason, err)
	}
	return l.sleepAfterAttempt(ctx)
}

// never is later than any process ends.
const never = 100 * 365 * 24 * time.Hour

// holdPassword waits for another password, or for a person, and by schedule only when
// it was not the password that was refused.
func (l *loop) holdPassword(ctx context.Context, r refusal) bool {
	l.setState(StateAuthHold, r.reason, r.until)
	l.noteAttempt()
	until := r.until
	if until.IsZero() {
		until = time.Now().Add(never)
	}
	return l.sleep(ctx, until, l.passwordChanged)
}

func (l *loop) sleepAfterAttempt(ctx context.Context) bool {
	l.noteAttempt()
	return l.sleep(ctx, l.nextAttempt, nil)
}

// wait enters the waiting state after a failure that the breaker has counted.
func (l *loop) wait(reason string, err error) {
	now := time.Now()
	until := now.Add(max(l.backoff.next(), min(retryAfterOf(err), maxRetryAfter)))
	if l.nextAttempt.After(until) {
		until = l.nextAttempt // announced already; a Retry-After may be behind it
	}
	if l.breaker.state == BreakerOpen {
		if retry := l.breaker.retryAt(); retry.After(until) {
			until = retry
		}
		l.setState(StateBreakerOpen, breakerReason(reason), until)
		return
	}
	l.setState(StateBackoff, reason, until)
}

const breakerPrefix = "too many failures, the last: "

func breakerReason(last string) string {
	if strings.HasPrefix(last, breakerPrefix) {
		return last
	}
	return breakerPrefix + last
}

// passwordChanged reports whether the password is one that the server has not
// refused lately: the only thing that ends an authentication hold early.
func (l *loop) passwordChanged() bool {
	password, err := l.cfg.Password()
	if err != nil {
		return false
	}
	if _, held := l.ledger.held(l.serverUsers, l.ledger.key.of(password)); held {
		return false
	}
	l.log.Info("the password changed; trying to log on")
	return true
}
