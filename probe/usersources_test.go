package probe

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// fromSource has the probe count the users of a source.
func fromSource(source Users) func(*Config) {
	return func(c *Config) {
		source.Max, source.RefreshInterval, source.StaleAfter, source.MinCohort = 2000, 15*time.Minute, 3*time.Minute, 5
		c.Users = &source
	}
}

func memberOf(names ...string) func(icwssim.User) bool {
	return func(u icwssim.User) bool {
		return slices.ContainsFunc(u.Workgroups, func(w string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, w) })
		})
	}
}

func TestUsersOfEachSourceAreCounted(t *testing.T) {
	users := icwssim.InventUsers(60, 1)
	first, second := users[0].Workgroups[0], ""
	for _, u := range users {
		if u.Workgroups[0] != first {
			second = u.Workgroups[0]
		}
	}
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		for name, test := range map[string]struct {
			source Users
			state  UsersState
			counts func(icwssim.User) bool
		}{
			"all":             {Users{All: true}, UsersLive, nil},
			"workgroups":      {Users{Workgroups: []string{first, second}}, UsersLive, memberOf(first, second)},
			"one that is not": {Users{Workgroups: []string{first, "Gone"}}, UsersNoList, memberOf(first)},
		} {
			r, sim := usersRig(t, mode, icwssim.Options{Users: users}, fromSource(test.source))
			r.pass(5 * time.Minute)
			r.counted(sim, test.state, test.counts)
			r.pass(40 * time.Minute) // the list is read again
			r.counted(sim, test.state, test.counts)
			if test.state == UsersNoList {
				if u := r.users(); !strings.Contains(u.Reason, "1 of 2 workgroups") || !strings.Contains(u.Reason, `"Gone"`) {
					t.Errorf("%s: the reason is %q", name, u.Reason)
				}
				if n := r.logs.count("counting users does not go as it should"); n != 1 {
					t.Errorf("%s: %d lines of the log say so\n%s", name, n, r.logs)
				}
			}
			r.close()
		}
	})
}

// A user who comes and one who goes are found when the list is read again.
func TestTheListOfUsersIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(20, 1)
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: users[:19]}, fromSource(Users{All: true}))
		r.pass(5 * time.Minute)
		r.counted(sim, UsersLive, nil)
		sim.PutUser(users[19])
		sim.RemoveUser(users[0].ID)
		r.pass(20 * time.Minute)
		r.counted(sim, UsersLive, nil)
	})
}

// All that is optional together keeps to four requests a minute, whatever happens: here
// users of many workgroups, and licences.
func TestOptionalRequestsKeepToTheirBudget(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		users := icwssim.InventUsers(100, 1)
		for i := range users {
			users[i].Workgroups = []string{"w" + string(rune('a'+i%20))}
		}
		var names []string
		for i := range 20 {
			names = append(names, "w"+string(rune('a'+i)))
		}
		r, sim := usersRig(t, mode, icwssim.Options{Users: users, Licences: twoLicences}, func(c *Config) {
			fromSource(Users{Workgroups: names})(c)
			c.Licences = true
		})
		optional := func() int {
			n := 0
			for _, op := range []icws.Operation{icws.OpConfiguration, icws.OpUserStatus, icws.OpSubscribeOptional, icws.OpUnsubscribeOptional} {
				n += r.seen.get("request " + op.String())
			}
			return n
		}
		most := 0
		for range 120 {
			before := optional()
			r.pass(time.Minute)
			most = max(most, optional()-before)
		}
		if most > 4 || most == 0 {
			t.Errorf("%d requests in a minute", most)
		}
		r.wantLicences(bothLicences)
		r.counted(sim, UsersLive, nil)
	})
}

// Counts of fewer users than are watched now are not shown, whatever the server answers
// to the longer list.
func TestCountsOfAShorterListAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(73, 1)
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: users}, fromSource(Users{IDs: []string{users[0].ID}}))
		r.pass(2 * time.Minute)
		r.counted(sim, UsersLive, func(u icwssim.User) bool { return u.ID == users[0].ID })
		id := sim.Inject(icwssim.Fault{Path: "user-statuses", Method: http.MethodPut, Code: 503})
		all := testUsers(nil)
		all.All = true
		r.probe.Adjust(Optional{Users: all})
		for range 60 {
			r.pass(5 * time.Second)
			if u := r.users(); u.Fresh(time.Now()) && u.Reported < u.Watched {
				t.Fatalf("the counts of %d users of %d are shown", u.Reported, u.Watched)
			}
		}
		sim.Clear(id)
		r.pass(20 * time.Minute)
		r.counted(sim, UsersLive, nil)
	})
}

// A list that cannot be read says which workgroups are to blame, in the reason and in
// the log.
func TestTheWorkgroupsThatCannotBeReadAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(20, 1)
		for want, names := range map[string][]string{
			`the members of "Lost" is answered 404`:                                  {"Lost"},
			`the members of "Lost", "Gone" is answered 404`:                          {"Lost", "Gone"},
			`the members of "a1", "a2", "a3", "a4", "a5" and 2 more is answered 404`: {"a1", "a2", "a3", "a4", "a5", "a6", "a7"},
		} {
			r, _ := usersRig(t, ModeSSE, icwssim.Options{Users: users}, fromSource(Users{Workgroups: names}))
			r.pass(5 * time.Minute)
			if u := r.users(); u.State != UsersNoList || !strings.Contains(u.Reason, want) {
				t.Errorf("%s: %q, want %q", u.State, u.Reason, want)
			}
			if n := r.logs.count(names[0]); n != 1 {
				t.Errorf("%d lines of the log name %s\n%s", n, names[0], r.logs)
			}
			r.close()
		}
	})
}
