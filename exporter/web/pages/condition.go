package pages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// severity sorts the servers, worst first.
type severity int

const (
	hung            severity = iota // only a restart of the exporter helps
	needsPerson                     // a hold that waits for a person
	failing                         // down, tried again by itself
	doubtful                        // live, and yet not to be trusted
	starting                        // on the way up
	upWithAttention                 // up, and something to look at
	fine
)

// Kind is the colour of a condition; the words say the same.
func (c condition) Kind() string {
	switch c.severity {
	case hung, needsPerson, failing:
		return "down"
	case doubtful, starting:
		return "between"
	case upWithAttention:
		return "attention"
	default:
		return "up"
	}
}

// Says reports whether the state is another word than that of the page.
func (c condition) Says() bool { return !strings.EqualFold(c.State, c.Words) }

// Waits reports whether the server is down and tried again later.
func (c condition) Waits() bool { return c.severity == needsPerson || c.severity == failing }

// stateWords are the states in the words of the page. Live is looked at closer.
var stateWords = [probe.NumStates]struct {
	severity severity
	words    string
}{
	probe.StateConnecting:       {starting, "Connecting"},
	probe.StateSubscribing:      {starting, "Subscribing"},
	probe.StateLive:             {fine, "Live"},
	probe.StateBackoff:          {failing, "Waiting to try again"},
	probe.StateBreakerOpen:      {failing, "Circuit breaker open"},
	probe.StateAuthHold:         {needsPerson, "Log-on held"},
	probe.StateUnauthorizedHold: {needsPerson, "Sessions refused, on hold"},
	probe.StateDisplacedHold:    {needsPerson, "Displaced, on hold"},
	probe.StateGoneHold:         {needsPerson, "Interface gone, on hold"},
}

func conditionOf(s exporter.Server, now time.Time) condition {
	snapshot := s.Snapshot
	c := condition{severity: stateWords[snapshot.State].severity, Words: stateWords[snapshot.State].words, State: snapshot.State.String()}
	switch {
	case s.Hangs(now):
		c.severity, c.Words = hung, "The probe hangs"
	case snapshot.State != probe.StateLive:
	case !snapshot.Feeds[probe.StatusMessages].Up:
		c.severity, c.Words = doubtful, "Live, nothing is delivered"
	case !snapshot.Fresh(now):
		c.severity, c.Words = doubtful, "Live, numbers are stale"
	case len(notices(s, now)) > 0:
		c.severity = upWithAttention
	}
	return c
}

// notLiveSince is when the outage began in which the present state is not the
// first; zero otherwise.
func notLiveSince(s exporter.Server) time.Time {
	if o := s.Outage(); s.Snapshot.StateSince.Sub(o.Since) >= time.Second {
		return o.Since
	}
	return time.Time{}
}

// reasonOf says why the state is what it is. One that is on its way up after a
// failure has the reason of that.
func reasonOf(s exporter.Server) string {
	if s.Snapshot.Reason != "" {
		return s.Snapshot.Reason
	}
	if o := s.Outage(); o.Reason != "" {
		return "Before: " + o.Reason
	}
	return ""
}

const (
	day = 24 * time.Hour
	// clockTolerance is how far apart two clocks may be.
	clockTolerance = time.Minute
)

// notices are what to look at although the server may be up.
func notices(server exporter.Server, now time.Time) []string {
	s := server.Snapshot
	var all []string
	notice := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	expires := func(what string, at time.Time, soon time.Duration) {
		switch left := at.Sub(now); {
		case at.IsZero() || left >= soon:
		case left <= 0:
			notice("The %s has expired.", what)
		case left <= day:
			notice("The %s expires within a day.", what)
		default:
			notice("The %s expires within %d days.", what, left/day+1)
		}
	}
	expires("password", s.PasswordExpiry, advice.PasswordSoon)
	expires("TLS certificate", s.CertificateNotAfter(), advice.CertificateSoon)
	for _, h := range s.Hosts {
		if h.Checked && !h.Up && !h.Active {
			notice("Host %s %s.", h.Name, h.Words())
		}
	}
	if s.Feeds[probe.StatusMessages].Up && s.Feeds[probe.StatusMessages].State == probe.SubscriptionSuspended {
		notice("The server has suspended the subscription.")
	}
	if s.Switchover.Active {
		notice("A switchover is active.")
	}
	if n := server.Drift(now); n > 0 {
		notice("Delivery checks of the last hour corrected %d statuses that no message had announced.", n)
	}
	for op, gone := range s.OperationGone {
		if gone {
			notice("The server answers 410 to %s; it is left alone.", operationName(op))
		}
	}
	if s.ClockKnown && s.ClockOffset.Abs() > clockTolerance {
		notice("The clocks of server and exporter differ by %s.", span(s.ClockOffset.Abs()))
	}
	slices.Sort(all)
	return all
}

func operationName(op int) string { return icws.Operation(op).String() }

// subscriptionWords say how the subscription is.
func subscriptionWords(s *probe.Snapshot) string {
	switch {
	case s.Feeds[probe.StatusMessages].Up && s.Feeds[probe.StatusMessages].State > probe.SubscriptionNormal:
		return s.Feeds[probe.StatusMessages].State.String()
	case s.Feeds[probe.StatusMessages].Up:
		return "delivering"
	case s.SessionUp:
		return "not delivering"
	default:
		return "no session"
	}
}
