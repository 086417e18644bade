package probe

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

const (
	// heartbeatInterval is how long the loop sleeps at most: longer than a stream sleeps
	// between two pings, which wake the loop anyway.
	heartbeatInterval = 20 * time.Second
	// stableAfter is how long a session must be live until earlier failures are
	// forgotten; a 201 alone proves nothing.
	stableAfter = time.Minute
	// passwordLookInterval is how often a held log-on looks for a new password.
	passwordLookInterval = 10 * time.Second
	maxListedHosts       = 8
	// goneHold and displacedHold wait for a person, not for the server.
	goneHold      = 15 * time.Minute
	displacedHold = 15 * time.Minute
	maxRetryAfter = 15 * time.Minute
)

// loop is the state of one running probe. All of it belongs to one goroutine.
type loop struct {
	p        *Probe
	cfg      *Config // the probe's; Adjust changes what is Optional in it
	observer Observer
	log      *slog.Logger
	screen   *secret.Screen
	rand     *rand.Rand
	breaker  *breaker
	looks    hostLooks

	backoff          backoff
	unauthorizedHold hold

	ledger      *Ledger
	serverUsers []ServerUser
	tried       digest        // of the password of the last log-on
	opening     bool          // the running round has sent a log-on
	awaited     []*logOn      // that were not answered in time
	late        chan struct{} // one of them is answered
	learned     learned

	wanted   *Optional // as looked at last
	licences licenceReader

	feeds         []*feed
	optionalFeeds []registeredFeed
	answered      chan struct{} // a request beside the loop is
	optional      budget        // of the requests that a server could do without
	session       *session      // the running one, or the last; nil before the first
	streaming     streaming

	state       State
	stateSince  time.Time
	reason      string
	nextAttempt time.Time
	cause       error // of the last failure since it was live; nil: none
	retryNow    bool  // somebody wants no more waiting

	// retriedUnauthorized says that the running session replaced one that was
	// answered 401: a third session does not fix a second 401 soon after.
	retriedUnauthorized bool
	endedAt             time.Time // a session, by the server, which did not say why
	endedWithWord       bool      // but said that it did

	hosts      []Host
	listed     []string // alternate hosts of the last 201
	rejected   map[string]bool
	activeHost string
	expiry     time.Time
	gone       [icws.NumOperations]bool
	switchover Switchover

	product, release, icServer string

	sessionUp    bool
	sessionSince time.Time
	lastContact  time.Time
	turned       moment    // when the clocks were compared last
	turnEnds     time.Time // at the latest, while it runs
}

func newLoop(p *Probe) *loop {
	cfg, wanted, answered := &p.cfg, p.optional.Load(), make(chan struct{}, 1)
	cfg.Users, cfg.Licences = wanted.Users, wanted.Licences // it may have been adjusted since New
	l := &loop{
		p: p, cfg: cfg, observer: p.opts.Observer, rand: p.opts.Rand,
		log: p.opts.Logger.With("server", cfg.Name), screen: p.opts.Screen,
		breaker: newBreaker(cfg, p.opts.Observer),
		backoff: backoff{min: cfg.BackoffMin, max: cfg.BackoffMax, rand: p.opts.Rand},
		ledger:  p.ledger, serverUsers: cfg.ServerUsers(), late: make(chan struct{}, 1),
		unauthorizedHold: hold{min: cfg.AuthHoldMin, max: cfg.AuthHoldMax},
		hosts:            configuredHosts(cfg.Hosts),
		rejected:         make(map[string]bool),
		stateSince:       time.Now(),
		wanted:           wanted,
		licences:         licenceReader{state: LicenceState{On: cfg.Licences}, jobs: jobs{answered: answered}},
		answered:         answered,
	}
	l.feeds = l.newFeeds()
	l.addOptionalFeeds()
	return l
}

// run is the whole life of the probe.
func (l *loop) run(ctx context.Context) {
	l.publish()
	if !l.sleep(ctx, time.Now().Add(l.p.opts.StartDelay), nil) {
		return
	}
	l.learnPasswords()
	l.startHostLooks(ctx)
	defer l.stop()
	for ctx.Err() == nil {
		session, err := l.connect(ctx)
		if err != nil {
			if !l.connectFailed(ctx, err) {
				return
			}
			continue
		}
		end := l.serve(ctx, session)
		if !l.sessionEnded(ctx, end) {
			return
		}
	}
}

// stop ends what the loop began beside itself.
func (l *loop) stop() {
	l.publish()
	l.log.Info("stopped watching")
	l.disownAwaited()
	l.looks.stop()
}

// serve runs one session from its 201 to its DELETE.
func (l *loop) serve(ctx context.Context, wire *icws.Session) *sessionEnd {
	l.session = newSession(l, wire)
	end := l.session.run(ctx)
	for _, f := range l.feeds {
		if ctx.Err() == nil {
			f.lost(end.loss)
		}
		f.Up, f.lossPending = false, false // before leaving, which can take seconds
	}
	for _, f := range l.optionalFeeds {
		f.end(end.loss, ctx.Err() != nil)
	}
	l.licences.jobs.stop()
	l.publish()
	l.session.leave(ctx, end.close)
	return end
}

// sessionEnded counts the end of a session and waits as it asks. It reports
// whether the loop goes on.
func (l *loop) sessionEnded(ctx context.Context, end *sessionEnd) bool {
	l.sessionUp = false
	for i := range l.hosts {
		l.hosts[i].Active = false
	}
	l.observer.SessionClosed(end.close)
	if ctx.Err() != nil {
		return false
	}
	l.cause = end.err
	for _, f := range l.feeds {
		f.State = SubscriptionNone
	}
	if end.state == StateConnecting {
		l.setState(StateConnecting, end.Error(), time.Time{})
		l.publish()
		return true
	}
	l.setState(end.state, end.Error(), end.until)
	return l.sleep(ctx, end.until, nil)
}

// sleep waits until then, while the heartbeat moves, hosts report and the live
// copy can be asked for. It ends early when wake, asked every
// passwordLookInterval, says so. It reports whether the loop goes on.
func (l *loop) sleep(ctx context.Context, until time.Time, wake func() bool) bool {
	look := time.Now().Add(passwordLookInterval)
	for {
		l.adjust()
		l.publish()
		now := time.Now()
		if ctx.Err() != nil {
			return false
		}
		if !now.Before(until) || l.retryNow {
			l.retryNow = false
			return true
		}
		if wake != nil && !now.Before(look) {
			if wake() {
				return true
			}
			look = now.Add(passwordLookInterval)
		}
		next := earlier(until, l.lookAtHosts(now))
		if wake != nil {
			next = earlier(next, look)
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-timer.C:
		case r := <-l.looks.reports:
			l.noteHost(r)
		case <-l.late:
			if l.lateMatters() {
				timer.Stop()
				return true
			}
		case answer := <-l.p.asked:
			answer(l)
		case <-l.p.adjusted:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// retry ends a wait by hand. What the server refused is not tried again unchanged,
// unless that is what somebody wants.
func (l *loop) retry(sendRefused bool) error {
	if l.state == StateAuthHold {
		password, err := l.cfg.Password()
		if tried := l.ledger.key.of(password); err == nil {
			if _, held := l.ledger.held(l.serverUsers, tried); held && !sendRefused {
				return ErrPasswordRefused
			}
			l.ledger.release(l.serverUsers, tried)
		}
	}
	l.log.Info("a person asked for another try at once", "send_refused_password", sendRefused)
	if l.breaker.state != BreakerClosed {
		l.breaker = newBreaker(l.cfg, l.observer)
		l.observer.BreakerChanged(BreakerClosed)
	}
	if !l.sessionUp {
		l.retryNow = true
		return nil
	}
	l.session.retryAt = time.Time{}
	for _, f := range l.optionalFeeds {
		f.retry()
	}
	return nil
}

// onRead is called by every reader of an answer, onPing by the reader of the stream.
func (l *loop) onRead(op icws.Operation, n int) {
	l.observer.Read(n)
	if op == icws.OpStream {
		l.session.contact.read(time.Now())
	}
}

func (l *loop) onPing() {
	l.observer.StreamHeartbeat()
	l.session.contact.ping(time.Now())
}

// learnPasswords has the screen know what a server may repeat that we have not sent
// yet: it may remember it from before.
func (l *loop) learnPasswords() {
	l.screen.Learn(l.cfg.ProxyPassword)
	if password, err := l.cfg.Password(); err == nil { // else the log-on says so
		l.screen.Learn(secret.New(password))
	}
}

// setState moves to a state and logs the move, once. The reason is for people: it
// goes through the screen here, and nowhere else.
func (l *loop) setState(s State, reason string, next time.Time) {
	reason = l.screen.Show(reason)
	l.reason, l.nextAttempt = reason, next
	if s == l.state {
		if reason != "" {
			l.log.Debug("still "+s.String(), "reason", reason, "next_attempt", next)
		}
		return
	}
	if s == StateLive {
		l.cause = nil
	}
	from := l.state
	l.state, l.stateSince = s, time.Now()
	l.observer.StateChanged(s, reason)
	attrs := []any{"from", from.String(), "state", s.String()}
	if reason != "" {
		attrs = append(attrs, "reason", reason)
	}
	if !next.IsZero() {
		attrs = append(attrs, "next_attempt", next.Format(time.RFC3339))
	}
	switch s {
	case StateLive:
		l.log.Info("live", append(attrs, "host", l.activeHost, "transport", l.session.transport.String(), "statuses", l.statuses().Len())...)
	case StateConnecting, StateSubscribing:
		l.log.Info(s.String(), attrs...)
	default:
		l.log.Warn(s.String(), append(attrs, "down", l.downReason().String())...)
	}
}

// failuresForgottenAt is when a probe that stays live forgets earlier failures;
// zero when it is not live.
func (l *loop) failuresForgottenAt() time.Time {
	if l.state != StateLive {
		return time.Time{}
	}
	return l.stateSince.Add(stableAfter)
}

// forgetFailures begins backoff and holds anew once the probe has been live for
// stableAfter.
func (l *loop) forgetFailures(now time.Time) {
	if at := l.failuresForgottenAt(); at.IsZero() || now.Before(at) {
		return
	}
	l.backoff.reset()
	l.unauthorizedHold.reset()
	l.retriedUnauthorized = false
}

// noteAttempt notes that the first attempt of this probe has ended, good or bad.
func (l *loop) noteAttempt() { l.p.attempted.Store(true) }

// noteListed remembers the alternate hosts of a 201 for a later loss.
func (l *loop) noteListed(entries []string) {
	l.listed = nil
	l.hosts = slices.DeleteFunc(l.hosts, func(h Host) bool {
		return !h.Active && !slices.Contains(l.cfg.Hosts, h.Name)
	})
	l.learned.keep(l.hosts)
	if !l.cfg.movable() {
		return
	}
	for _, entry := range entries {
		if !l.cfg.Permits(entry) {
			l.reject(entry)
			continue
		}
		if len(l.listed) < maxListedHosts {
			l.listed = append(l.listed, entry)
			l.host(entry)
		}
	}
}

// reject counts a host that allowed_hosts refused, and logs each one once.
func (l *loop) reject(entry string) {
	l.observer.AlternateHostRejected()
	entry = strings.ToValidUTF8(entry, "\ufffd")
	entry = shortened(entry, 255)
	if l.rejected[entry] || len(l.rejected) >= 64 {
		return
	}
	l.rejected[entry] = true
	l.log.Warn("the server listed a host that allowed_hosts does not permit; it gets no password", "host", entry)
}

// closeReasonOf tells a removal by reload from a shutdown.
func closeReasonOf(ctx context.Context) CloseReason {
	if errors.Is(context.Cause(ctx), ErrReload) {
		return CloseReload
	}
	return CloseShutdown
}
