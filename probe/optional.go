package probe

// Optional is what a probe watches besides the status messages. It may change while
// the probe runs, and nothing of it ever ends a session.
type Optional struct {
	// Users says whose statuses are counted; nil: nobody's. Nobody changes it.
	Users *Users
	// Licences says that their use is read.
	Licences bool
}

// Adjust has the probe watch this, besides the status messages, from its next turn
// on. The session goes on. Any goroutine may call it; it never waits.
func (p *Probe) Adjust(to Optional) {
	p.optional.Store(&to)
	select {
	case p.adjusted <- struct{}{}:
	default: // the loop has not looked since the last time
	}
}

// adjust does what Adjust has asked for since the loop looked last.
func (l *loop) adjust() {
	to := l.p.optional.Load()
	if to == l.wanted {
		return
	}
	l.wanted = to
	l.cfg.Users, l.cfg.Licences = to.Users, to.Licences
	l.adjustLicences()
	for _, f := range l.optionalFeeds {
		f.adjust(to)
	}
	l.addOptionalFeeds()
	l.log.Info("what is watched besides the status messages has changed", "users", to.Users.sourceName(), "licences", to.Licences)
}

// sourceName says for the log whose statuses are counted. It names nobody.
func (u *Users) sourceName() string {
	switch {
	case u == nil:
		return "none"
	case u.All:
		return "all"
	case len(u.Workgroups) > 0:
		return "workgroups"
	default:
		return "ids"
	}
}
