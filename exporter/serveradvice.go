package exporter

import (
	"time"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// slowStart is how long the first log-on may take without a question.
const slowStart = time.Minute

// Advice is what to do about the server at now; the zero Advice when nothing has to be
// done.
func (s Server) Advice(now time.Time) advice.Advice {
	reason := s.adviceReason(now)
	about := advice.About{Server: s.Name, User: s.Config.User, Host: "the server", Password: s.passwordPlace(), Flags: s.Config.ByFlags}
	if reason == advice.StandbyDown {
		about.Host = s.Show(s.standbyDown())
	}
	if reason == advice.NotDelivering && s.Snapshot.TransportKnown && s.Snapshot.Transport == probe.TransportPoll {
		a := advice.For(advice.PolledInVain, about)
		a.Reason = reason // what the metrics call it
		return a
	}
	return advice.For(reason, about)
}

// held are the reasons of the states that say by themselves what is wrong.
var held = map[probe.State]advice.Reason{
	probe.StateAuthHold:         advice.RefusedLogOn,
	probe.StateUnauthorizedHold: advice.Unauthorized,
	probe.StateDisplacedHold:    advice.Displaced,
	probe.StateGoneHold:         advice.Gone,
	probe.StateBreakerOpen:      advice.BreakerOpen,
}

// adviceReason is the first thing that is wrong, in the order in which to care.
func (s Server) adviceReason(now time.Time) advice.Reason {
	snapshot := s.Snapshot
	reason, isHeld := held[snapshot.State]
	switch {
	case s.Hangs(now):
		return advice.Hung
	case snapshot.State == probe.StateLive:
		return s.liveReason(now)
	case isHeld:
		return reason
	case snapshot.Down != probe.DownStarting || now.Sub(snapshot.StateSince) > slowStart:
		return advice.Reason(snapshot.Down.String())
	default:
		return ""
	}
}

// liveReason is about servers that look well and are not, and about what to do in time.
func (s Server) liveReason(now time.Time) advice.Reason {
	snapshot := s.Snapshot
	switch {
	case !snapshot.Feeds[probe.StatusMessages].Up:
		return advice.NotDelivering
	case !snapshot.Fresh(now):
		return advice.Stale
	case unusable(snapshot):
		return advice.Unusable
	case s.Drift(now) > 0:
		return advice.Drift
	case !snapshot.PasswordExpiry.IsZero() && snapshot.PasswordExpiry.Sub(now) < advice.PasswordSoon:
		return advice.PasswordExpiring
	case !snapshot.CertificateNotAfter().IsZero() && snapshot.CertificateNotAfter().Sub(now) < advice.CertificateSoon:
		return advice.CertificateExpiring
	case s.standbyDown() != "":
		return advice.StandbyDown
	default:
		return ""
	}
}

// unusable reports whether agents can choose no status, or none that takes ACD calls.
func unusable(snapshot *probe.Snapshot) bool {
	selectable, acd := 0, 0
	for _, g := range snapshot.Groups {
		selectable += g.Flagged[catalogue.IsSelectableStatus]
		acd += g.Flagged[catalogue.IsAcdStatus]
	}
	return selectable == 0 || acd == 0
}

// LicencesAdvice is what to do about licences that cannot be read; the zero Advice when
// nothing has to be done.
func (s Server) LicencesAdvice() advice.Advice {
	if !s.Snapshot.Licences.On {
		return advice.Advice{}
	}
	return advice.For(advice.Reason("licences_"+s.Snapshot.Licences.Reading.String()), advice.About{Server: s.Name, User: s.Config.User})
}

// UsersAdvice is what to do about users who are not counted, or not all of them; the
// zero Advice when nothing has to be done.
func (s Server) UsersAdvice() advice.Advice {
	if s.Snapshot.Users == nil {
		return advice.Advice{}
	}
	return advice.For(advice.Reason("users_"+s.Snapshot.Users.State.String()), advice.About{Server: s.Name, User: s.Config.User})
}

// Hangs reports whether the probe has stopped moving: only a restart helps it.
func (s Server) Hangs(now time.Time) bool {
	return !s.Snapshot.Heartbeat.IsZero() && now.Sub(s.Snapshot.Heartbeat) > HeartbeatLimit
}

// Drift counts the drift that the checks of the last hour found.
func (s Server) Drift(now time.Time) int { return s.History.DriftSince(now.Add(-time.Hour)) }

// standbyDown is a host that does not answer and serves no session, or nothing.
func (s Server) standbyDown() string {
	for _, h := range s.Snapshot.Hosts {
		if h.Checked && !h.Up && !h.Active {
			return h.Name
		}
	}
	return ""
}

func (s Server) passwordPlace() string {
	c := s.Config
	switch place, change := c.PasswordPlace(); {
	case change != "":
		return place + "; " + change
	case c.PasswordFile != "":
		return place + ": a changed one is tried within seconds"
	default:
		return "" // nothing is known of the server
	}
}
