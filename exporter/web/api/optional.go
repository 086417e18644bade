package api

import (
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/roster"
)

type licencesDetail struct {
	State  string        `json:"state"`
	Reason string        `json:"reason,omitempty"`
	Advice *adviceDetail `json:"advice,omitempty"`
	ReadAt time.Time     `json:"read_at,omitzero"`
	// Kinds is left out while the numbers are not known.
	Kinds []licenceDetail `json:"kinds,omitempty"`
	Cut   int             `json:"cut"`
}

type licenceDetail struct {
	Licence string `json:"licence"`
	InUse   int    `json:"in_use"`
	Allowed int    `json:"allowed"`
}

// newLicencesDetail returns nil for a server whose licences nobody wants to know.
func newLicencesDetail(server exporter.Server, now time.Time) *licencesDetail {
	l := server.Snapshot.Licences
	if !l.On {
		return nil
	}
	d := &licencesDetail{State: l.Reading.String(), Reason: l.Reason, Advice: newAdviceDetail(server.LicencesAdvice()), ReadAt: atUTC(l.ReadAt)}
	if known := l.At(now); known != nil {
		d.Cut = l.Cut
		for _, k := range known {
			d.Kinds = append(d.Kinds, licenceDetail{server.Show(k.Name), k.InUse, k.Allowed})
		}
	}
	return d
}

// newAdviceDetail returns nil when nothing has to be done.
func newAdviceDetail(a advice.Advice) *adviceDetail {
	if a.Reason == "" {
		return nil
	}
	return &adviceDetail{string(a.Reason), a.Is, a.Steps(), a.Runbook}
}

// usersDetail has numbers only: no user is in it.
type usersDetail struct {
	State  string        `json:"state"`
	Since  time.Time     `json:"since,omitzero"`
	Reason string        `json:"reason,omitempty"`
	Advice *adviceDetail `json:"advice,omitempty"`

	Watched  int `json:"watched"`
	Reported int `json:"reported"`
	LeftOut  int `json:"left_out"`
	Refused  int `json:"refused"`

	Fresh      bool      `json:"fresh"`
	FreshUntil time.Time `json:"fresh_until,omitzero"`
	// The rest is left out while the counts are stale.
	LoggedInKnown *bool                `json:"logged_in_known,omitempty"`
	Groups        []userGroupDetail    `json:"groups,omitempty"`
	Statuses      []userStatusDetail   `json:"statuses,omitempty"`
	Workgroups    []workgroupUserCount `json:"workgroups,omitempty"`
}

type userGroupDetail struct {
	Group           string         `json:"group"`
	LoggedIn        int            `json:"logged_in"`
	NotLoggedIn     int            `json:"not_logged_in"`
	LoggedInUnknown int            `json:"logged_in_unknown"`
	OnPhone         int            `json:"on_phone"`
	Earliest        time.Time      `json:"earliest_status_change,omitzero"`
	Flagged         map[string]int `json:"flagged"`
}

type userStatusDetail struct {
	StatusID string `json:"status_id"`
	Users    int    `json:"users"`
}

type workgroupUserCount struct {
	Workgroup string `json:"workgroup"`
	Group     string `json:"group"`
	Users     int    `json:"users"`
}

// newUsersDetail returns nil for a server whose users nobody counts.
func newUsersDetail(server exporter.Server, now time.Time) *usersDetail {
	u := server.Snapshot.Users
	if u == nil {
		return nil
	}
	d := &usersDetail{
		State: u.State.String(), Since: atUTC(u.Since), Reason: u.Reason, Advice: newAdviceDetail(server.UsersAdvice()),
		Watched: u.Watched, Reported: u.Reported, LeftOut: u.LeftOut, Refused: u.Refused,
		Fresh: u.Fresh(now), FreshUntil: atUTC(u.FreshUntil),
	}
	if !d.Fresh {
		return d
	}
	d.LoggedInKnown = &u.Counts.LoggedInKnown
	for i := range u.Counts.Groups {
		g := &u.Counts.Groups[i]
		group := userGroupDetail{
			Group: server.ShowGroup(g.Group), OnPhone: g.OnPhone, Earliest: atUTC(g.Earliest), Flagged: make(map[string]int, catalogue.NumFlags),
			LoggedIn: g.Users[roster.Yes], NotLoggedIn: g.Users[roster.No], LoggedInUnknown: g.Users[roster.Unknown],
		}
		for flag, n := range g.Flagged {
			group.Flagged[catalogue.Flag(flag).String()] = n
		}
		d.Groups = append(d.Groups, group)
	}
	for _, s := range u.Counts.Statuses {
		d.Statuses = append(d.Statuses, userStatusDetail{server.Show(s.ID), s.Users})
	}
	for _, w := range u.Counts.Workgroups {
		d.Workgroups = append(d.Workgroups, workgroupUserCount{server.Show(w.Workgroup), server.ShowGroup(w.Group), w.Users})
	}
	return d
}
