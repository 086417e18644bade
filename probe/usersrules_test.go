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

// Users are compared one a minute, and all of them every 30 to 60 minutes, also where many
// of them are not reported.
func TestHowOftenUsersAreCompared(t *testing.T) {
	none := func(icwssim.User) bool { return false }
	noRight := func(u icwssim.User) bool { return u.NoRight }
	for name, kind := range map[string]struct {
		quirks  icwssim.UserQuirks
		noRight int // of 60 users
		state   UsersState
		without func(icwssim.User) bool
	}{
		"all are reported": {icwssim.UserQuirks{}, 0, UsersLive, none},
		"few are reported": {icwssim.UserQuirks{}, 50, UsersIncomplete, noRight},
		"some are refused": {icwssim.UserQuirks{NoUserRight: "403-all"}, 5, UsersForbidden, noRight},
	} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				users := icwssim.InventUsers(60, 1)
				for i := range kind.noRight {
					users[i*11%60].NoRight = true
				}
				r, sim := usersRig(t, mode, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: kind.quirks}}, nil)
				r.pass(30 * time.Minute) // and a search
				r.counted(sim, kind.state, func(u icwssim.User) bool { return !kind.without(u) })
				r.comparedOften(sim)
				r.counted(sim, kind.state, func(u icwssim.User) bool { return !kind.without(u) })
			})
		})
	}
}

// comparedOften holds the requests about users of half a day to what is promised.
func (r *rig) comparedOften(sim *icwssim.Server) {
	single := func() int { return r.seen.get("request " + icws.OpUserStatus.String()) }
	all := func() int { return r.seen.get("request " + icws.OpSubscribeOptional.String()) }
	before, puts, last := single(), all(), time.Time{}
	for range 12 * 60 {
		sim.StepShifts(1)
		r.pass(time.Minute)
		if u := r.users(); !u.Fresh(time.Now()) {
			r.t.Fatalf("stale: %s (%s)\n%s", u.State, u.Reason, r.logs)
		}
		n := all()
		if n == puts {
			continue
		}
		if pause := time.Since(last); !last.IsZero() && (n > puts+1 || pause < 29*time.Minute || pause > 61*time.Minute) {
			r.t.Errorf("asked for all %d times after %s", n-puts, pause)
		}
		puts, last = n, time.Now()
	}
	if hourly := (single() - before) / 12; hourly < 45 || hourly > 75 {
		r.t.Errorf("%d users an hour were compared, want one a minute", hourly)
	}
	if last.IsZero() {
		r.t.Error("all were never asked for again")
	}
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

// A user whom the server knows and refuses, since it takes only so many, is tried again once
// an hour, with those whom it accepts: the others stay counted meanwhile.
func TestOneUserTooManyIsTriedOnceAnHour(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		quirks := icwssim.UserQuirks{UserMaximum: 59}
		r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(60, 1), Quirks: icwssim.Quirks{UserQuirks: quirks}}, nil)
		r.pass(time.Hour)
		before, stale := r.seen.get("request "+icws.OpSubscribeOptional.String()), 0
		for range 12 * 60 {
			sim.StepShifts(1)
			r.pass(time.Minute)
			if u := r.users(); !u.Fresh(time.Now()) || u.Reported != 59 || u.Refused != 1 {
				stale++
			}
		}
		if n := r.seen.get("request "+icws.OpSubscribeOptional.String()) - before; n > 12*4 || stale > 0 {
			t.Errorf("asked for users %d times in twelve hours, stale in %d minutes\n%s", n, stale, r.logs)
		}
	})
}

// Of two messages in a row that leave the same users out: a message between them that leaves
// nobody out is one, and then the second omission is the first again.
func TestOneOmissionIsNotTwo(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		quirks := icwssim.UserQuirks{UserResend: "none"}
		cut := func(sim *icwssim.Server, most int) {
			q := quirks
			q.UserMaximum, q.UserMaximumAnswer = most, "first"
			sim.SetQuirks(icwssim.Quirks{UserQuirks: q})
		}
		r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(8, 1), Quirks: icwssim.Quirks{UserQuirks: quirks}}, nil)
		r.pass(2 * time.Hour)
		cut(sim, 7)
		r.pass(2 * time.Hour)
		if u := r.users(); u.Reported != 7 || !u.Fresh(time.Now()) {
			t.Fatalf("%d reported, %s (%s)", u.Reported, u.State, u.Reason)
		}
		cut(sim, 0)
		r.pass(2 * time.Hour)
		r.counted(sim, UsersLive, nil)
		puts := func() int { return r.seen.get("request " + icws.OpSubscribeOptional.String()) }
		cut(sim, 7)
		for before := puts(); puts() == before; {
			r.pass(time.Second)
		}
		cut(sim, 0)
		for range 45 * 60 {
			r.pass(time.Second)
			if u := r.users(); u.Fresh(time.Now()) && u.Reported != 8 {
				t.Fatalf("one message leaves a user out, who is dropped: %d reported, %s (%s)\n%s", u.Reported, u.State, u.Reason, r.logs)
			}
		}
	})
}
