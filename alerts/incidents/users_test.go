package incidents

import (
	"net/http"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// people are the users of the servers of these incidents; two of three are logged in.
var people = icwssim.InventUsers(60, 1)

// countsUsers is the configuration of a server whose users are counted.
var countsUsers = func() string {
	var ids []string
	for _, u := range people {
		ids = append(ids, u.ID)
	}
	return ", users: {ids: ['" + strings.Join(ids, "', '") + "']}"
}()

// goTo has those users who are logged in go to a status.
func goTo(s *site, users []icwssim.User, status string) {
	for _, u := range users {
		if u.LoggedIn {
			u.Status, u.StatusChanged = status, time.Time{}
			s.server.PutUser(u)
		}
	}
}

// usersIncidents are those of the users and licences. None of them pages, and none says
// anything of the server.
var usersIncidents = []incident{
	{
		name: "users-working", what: "Users take calls, have breaks, and log off and on again.", lasting: 90 * time.Minute, steady: true, more: countsUsers,
		options: icwssim.Options{Users: people, Shifts: icwssim.Shifts{Interval: 5 * time.Second, Seed: 1}},
	},
	{
		name: "users-leave", what: "All users go to lunch at once, and come back.", steady: true, more: countsUsers,
		options: icwssim.Options{Users: people},
		begin:   func(s *site) { goTo(s, people, "At Lunch") }, end: func(s *site) { goTo(s, people, "Available") },
		delivered: []string{"IcwsUsersFell warning"},
	},
	{
		name: "users-of-a-server-that-is-down", what: "The server answers 500 to everything, and its users have gone when it is back.", steady: true, more: countsUsers,
		options: icwssim.Options{Users: people}, lasting: time.Hour,
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Code: http.StatusInternalServerError})
			s.server.ExpireSessions()
			goTo(s, people, "At Lunch")
		},
		end:       clearFaults,
		delivered: []string{"IcwsServerDown critical"},
		muted:     []string{"IcwsSessionUnstable warning owed"},
	},
	{
		name: "users-removed", what: "Users are removed whom the configuration still names.", steady: true, more: countsUsers,
		options: icwssim.Options{Users: people, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{UnknownUser: "ignore"}}}, lasting: 2 * time.Hour,
		begin: func(s *site) {
			for _, u := range people[:5] {
				s.server.RemoveUser(u.ID)
			}
		},
		end: func(s *site) {
			for _, u := range people[:5] {
				s.server.PutUser(u)
			}
		},
		delivered: []string{"IcwsUsersIncomplete warning not_reported"},
	},
	{
		name: "users-in-a-removed-status", what: "The status is removed that users are in.", steady: true, more: countsUsers,
		options: icwssim.Options{Users: people}, lasting: time.Hour,
		begin:     func(s *site) { goTo(s, people[:9], "At Lunch"); s.server.Apply(icwssim.Remove("At Lunch")) },
		end:       func(s *site) { goTo(s, people[:9], "Available"); s.restore() },
		delivered: []string{"IcwsUsersIncomplete warning removed_status"},
	},
	{
		name: "users-not-delivered", what: "The server accepts the list of users and says nothing of them.", steady: true, more: countsUsers,
		options: icwssim.Options{Users: people}, lasting: time.Hour,
		begin: func(s *site) {
			s.server.Inject(icwssim.Fault{Path: "user-statuses", Method: http.MethodPut, Code: http.StatusOK})
			s.server.Inject(icwssim.Fault{Path: "user-statuses", Method: http.MethodGet, Code: http.StatusInternalServerError})
		},
		end:       clearFaults,
		delivered: []string{"IcwsUsersIncomplete warning not_counted"},
	},
	{
		name: "licences-short", what: "The licences run out.", more: ", licences: true", lasting: 40 * time.Minute,
		options: icwssim.Options{Licences: []icwssim.Licence{{ID: "I3_ACCESS_CLIENT", Allowed: 100, InUse: 70}}},
		begin: func(s *site) {
			s.server.SetLicences([]icwssim.Licence{{ID: "I3_ACCESS_CLIENT", Allowed: 100, InUse: 95}})
		},
		end: func(s *site) {
			s.server.SetLicences([]icwssim.Licence{{ID: "I3_ACCESS_CLIENT", Allowed: 100, InUse: 70}})
		},
		delivered: []string{"IcwsLicencesShort warning"},
	},
}

func init() {
	for _, i := range usersIncidents {
		i.timesTickets = true
		incidents = append(incidents, i)
	}
}
