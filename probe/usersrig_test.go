package probe

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/roster"
)

// testUsers counts the invented users of a simulator.
func testUsers(users []icwssim.User) *Users {
	u := &Users{Max: 2000, RefreshInterval: 15 * time.Minute, StaleAfter: 3 * time.Minute, MinCohort: 5}
	for _, user := range users {
		u.IDs = append(u.IDs, user.ID)
	}
	return u
}

// usersRig is a probe that counts users.
func usersRig(t *testing.T, mode TransportMode, o icwssim.Options, change func(*Config)) (*rig, *icwssim.Server) {
	cfg := testConfig(mode, "a")
	cfg.Users = testUsers(o.Users)
	if change != nil {
		change(&cfg)
	}
	r := newRig(t, cfg)
	sim := r.serve("a", o)
	r.start()
	return r, sim
}

// users returns what the probe knows of users.
func (r *rig) users() *UsersReport {
	r.t.Helper()
	u := r.probe.Snapshot().Users
	if u == nil {
		r.t.Fatalf("no users in the snapshot\n%s", r.logs)
	}
	return u
}

// counted expects the counts to be those of the simulator, and fresh.
func (r *rig) counted(sim *icwssim.Server, state UsersState, counts func(icwssim.User) bool) {
	r.t.Helper()
	u := r.users()
	if u.State != state || !u.Fresh(time.Now()) {
		r.t.Fatalf("users %s (%s), fresh %t, want %s\n%s", u.State, u.Reason, u.Fresh(time.Now()), state, r.logs)
	}
	if got, want := byGroup(u.Counts), groupsOf(sim, counts); got != want {
		r.t.Fatalf("counted %s\nwant    %s\n%s", got, want, r.logs)
	}
}

// staleMinutes passes three hours in which users move, and wants that what is fresh is right; it returns in
// how many of their minutes the counts were stale.
func (r *rig) staleMinutes(sim *icwssim.Server, counts func(icwssim.User) bool) int {
	r.t.Helper()
	stale := 0
	for range 3 * 60 {
		sim.StepShifts(2)
		r.pass(time.Minute)
		u := r.users()
		if !u.Fresh(time.Now()) {
			stale++
		} else if got, want := byGroup(u.Counts), groupsOf(sim, counts); got != want {
			r.t.Fatalf("fresh and wrong: %s\nwant %s, %s (%s)\n%s", got, want, u.State, u.Reason, r.logs)
		}
	}
	return stale
}

// byGroup writes down who is where.
func byGroup(c *roster.Counts) string {
	var b strings.Builder
	for _, g := range c.Groups {
		if g.Users != [roster.NumLoggedIn]int{} {
			fmt.Fprintf(&b, "%s %v phone %d; ", g.Group, g.Users, g.OnPhone)
		}
	}
	return b.String()
}

// groupsOf is byGroup for the users of the simulator whom counts says yes to: a recount.
func groupsOf(sim *icwssim.Server, counts func(icwssim.User) bool) string {
	return recount(sim, counts, true)
}

// groupsOfUnknown is groupsOf for a server that says of nobody whether they are logged in.
func groupsOfUnknown(sim *icwssim.Server, counts func(icwssim.User) bool) string {
	return recount(sim, counts, false)
}

func recount(sim *icwssim.Server, counts func(icwssim.User) bool, saysLoggedIn bool) string {
	groups := map[string]string{}
	for _, s := range sim.Truth().Statuses {
		groups[catalogue.Fold(s.ID)] = s.Group
	}
	byName := map[string]*roster.GroupCount{}
	c := &roster.Counts{}
	for _, u := range sim.Users() {
		if counts != nil && !counts(u) {
			continue
		}
		group, known := groups[catalogue.Fold(u.Status)]
		switch {
		case !known:
			group = roster.UnknownGroup
		case group == "":
			group = "(none)"
		}
		g := byName[group]
		if g == nil {
			g = &roster.GroupCount{Group: group}
			byName[group] = g
		}
		if !saysLoggedIn {
			g.Users[roster.Unknown]++
			continue
		}
		if !u.LoggedIn {
			g.Users[roster.No]++
			continue
		}
		g.Users[roster.Yes]++
		if u.OnPhone {
			g.OnPhone++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		c.Groups = append(c.Groups, *byName[name])
	}
	return byGroup(c)
}

func TestUsersAreCounted(t *testing.T) {
	for _, mode := range []TransportMode{ModeSSE, ModePoll} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(60, 1)}, nil)
				r.pass(30 * time.Second)
				r.counted(sim, UsersLive, nil)
				for range 20 {
					sim.StepShifts(5)
					r.pass(30 * time.Second)
					r.counted(sim, UsersLive, nil)
				}
				if n := r.seen.get("users moved"); n == 0 {
					t.Error("no change of a status was counted")
				}
				if u := r.users(); u.Counts.Watched != 60 || u.Counts.Reported != 60 {
					t.Errorf("%d of %d reported", u.Counts.Reported, u.Counts.Watched)
				}
				r.state(StateLive)
			})
		})
	}
}

// requestTimes are when a simulator was asked about users.
type requestTimes struct {
	mu    sync.Mutex
	times []time.Time
}

// most is how many requests there were at most within a window.
func (q *requestTimes) most(window time.Duration) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := 0
	for i := range q.times {
		n := 0
		for _, t := range q.times[i:] {
			if t.Sub(q.times[i]) < window {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// aboutUsers reports whether a request is one that only counting users needs.
func aboutUsers(path string) bool {
	return strings.Contains(path, "user-statuses") || strings.Contains(path, "/configuration/")
}

// timed takes down the requests about users from now on. The host must not serve yet.
func (r *rig) timed(host string) *requestTimes {
	q, sim := &requestTimes{}, r.sims[host]
	r.servers[host].Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if aboutUsers(req.URL.Path) {
			q.mu.Lock()
			q.times = append(q.times, time.Now())
			q.mu.Unlock()
			defer func() {
				if cut := recover(); cut != nil { // the transport sends it once more
					q.mu.Lock()
					q.times = q.times[:len(q.times)-1]
					q.mu.Unlock()
					panic(cut)
				}
			}()
		}
		sim.ServeHTTP(w, req)
	})
	return q
}
