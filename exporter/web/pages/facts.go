package pages

import (
	"strconv"
	"strings"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
)

const unknown = "not known"

// factsOf are the facts of a server that are no numbers of a monitoring system.
func factsOf(server exporter.Server, c clock) []factGroup {
	s := server.Snapshot
	return []factGroup{
		{"Session", sessionFacts(server, c)},
		{"Subscription", []fact{
			{Name: "Delivery", Text: subscriptionWords(s)},
			{Name: "Server says", Text: serverWord(s)},
			{Name: "Last established", At: c.moment(s.Feeds[probe.StatusMessages].Since)},
			{Name: "Last contact", At: c.moment(s.LastContact)},
			{Name: "Last message", At: c.moment(s.Feeds[probe.StatusMessages].LastMessage)},
			{Name: "Circuit breaker", Text: strings.ReplaceAll(s.Breaker.String(), "_", " ")},
			{Name: "Left alone after a 410", Text: goneOperations(s)},
		}},
		{"Catalogue", []fact{
			{Name: "Statuses", Text: freshCount(s, c.now)},
			{Name: "Last verified", At: c.moment(s.Feeds[probe.StatusMessages].LastVerified)},
			{Name: "Turns stale", At: c.moment(s.FreshUntil)},
			{Name: "Last whole list", At: c.moment(s.Feeds[probe.StatusMessages].LastFull)},
			{Name: "Last change", At: c.moment(s.Feeds[probe.StatusMessages].LastChange)},
		}},
		{"Hosts and switchover", hostFacts(server)},
		{"Server", []fact{
			{Name: "Product", Text: strings.TrimSpace(s.Product + " " + s.Release)},
			{Name: "IC server", Text: s.ICServer},
			{Name: "Certificate expires", At: c.moment(s.CertificateNotAfter())},
			{Name: "Password expires", At: c.moment(s.PasswordExpiry)},
			{Name: "Clock differs by", Text: clockFact(s)},
		}},
	}
}

func sessionFacts(server exporter.Server, c clock) []fact {
	s := server.Snapshot
	up := "none"
	if s.SessionUp {
		up = "up"
	}
	transport := unknown
	if s.TransportKnown {
		transport = transportWords[s.Transport]
	}
	if s.SessionsOwed > 0 {
		up += ", " + strconv.Itoa(s.SessionsOwed) + " still to be ended"
	}
	return []fact{
		{Name: "Session", Text: up},
		{Name: "Last established", At: c.moment(s.SessionEstablished)},
		{Name: "Host", Text: server.Show(s.ActiveHost())},
		{Name: "Transport", Text: transport},
		{Name: "Probe moved", At: c.lately(s.Heartbeat)},
	}
}

func hostFacts(server exporter.Server) []fact {
	s := server.Snapshot
	var facts []fact
	for _, h := range s.Hosts {
		var words []string
		if h.Active {
			words = append(words, "serves the session")
		}
		switch {
		case h.Checked:
			words = append(words, h.Words())
		case !h.Active:
			words = append(words, "not looked at")
		}
		facts = append(facts, fact{Name: server.Show(h.Name), Text: strings.Join(words, ", ")})
	}
	if !s.Switchover.Known {
		return append(facts, fact{Name: "Switchover", Text: "the server does not tell"})
	}
	switchover := "not active"
	if s.Switchover.Active {
		switchover = "active"
	}
	facts = append(facts, fact{Name: "Switchover", Text: switchover})
	if s.Switchover.BackupKnown {
		facts = append(facts, fact{Name: "Backup server", Text: strings.ReplaceAll(s.Switchover.BackupState.String(), "_", " ")})
	}
	return facts
}

func goneOperations(s *probe.Snapshot) string {
	var names []string
	for op, gone := range s.OperationGone {
		if gone {
			names = append(names, operationName(op))
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// serverWord is what the server said of the subscription; most servers say nothing.
func serverWord(s *probe.Snapshot) string {
	if s.Feeds[probe.StatusMessages].State == probe.SubscriptionNone {
		return "nothing"
	}
	return s.Feeds[probe.StatusMessages].State.String()
}

func freshCount(s *probe.Snapshot, now time.Time) string {
	if !s.Fresh(now) && s.Feeds[probe.StatusMessages].LastFull.IsZero() {
		return "no list yet"
	}
	if !s.Fresh(now) {
		return "withheld: too old to be trusted"
	}
	return strconv.Itoa(s.Entries) + " in " + count(s.DistinctGroups, "group")
}

func clockFact(s *probe.Snapshot) string {
	if !s.ClockKnown {
		return unknown
	}
	return strconv.FormatFloat(s.ClockOffset.Round(100*time.Millisecond).Seconds(), 'f', 1, 64) + " s"
}
