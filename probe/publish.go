package probe

import (
	"slices"
	"time"

	"icws_exporter/probe/icws"
)

// publish makes what the loop knows visible, as one immutable snapshot.
func (l *loop) publish() {
	if l.groupsChanged || l.groups == nil {
		l.groups = l.catalogue.Groups()
		l.groupsChanged = false
	}
	if l.contact != nil {
		if t := l.contact.time(); !t.IsZero() {
			l.lastContact = t
		}
	}
	s := &Snapshot{
		State: l.state, StateSince: l.stateSince, Reason: l.reason,
		Heartbeat: time.Now(), NextAttempt: l.nextAttempt,

		Product: l.product, Release: l.release, ICServer: l.icServer,
		Hosts:          slices.Clone(l.hosts),
		TransportKnown: l.transportKnown, Transport: l.transport,
		CertificateNotAfter: l.earliestCertificate(), PasswordExpiry: l.expiry,
		ClockKnown: l.offsetKnown, ClockOffset: l.offset,
		OperationGone: l.gone, Switchover: l.switchover,

		SessionUp: l.sessionUp, SessionEstablished: l.sessionSince,
		Breaker: l.breaker.state,

		SubscriptionUp: l.subscriptionUp, SubscriptionState: l.subscription,
		SubscriptionEstablished: l.subscribedAt,
		LastContact:             l.lastContact, LastMessage: l.lastMessage,

		Entries: l.catalogue.Len(), Groups: l.groups,
		DistinctGroups: l.catalogue.DistinctGroups(), FoldedGroups: l.catalogue.FoldedGroups(),
		Hash:         l.catalogue.Hash(),
		LastVerified: l.lastVerified, LastFull: l.lastFull, LastChange: l.lastChange,
	}
	if !l.lastVerified.IsZero() {
		s.FreshUntil = l.lastVerified.Add(l.cfg.StaleAfter)
	}
	l.p.snapshot.Store(s)
}

// earliestCertificate is the first expiry among the certificates that the hosts
// presented last: also the standby's must be valid when it is needed.
func (l *loop) earliestCertificate() time.Time {
	var earliest time.Time
	for _, t := range l.certificates {
		if earliest.IsZero() || t.Before(earliest) {
			earliest = t
		}
	}
	return earliest
}

func switchoverOf(s icws.SwitchoverStatus) Switchover {
	o := Switchover{Known: true, Active: s.Active}
	if s.BackupState >= 0 && s.BackupState < NumBackupStates {
		o.BackupKnown, o.BackupState = true, BackupState(s.BackupState)
	}
	return o
}
