package probe

import (
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// Host is one host of a server: a configured one, or one that the server listed
// and allowed_hosts accepted.
type Host struct {
	Name   string
	Active bool // serves the session
	// Checked says whether Up is known: only configured hosts are looked at.
	Checked, Up bool
	// Answered says that one which is not up answered: with an error.
	Answered bool
	// LookedAt is when the last look ended.
	LookedAt time.Time
	// CertificateNotAfter is when the first certificate of the chain expires that the
	// host presented last; zero without TLS.
	CertificateNotAfter time.Time
}

// Words say how the host was when it was looked at last.
func (h *Host) Words() string {
	switch {
	case h.Up:
		return "answers"
	case h.Answered:
		return "answers with errors"
	default:
		return "does not answer"
	}
}

// Switchover is the last answer to switchover-status (protocol.md, 1.7).
type Switchover struct {
	Known  bool
	Active bool
	// BackupState is what the server said of the backup, when BackupKnown.
	BackupKnown bool
	BackupState BackupState
}

// Snapshot is everything a probe publishes, at one moment. It is immutable:
// it may be read for ever, its slices included. Times are zero
// when the thing has not happened. It holds counts, never the list of statuses.
type Snapshot struct {
	State      State
	StateSince time.Time
	// Reason says in the operator's words why the state is what it is; empty
	// when live, unless the subscription lags.
	Reason string
	// Down is why the server was not up when the snapshot was made, or NotDown; ask
	// DownAt why it is not up now.
	Down DownReason
	// Heartbeat moves at every turn of the loop.
	Heartbeat time.Time
	// NextAttempt is the time before which nothing is tried; zero when not waiting.
	NextAttempt time.Time

	Product, Release, ICServer string
	Hosts                      []Host
	// TransportKnown is false until the first session chose a transport.
	TransportKnown bool
	Transport      Transport
	PasswordExpiry time.Time
	// ClockOffset is the server's clock minus ours, when ClockKnown.
	ClockKnown    bool
	ClockOffset   time.Duration
	OperationGone [icws.NumOperations]bool
	Switchover    Switchover

	// SessionsOwed counts sessions that should have ended, and whose end the servers
	// have not confirmed.
	SessionsOwed int
	SessionUp    bool
	// SessionEstablished is when the last session was established; it outlives that session.
	SessionEstablished time.Time

	Breaker BreakerState

	// LastContact is the last answered poll or the last byte of the stream.
	LastContact time.Time
	// Feeds has each subscription under its number.
	Feeds [NumSubscriptions]FeedState
	Reports

	Licences LicenceState

	Entries        int
	Groups         []catalogue.GroupCount
	DistinctGroups int
	FoldedGroups   int
	Hash           uint64
	// FreshUntil is when the live copy turns stale unless it is verified before; zero
	// when it was never verified.
	FreshUntil time.Time
	// freshUntilWall is the same on the wall clock.
	freshUntilWall time.Time
}

// ActiveHost is the host that serves the session, or empty.
func (s *Snapshot) ActiveHost() string {
	for _, h := range s.Hosts {
		if h.Active {
			return h.Name
		}
	}
	return ""
}

// CertificateNotAfter is the first expiry among the certificates of the hosts, zero
// without TLS: also the standby's must be valid when it is needed.
func (s *Snapshot) CertificateNotAfter() time.Time {
	var earliest time.Time
	for _, h := range s.Hosts {
		if at := h.CertificateNotAfter; earliest.IsZero() || !at.IsZero() && at.Before(earliest) {
			earliest = at
		}
	}
	return earliest
}

// Fresh reports whether the counts may be shown at now. It is asked at every
// scrape, so that a loop that hangs cannot serve old numbers. Both clocks count: the
// monotonic one stands still while the machine is suspended.
func (s *Snapshot) Fresh(now time.Time) bool { return s.freshAt(moment{now, now.Round(0)}) }

func (s *Snapshot) freshAt(now moment) bool {
	if !s.freshUntilWall.IsZero() && !now.wall.Before(s.freshUntilWall) {
		return false
	}
	return now.at.Before(s.FreshUntil)
}

// Up reports whether the probe is live, the subscription delivers and the
// catalogue is fresh at now (icws_up).
func (s *Snapshot) Up(now time.Time) bool {
	return s.State == StateLive && s.Feeds[StatusMessages].Up && s.Fresh(now)
}

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
		SessionsOwed: l.ledger.owedBy(l.cfg.Name, l.serverUsers),
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
	for _, f := range l.feeds {
		s.Feeds[f.what] = f.FeedState
		f.copy.publish(s)
	}
	for _, f := range l.optionalFeeds {
		f.publish(s)
	}
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
