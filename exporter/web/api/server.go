package api

import (
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// serverDetail is one server as docs/api.md describes it. Its field names are a
// contract. A time that has not come about, and what is not known, is left out.
type serverDetail struct {
	Name        string    `json:"name"`
	Site        string    `json:"site,omitempty"`
	Up          bool      `json:"up"`
	State       string    `json:"state"`
	StateSince  time.Time `json:"state_since,omitzero"`
	Reason      string    `json:"reason,omitempty"`
	NextAttempt time.Time `json:"next_attempt,omitzero"`
	Heartbeat   time.Time `json:"heartbeat,omitzero"`
	// Outage is left out while the server is live.
	Outage *outageDetail `json:"outage,omitempty"`
	// Advice is left out when nothing has to be done.
	Advice *adviceDetail `json:"advice,omitempty"`

	Product    string       `json:"product,omitempty"`
	Release    string       `json:"release,omitempty"`
	ICServer   string       `json:"ic_server,omitempty"`
	ActiveHost string       `json:"active_host,omitempty"`
	Hosts      []hostDetail `json:"hosts"`

	Transport      string             `json:"transport,omitempty"`
	Session        sessionDetail      `json:"session"`
	Subscription   subscriptionDetail `json:"subscription"`
	Breaker        string             `json:"breaker"`
	OperationsGone []string           `json:"operations_gone,omitempty"`

	Catalogue  catalogueDetail   `json:"catalogue"`
	Statuses   *statusesDetail   `json:"statuses,omitempty"`
	Switchover *switchoverDetail `json:"switchover,omitempty"`
	// Users is left out unless the configuration asks for them.
	Users *usersDetail `json:"users,omitempty"`
	// Licences is left out unless the configuration asks for them.
	Licences *licencesDetail `json:"licences,omitempty"`

	CertificateNotAfter time.Time `json:"certificate_not_after,omitzero"`
	PasswordExpiry      time.Time `json:"password_expiry,omitzero"`
	ClockOffsetSeconds  *float64  `json:"clock_offset_seconds,omitempty"`

	AnswersLastHour answersDetail `json:"answers_last_hour"`
	// Recent is told of one server at a time: a list of all would be long.
	Recent *recentDetail `json:"recent,omitempty"`

	Configuration map[string]any `json:"configuration"`
}

type outageDetail struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

type adviceDetail struct {
	Reason  string   `json:"reason"`
	Is      string   `json:"is"`
	Steps   []string `json:"steps"`
	Runbook string   `json:"runbook,omitempty"`
}

type hostDetail struct {
	Name   string `json:"name"`
	Active bool   `json:"active"`
	Up     *bool  `json:"up,omitempty"`
}

type sessionDetail struct {
	Up          bool      `json:"up"`
	Established time.Time `json:"established,omitzero"`
	Owed        int       `json:"owed"`
}

type subscriptionDetail struct {
	Up          bool      `json:"up"`
	State       string    `json:"state"`
	Established time.Time `json:"established,omitzero"`
	LastContact time.Time `json:"last_contact,omitzero"`
	LastMessage time.Time `json:"last_message,omitzero"`
}

type catalogueDetail struct {
	Fresh        bool      `json:"fresh"`
	FreshUntil   time.Time `json:"fresh_until,omitzero"`
	LastVerified time.Time `json:"last_verified,omitzero"`
	LastFull     time.Time `json:"last_full,omitzero"`
	LastChange   time.Time `json:"last_change,omitzero"`
}

type statusesDetail struct {
	Entries        int           `json:"entries"`
	DistinctGroups int           `json:"distinct_groups"`
	FoldedGroups   int           `json:"folded_groups"`
	Groups         []groupDetail `json:"groups"`
}

type groupDetail struct {
	Group   string         `json:"group"`
	Entries int            `json:"entries"`
	Flagged map[string]int `json:"flagged"`
}

type switchoverDetail struct {
	Active      bool   `json:"active"`
	BackupState string `json:"backup_state,omitempty"`
}

// newServerDetail leaves out the configuration, which takes longest to make, unless the
// fields have it.
func newServerDetail(server exporter.Server, fields selection, now time.Time) serverDetail {
	s := server.Snapshot
	d := serverDetail{
		Name: server.Name, Site: server.Site,
		Up:    s.Up(now),
		State: s.State.String(), StateSince: atUTC(s.StateSince),
		Reason: s.Reason, NextAttempt: atUTC(s.NextAttempt), Heartbeat: atUTC(s.Heartbeat),
		Product: s.Product, Release: s.Release, ICServer: s.ICServer,
		ActiveHost: server.Show(s.ActiveHost()), Hosts: newHostDetails(server),
		Session: sessionDetail{Up: s.SessionUp, Established: atUTC(s.SessionEstablished), Owed: s.SessionsOwed},
		Subscription: subscriptionDetail{
			Up: s.Feeds[probe.StatusMessages].Up, State: s.Feeds[probe.StatusMessages].State.String(), Established: atUTC(s.Feeds[probe.StatusMessages].Since),
			LastContact: atUTC(s.LastContact), LastMessage: atUTC(s.Feeds[probe.StatusMessages].LastMessage),
		},
		Breaker: s.Breaker.String(),
		Catalogue: catalogueDetail{
			Fresh: s.Fresh(now), FreshUntil: atUTC(s.FreshUntil),
			LastVerified: atUTC(s.Feeds[probe.StatusMessages].LastVerified), LastFull: atUTC(s.Feeds[probe.StatusMessages].LastFull), LastChange: atUTC(s.Feeds[probe.StatusMessages].LastChange),
		},
		CertificateNotAfter: atUTC(s.CertificateNotAfter()), PasswordExpiry: atUTC(s.PasswordExpiry),
		AnswersLastHour: newAnswersDetail(server.History.LastHour(now)),
	}
	if o := server.Outage(); !o.Since.IsZero() {
		d.Outage = &outageDetail{atUTC(o.Since), o.Reason}
	}
	d.Advice = newAdviceDetail(server.Advice(now))
	if s.TransportKnown {
		d.Transport = s.Transport.String()
	}
	for op, gone := range s.OperationGone {
		if gone {
			d.OperationsGone = append(d.OperationsGone, icws.Operation(op).String())
		}
	}
	// As in the metrics: no number is better than a wrong one.
	if s.Fresh(now) {
		d.Statuses = newStatusesDetail(server)
	}
	if s.Switchover.Known {
		d.Switchover = &switchoverDetail{Active: s.Switchover.Active}
		if s.Switchover.BackupKnown {
			d.Switchover.BackupState = s.Switchover.BackupState.String()
		}
	}
	d.Users = newUsersDetail(server, now)
	d.Licences = newLicencesDetail(server, now)
	if s.ClockKnown {
		d.ClockOffsetSeconds = new(s.ClockOffset.Seconds())
	}
	if _, wanted := fields["configuration"]; wanted || fields == nil {
		d.Configuration = server.Config.Keys()
	}
	return d
}

func newHostDetails(server exporter.Server) []hostDetail {
	details := make([]hostDetail, len(server.Snapshot.Hosts))
	for i, h := range server.Snapshot.Hosts {
		details[i] = hostDetail{Name: server.Show(h.Name), Active: h.Active}
		if h.Checked {
			details[i].Up = new(h.Up)
		}
	}
	return details
}

func newStatusesDetail(server exporter.Server) *statusesDetail {
	s := server.Snapshot
	d := &statusesDetail{
		Entries: s.Entries, DistinctGroups: s.DistinctGroups, FoldedGroups: s.FoldedGroups,
		Groups: make([]groupDetail, len(s.Groups)),
	}
	for i, g := range s.Groups {
		d.Groups[i] = groupDetail{Group: server.ShowGroup(g.Group), Entries: g.Entries, Flagged: make(map[string]int, catalogue.NumFlags)}
		for flag, n := range g.Flagged {
			d.Groups[i].Flagged[catalogue.Flag(flag).String()] = n
		}
	}
	return d
}

// atUTC returns t as the API writes it: a time zero stays zero.
func atUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
