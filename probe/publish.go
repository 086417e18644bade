package probe

import (
	"time"

	"icws_exporter/probe/icws"
)

// publish makes what the loop knows visible, as one immutable snapshot.
func (l *loop) publish() {
	s := &Snapshot{
		State: l.state, StateSince: l.stateSince, Reason: l.reason,
		Heartbeat: time.Now(), NextAttempt: l.nextAttempt,

		Product: l.product, Release: l.release, ICServer: l.icServer,
		Hosts:          l.learned.certificatesOf(l.hosts),
		PasswordExpiry: l.expiry,
		OperationGone:  l.gone, Switchover: l.switchover,

		SessionUp: l.sessionUp, SessionEstablished: l.sessionSince,
		SessionsOwed: l.ledger.owedBy(l.cfg.Name, l.accounts),
		Breaker:      l.breaker.state,
		Licences:     l.licences.state,
	}
	s.ClockOffset, s.ClockKnown = l.learned.clock()
	if l.session != nil {
		s.TransportKnown, s.Transport = true, l.session.transport
		if t := l.session.contact.time(); !t.IsZero() {
			l.lastContact = t
		}
	}
	s.LastContact = l.lastContact
	if l.state == StateLive && l.feeds[StatusMessages].Lagging {
		s.Reason = laggingReason
	}
	for n, f := range l.feeds {
		s.Feeds[n] = f.FeedState
		f.copy.publish(s)
	}
	l.users.publish(s)
	if verified := l.feeds[StatusMessages].verifiedAt; !verified.at.IsZero() {
		until := verified.add(l.cfg.StaleAfter)
		s.FreshUntil, s.freshUntilWall = until.at, until.wall
	}
	s.Down = NotDown
	if !s.Up(s.Heartbeat) {
		s.Down = l.downReason()
	}
	l.p.snapshot.Store(s)
}

func switchoverOf(s icws.SwitchoverStatus) Switchover {
	o := Switchover{Known: true, Active: s.Active}
	if s.BackupState >= 0 && s.BackupState < NumBackupStates {
		o.BackupKnown, o.BackupState = true, BackupState(s.BackupState)
	}
	return o
}
