package probe

import (
	"cmp"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// Nothing is asked about users before the status messages are live: those come first.
func TestUsersComeAfterTheStatuses(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		cfg := testConfig(mode, "a")
		users := icwssim.InventUsers(20, 1)
		cfg.Users, cfg.Licences = testUsers(users), true
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{Users: users, Licences: twoLicences})
		asked := r.timed("a")
		id := sim.Inject(icwssim.Fault{Operation: icwssim.OpSubscribe, Path: "status-messages", Code: http.StatusServiceUnavailable})
		r.start()
		r.pass(time.Minute)
		if n := asked.most(time.Hour); n > 0 || r.probe.Snapshot().State == StateLive {
			t.Errorf("%d requests about users while the server is %s\n%s", n, r.probe.Snapshot().State, r.logs)
		}
		sim.Clear(id)
		r.pass(10 * time.Minute)
		r.counted(sim, UsersLive, nil)
	})
}

// Users are compared one a minute, and all of them every 30 to 60 minutes.
func TestHowOftenUsersAreCompared(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(60, 1)}, nil)
		r.pass(time.Minute)
		single := func() int { return r.seen.get("request " + icws.OpUserStatus.String()) }
		all := func() int { return r.seen.get("request " + icws.OpSubscribeUsers.String()) }
		began, before, puts := time.Now(), single(), all()
		last := began
		for range 12 * 60 {
			sim.StepShifts(1)
			r.pass(time.Minute)
			if n := all(); n > puts {
				if pause := time.Since(last); n > puts+1 || pause < 29*time.Minute || pause > 61*time.Minute {
					t.Errorf("asked for all %d times after %s", n-puts, pause)
				}
				puts, last = n, time.Now()
			}
		}
		if hourly := (single() - before) / 12; hourly < 45 || hourly > 75 {
			t.Errorf("%d users an hour were compared, want one a minute", hourly)
		}
		if last == began {
			t.Error("all were never asked for again")
		}
		r.counted(sim, UsersLive, nil)
	})
}

// A long list may take longer than other requests.
func TestALongListOfUsersHasItsTime(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		quirks := icwssim.UserQuirks{UserPutTime: icwssim.Period(userPutTime)}
		users := icwssim.InventUsers(2000, 1)
		r, sim := usersRig(t, mode, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: quirks}}, func(c *Config) {
			c.RequestTimeout, c.DeliveryTimeout = 5*time.Second, 5*time.Second // the list takes 10
		})
		r.pass(time.Minute)
		r.counted(sim, UsersLive, nil)
		r.state(StateLive)
	})
}

// Of more users than may be, the first by their ids are counted, and it is said how many
// are not.
func TestTooManyUsersAreCutInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(20, 1)
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: users}, func(c *Config) {
			fromSource(Users{All: true})(c)
			c.Users.Max = 8
		})
		r.pass(time.Minute)
		slices.SortFunc(users, func(a, b icwssim.User) int { return cmp.Compare(catalogue.Fold(a.ID), catalogue.Fold(b.ID)) })
		first := testUsers(users[:8]).IDs
		r.counted(sim, UsersLive, func(u icwssim.User) bool { return slices.Contains(first, u.ID) })
		if u := r.users(); u.Watched != 8 || u.LeftOut != 12 || r.logs.count("left_out=12") != 1 {
			t.Errorf("%d watched, %d left out\n%s", u.Watched, u.LeftOut, r.logs)
		}
	})
}
