package probe

import (
	"context"
	"errors"
	"fmt"
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
		OnRead:       l.observer.Read,
		OnStreamRead: l.onStreamRead,
		OnPing:       l.onPing,
	}), nil
}

// exchanged takes what one exchange of the loop with a host taught besides its
// answer.
func (l *loop) exchanged(host string, e icws.Exchange) {
	l.observer.Exchange(e)
	if !e.Date.IsZero() {
		// Date counts whole seconds: its middle is the best guess.
		middle := e.Start.Add(e.Duration / 2)
		l.offset, l.offsetKnown = e.Date.Add(time.Second/2).Sub(middle), true
	}
	if !e.NotAfter.IsZero() {
		l.certificates[host] = e.NotAfter
	}
	// A round over dead hosts is long: each of its answers shows that we live.
	l.publish()
}

// passwordError is a password that cannot be read: no log-on is tried.
type passwordError struct{ err error }

func (e *passwordError) Error() string { return e.err.Error() }
func (e *passwordError) Unwrap() error { return e.err }

// connect makes a session: one round over the hosts, as one call of the breaker.
func (l *loop) connect(ctx context.Context) (*icws.Session, error) {
	password, err := l.cfg.Password()
	if err != nil {
		return nil, &passwordError{err}
	}
	round := icws.Round{
		Hosts: append(append([]string{}, l.cfg.Hosts...), l.listed...),
		Client: func(host string) (*icws.Client, error) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return l.newClient(host, func(e icws.Exchange) { l.exchanged(host, e) })
		},
		Permit:   func(host string) bool { return l.cfg.movable() && l.policy.permits(host) },
		Rejected: l.rejectListed,
	}
	l.screen.Learn(l.cfg.ProxyPassword)
	logOn, release := graceful(ctx, connectGrace)
	defer release()
	var host string
	var session *icws.Session
	err = l.breaker.do(func() error {
		l.observer.SessionOpening()
		var err error
		host, session, err = round.Connect(logOn, icws.Credentials{User: l.cfg.User, Password: secret.New(password)})
		return err
	})
	if err != nil {
		if faultOf(err) == faultAuth {
			l.refusedPassword = password
		}
		return nil, err
	}
	l.connected(host, session)
	return session, nil
}

// rejectListed is told of each listed host that is not tried.
func (l *loop) rejectListed(entry string) {
	if l.cfg.movable() {
		l.reject(entry)
	}
}

// connectGrace is how long a log-on under way may go on when the probe stops: a
// session whose 201 nobody reads could not be ended.
const connectGrace = 2 * time.Second

// graceful returns a context that ends grace after ctx does. Call release when
// it is not needed any more.
func graceful(ctx context.Context, grace time.Duration) (_ context.Context, release func()) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-late.Done():
		}
	})
	return late, func() {
		stop()
		cancel()
	}
}

// connected takes over what the 201 said.
func (l *loop) connected(host string, s *icws.Session) {
	now := time.Now()
	if l.activeHost != "" && !strings.EqualFold(l.activeHost, host) {
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
	f := faultOf(err)
	if ctx.Err() != nil && f != faultAuth {
		return false // but a refusal is left to the next probe of the server
	}
	defer l.outcome()
	now := time.Now()
	var unreadable *passwordError
	if errors.As(err, &unreadable) {
		l.setState(StateBackoff, err.Error(), now.Add(l.cfg.BackoffMax))
		return l.sleepAfterOutcome(ctx, nil)
	}
	if f == faultBreaker {
		l.observer.BreakerRejected()
		l.setState(StateBreakerOpen, breakerReason(l.reason), l.breaker.retryAt())
		return l.sleepAfterOutcome(ctx, nil)
	}
	l.observer.SessionOpenFailed(openFailureOf(err))
	reason := fmt.Sprintf("log-on failed: %v", err)
	switch f {
	case faultAuth:
		l.setState(StateAuthHold, reason+"; more tries could lock the account, so the next one waits", now.Add(l.authHold.next()))
		return l.sleepAfterOutcome(ctx, l.passwordChanged)
	case faultGone:
		l.gone[icws.OpConnect] = true
		l.setState(StateGoneHold, reason, now.Add(goneHold))
	case faultRefused:
		l.setState(StateBackoff, reason, now.Add(l.cfg.BackoffMax))
	default:
		l.wait(reason, err)
	}
	return l.sleepAfterOutcome(ctx, nil)
}

func (l *loop) sleepAfterOutcome(ctx context.Context, wake func() bool) bool {
	l.outcome()
	return l.sleep(ctx, l.nextAttempt, wake)
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

// passwordChanged reports whether the password is another one than the server
// refused: the only thing that ends an authentication hold early.
func (l *loop) passwordChanged() bool {
	password, err := l.cfg.Password()
	if err != nil || password == l.refusedPassword {
		return false
	}
	l.log.Info("the password changed; trying to log on")
	return true
}
