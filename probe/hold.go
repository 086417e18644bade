package probe

import (
	"context"
	"time"
)

// AuthenticationHold is a hold that outlives its probe. Without it, a reload would
// cost the account another refused log-on. It is immutable.
type AuthenticationHold struct {
	until    time.Time
	count    int    // of refusals, by which the hold grows
	password string // that was refused
	reason   string
}

// Hold returns the authentication hold that the probe was in when Run ended, or
// nil. Any goroutine may call it.
func (p *Probe) Hold() *AuthenticationHold { return p.hold.Load() }

// bequeathHold leaves the hold to the next probe of the server.
func (l *loop) bequeathHold() {
	if l.state == StateAuthHold {
		l.p.hold.Store(&AuthenticationHold{l.nextAttempt, l.authHold.count, l.refusedPassword, l.reason})
	}
}

// inheritHold waits out the hold of the probe before, or until the password is
// another one. It reports whether the loop goes on.
func (l *loop) inheritHold(ctx context.Context) bool {
	h := l.p.opts.Hold
	if h == nil {
		return true
	}
	l.authHold.count, l.refusedPassword = h.count, h.password
	if !time.Now().Before(h.until) {
		return true // the next refusal is held longer all the same
	}
	l.setState(StateAuthHold, h.reason, h.until)
	return l.sleepAfterOutcome(ctx, l.passwordChanged)
}
