package probe

import (
	"context"
	"time"

	"icws_exporter/probe/icws"
)

// Visit is one session of a probe that its caller drives, a step at a time, instead
// of Run: what check does. It makes the probe's own requests and applies its own
// rules, but a fault ends the step: a Visit never waits, and never logs on twice.
//
// What a step learns goes to the Observer and into the Snapshot. Errors are those of
// icws, wrapped, or say in the operator's words what the server did. A Visit belongs
// to one goroutine. The caller has to Leave it.
type Visit struct {
	p *Probe
	l *loop
	s *session // nil before the log-on
}

// ErrNotDelivered says that no message with the whole list came in time.
var ErrNotDelivered = errNotDelivering

// Visit begins a visit, without a request.
func (p *Probe) Visit() *Visit {
	l := newLoop(p)
	l.learnPasswords()
	if u := l.userFeed(); u != nil {
		u.configure(nil) // until they are asked for
	}
	return &Visit{p: p, l: l}
}

// LogOn makes the session: one round over the hosts, as the probe makes it.
func (v *Visit) LogOn(ctx context.Context) (*icws.Session, error) {
	wire, err := v.l.connect(ctx)
	if err != nil {
		return nil, err
	}
	v.s = newSession(v.l, wire)
	v.l.session = v.s
	v.l.publish()
	return wire, nil
}

// Streams reports whether messages come, or are to come, as an event stream.
func (v *Visit) Streams() bool { return v.s.transport == TransportSSE }

// OpenStream opens the event stream. After an error the transport auto polls, as the
// probe does in the end.
func (v *Visit) OpenStream(ctx context.Context) error {
	defer v.l.publish()
	err := v.s.openStream(ctx)
	if err != nil && v.s.cfg.Transport == ModeAuto && ctx.Err() == nil {
		v.s.pollInstead(err)
	}
	return err
}

// Subscribe asks for the status messages; a second time it is the delivery check of
// the probe.
func (v *Visit) Subscribe(ctx context.Context) error {
	reason := ResyncInitial
	if v.status().delivered {
		reason = ResyncCheck
	}
	return v.status().put(ctx, reason, false)
}

// Await waits until the message with the whole list has come that a Subscribe asked
// for. Where it does not come, the probe renews the subscription and has the list confirm
// what comes then, so that this may take two delivery timeouts; then it returns
// ErrNotDelivered.
func (v *Visit) Await(ctx context.Context) error {
	f := v.status()
	return v.until(ctx, func() bool { return f.awaiting == nil && f.resync == nil && !f.listFirst })
}

// Resends reports whether a second Subscribe makes the server send everything again
// (protocol.md, 9.1); true until it did not.
func (v *Visit) Resends() bool { return !v.status().noResend }

// List compares the live copy with the server's list. The Observer learns what
// differed.
func (v *Visit) List(ctx context.Context) error {
	defer v.l.publish()
	return v.status().audit(ctx, ResyncCheck)
}

// Switchover asks for the switchover status; the server needs connection 11.
func (v *Visit) Switchover(ctx context.Context) (status icws.SwitchoverStatus, err error) {
	v.s.switchoverAt = time.Now().Add(v.s.cfg.CheckInterval) // Watch need not ask at once
	err = v.s.call(func() (err error) {
		status, err = v.s.wire.SwitchoverStatus(ctx)
		return err
	})
	return status, err
}

// Watch does what a live probe does, for a time.
func (v *Visit) Watch(ctx context.Context, d time.Duration) error {
	// Canceled, for that is what becomes of a request that is under way then: it is not
	// one that the server did not answer in time.
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(d, cancel).Stop()
	err := v.until(watching, func() bool { return false })
	if watching.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// until takes turns until something is done, fails, or ends the session.
func (v *Visit) until(ctx context.Context, done func() bool) error {
	defer v.l.publish()
	for !done() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := v.s.turn(ctx, time.Now()); err != nil {
			return err
		}
		if v.s.over != nil {
			return v.s.over
		}
	}
	return nil
}

// Users counts the users whom the configuration names, at once and without the pace
// that a probe keeps. It returns what is known of them once they are counted, or once
// it is clear why they are not; with the context's error when that takes too long. It
// comes after Await.
func (v *Visit) Users(ctx context.Context) (*UsersReport, error) {
	u := v.l.userFeed()
	if u == nil {
		return nil, nil
	}
	u.unpaced = true
	u.configure(v.l.cfg.Users)
	err := v.until(ctx, u.isSettled)
	return v.p.Snapshot().Users, err
}

// isSettled reports whether nothing is under way that could change how the counting
// goes: it is known who is counted, or why nobody is, or there is a pause.
func (u *userFeed) isSettled() bool {
	switch {
	case u.cfg == nil:
		return true
	case u.jobs.busy() || u.search != nil || u.awaiting != nil || u.came != nil:
		return false
	case len(u.ids) == 0:
		return u.state == UsersNobody || u.state == UsersNoList
	case u.due == nil:
		return u.delivered
	default:
		return u.retryAt.After(time.Now()) || u.nobodyLeft()
	}
}

// Leave ends what the visit began, also when ctx has ended, and waits for a log-on
// that is not answered yet: for CloseLimit at most. It reports whether the servers
// have confirmed the end of every session. Call it once.
func (v *Visit) Leave(ctx context.Context) bool {
	for _, f := range v.l.optionalFeeds {
		f.end(LossStreamLost, true)
	}
	v.l.licences.jobs.stop()
	if v.s != nil {
		reason := CloseShutdown
		if v.s.over != nil {
			reason = v.s.over.close
		}
		v.s.leave(ctx, reason)
	}
	v.l.disownAwaited()
	v.p.ledger.Close(CloseLimit)
	return v.p.ledger.owedBy(v.l.cfg.Name, v.l.serverUsers) == 0
}

func (v *Visit) status() *feed { return v.l.feeds[StatusMessages] }
