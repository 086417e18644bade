package probe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/roster"
)

// userQuirks are the switches of the simulator with what they do to the feed.
var userQuirks = []struct {
	name   string
	quirks icwssim.UserQuirks
	// noRight is on how many of the 60 users the session's user has no right, and unknown how
	// many of the list do not exist.
	noRight, unknown int
	state            UsersState
	counts           func(u icwssim.User) bool // nil: all
	within           time.Duration             // 0: a minute
}{
	{name: "as documented", state: UsersLive},
	{name: "a second PUT adds", quirks: icwssim.UserQuirks{UserListPut: "add"}, state: UsersLive},
	{name: "a second PUT sends new users only", quirks: icwssim.UserQuirks{UserResend: "only-new-users"}, state: UsersLive},
	{name: "a second PUT sends nothing", quirks: icwssim.UserQuirks{UserResend: "none"}, state: UsersLive},
	{name: "unknown users: 404", unknown: 2, quirks: icwssim.UserQuirks{UnknownUser: "404"}, state: UsersUnknown, within: 15 * time.Minute},
	{name: "unknown users: 400", unknown: 2, quirks: icwssim.UserQuirks{UnknownUser: "400"}, state: UsersRefused, within: 15 * time.Minute},
	{name: "unknown users are ignored", unknown: 2, quirks: icwssim.UserQuirks{UnknownUser: "ignore"}, state: UsersIncomplete},
	{name: "unknown users have an empty status", unknown: 2, quirks: icwssim.UserQuirks{UnknownUser: "empty-status"}, state: UsersIncomplete},
	{name: "no right: left out", noRight: 3, state: UsersIncomplete, counts: hasRight},
	{name: "no right: 403", noRight: 1, quirks: icwssim.UserQuirks{NoUserRight: "403-all"}, state: UsersForbidden, counts: hasRight, within: 15 * time.Minute},
	{name: "no right: 404", noRight: 1, quirks: icwssim.UserQuirks{NoUserRight: "404-all"}, state: UsersUnknown, counts: hasRight, within: 15 * time.Minute},
	{name: "no right: counted", noRight: 3, quirks: icwssim.UserQuirks{NoUserRight: "include"}, state: UsersLive},
	{name: "not so many: the first", quirks: icwssim.UserQuirks{UserMaximum: 40, UserMaximumAnswer: "first"}, state: UsersIncomplete, counts: none},
	{name: "full and a change", quirks: icwssim.UserQuirks{UserInitial: "split"}, state: UsersLive},
	{name: "a change only", quirks: icwssim.UserQuirks{UserInitial: "delta"}, state: UsersLive, within: 4 * time.Minute},
	{name: "whole entries", quirks: icwssim.UserQuirks{UserDelta: "whole"}, state: UsersLive},
	{name: "several entries", quirks: icwssim.UserQuirks{UserCoalescing: "several"}, state: UsersLive},
	{name: "properties filter", quirks: icwssim.UserQuirks{UserProperties: "updates"}, state: UsersLive},
	{name: "properties refused", quirks: icwssim.UserQuirks{UserProperties: "400"}, state: UsersLive},
	{name: "a slow PUT", quirks: icwssim.UserQuirks{UserPutTime: icwssim.Period(5 * time.Millisecond)}, state: UsersLive},
}

func hasRight(u icwssim.User) bool { return !u.NoRight }
func none(icwssim.User) bool       { return false }

// Whatever the server does where the protocol leaves it open, the numbers come to be
// right and say so, the server stays up, and nobody is asked too often.
func TestUsersOnEveryKindOfServer(t *testing.T) {
	for _, mode := range []TransportMode{ModeSSE, ModePoll} {
		for _, tc := range userQuirks {
			t.Run(string(mode)+"/"+tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					users := icwssim.InventUsers(60, 1)
					for i := range tc.noRight {
						users[7*i].NoRight = true
					}
					cfg := testConfig(mode, "a")
					cfg.Users = testUsers(users)
					for i := range tc.unknown {
						cfg.Users.IDs = append(cfg.Users.IDs, "who"+strings.Repeat("o", i))
					}
					r := newRig(t, cfg)
					sim := r.serve("a", icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: tc.quirks}})
					q := r.timed("a")
					r.start()
					r.pass(max(tc.within, time.Minute))
					check := func() {
						t.Helper()
						if tc.name == "not so many: the first" {
							if u := r.users(); u.State != tc.state || u.Reported != 40 {
								t.Fatalf("%s: %d reported", u.State, u.Reported)
							}
							return
						}
						r.counted(sim, tc.state, tc.counts)
					}
					check()
					for range 10 { // with two full messages in between
						sim.StepShifts(3)
						r.pass(10 * time.Minute)
						check()
					}
					r.state(StateLive)
					if r.seen.total("lost") > 0 || r.seen.get("state live") > 1 {
						t.Errorf("the status messages suffered\n%s", r.logs)
					}
					if most := q.most(time.Minute); most > optionalRequests {
						t.Errorf("%d requests about users within a minute", most)
					}
				})
			})
		}
	}
}

// On an old server that does not say who is logged in, that is what is shown.
func TestOldServerDoesNotSayWhoIsLoggedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := usersRig(t, ModeSSE, icwssim.Options{Users: icwssim.InventUsers(20, 1), Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{LoggedInAbsent: true}}}, nil)
		r.pass(time.Minute)
		u := r.users()
		if u.State != UsersLive || u.Counts.LoggedInKnown {
			t.Fatalf("%s, logged in known: %t", u.State, u.Counts.LoggedInKnown)
		}
		n := 0
		for _, g := range u.Counts.Groups {
			n += g.Users[roster.Unknown]
			if g.Users[roster.Yes]+g.Users[roster.No] > 0 {
				t.Errorf("%+v", g)
			}
		}
		if n != 20 {
			t.Errorf("%d of 20 unknown", n)
		}
	})
}

// A server that refuses what is about users, or does not answer it, is up.
func TestUsersNeverTakeAServerDown(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault icwssim.Fault
		state UsersState
	}{
		{"400", icwssim.Fault{Code: 400}, UsersRefused},
		{"401", icwssim.Fault{Code: 401}, UsersFailing},
		{"403", icwssim.Fault{Code: 403}, UsersForbidden},
		{"404", icwssim.Fault{Code: 404}, UsersUnknown},
		{"405", icwssim.Fault{Code: 405}, UsersGone},
		{"410", icwssim.Fault{Code: 410}, UsersGone},
		{"413", icwssim.Fault{Code: 413}, UsersRefused},
		{"429", icwssim.Fault{Code: 429}, UsersFailing},
		{"500", icwssim.Fault{Code: 500}, UsersFailing},
		{"503", icwssim.Fault{Code: 503}, UsersFailing},
		{"cut", icwssim.Fault{Drop: true}, UsersFailing},
		{"no answer", icwssim.Fault{Hang: true}, UsersFailing},
		{"200 and nothing", icwssim.Fault{Code: 200, Body: "{}"}, UsersNotDelivering},
		{"nonsense", icwssim.Fault{Code: 200, Body: "<html>"}, UsersNotDelivering},
	} {
		for _, mode := range []TransportMode{ModeSSE, ModePoll} {
			t.Run(tc.name+"/"+string(mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := testConfig(mode, "a")
					cfg.StaleAfter, cfg.CheckInterval = 30*time.Second, 10*time.Second
					users := icwssim.InventUsers(20, 1)
					cfg.Users = testUsers(users)
					r := newRig(t, cfg)
					sim := r.serve("a", icwssim.Options{Users: users})
					q := r.timed("a")
					tc.fault.Path = "user-statuses"
					id := sim.Inject(tc.fault)
					r.start()
					r.pass(20 * time.Second)
					for range 120 {
						r.pass(15 * time.Second)
						if s := r.probe.Snapshot(); !s.Up(time.Now()) {
							t.Fatalf("down: %s %s\n%s", s.State, s.Reason, r.logs)
						}
						if u := r.users(); u.Fresh(time.Now()) {
							t.Fatalf("numbers out of nothing: %+v", u.Counts)
						}
					}
					if u := r.users(); u.State != tc.state || u.Reason == "" {
						t.Errorf("%s: %q, want %s", u.State, u.Reason, tc.state)
					}
					if n := r.seen.get("opens"); n > 1 || r.seen.total("lost") > 0 {
						t.Errorf("%d log-ons\n%s", n, r.logs)
					}
					if most := q.most(time.Minute); most > optionalRequests {
						t.Errorf("%d requests about users within a minute", most)
					}
					if n := r.logs.count("counting users does not go"); n > 3 {
						t.Errorf("%d lines in the log\n%s", n, r.logs)
					}
					sim.Clear(id)
					r.pass(20 * time.Minute)
					r.counted(sim, UsersLive, nil)
				})
			})
		}
	}
}

// Requests of the feed hold up neither the messages nor the end of the process.
func TestAHangingUserRequestHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModePoll, "a")
		users := icwssim.InventUsers(20, 1)
		cfg.Users = testUsers(users)
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{Users: users})
		sim.Inject(icwssim.Fault{Path: "user-statuses", Hang: true})
		r.start()
		r.pass(5 * time.Second)
		if !r.probe.Snapshot().Up(time.Now()) {
			t.Fatal("not up")
		}
		sim.Step(3)
		r.pass(3 * time.Second)
		if got, want := r.probe.Snapshot().Entries, len(sim.Truth().Statuses); got != want {
			t.Errorf("%d statuses, want %d: the messages wait for the users", got, want)
		}
		before := time.Now()
		r.stop()
		if took := time.Since(before); took > leaveTimeout {
			t.Errorf("it took %s to end", took)
		}
	})
}

// Users are switched on, changed and off in the session that runs.
func TestUsersAreSwitchedInTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(20, 1)
		r, sim := startRig(t, ModeSSE, icwssim.Options{Users: users})
		r.pass(time.Minute)
		session := r.probe.Snapshot().SessionEstablished
		set := func(u *Users) {
			r.probe.Adjust(Optional{Users: u})
		}
		for range 3 {
			if u := r.probe.Snapshot().Users; u != nil || r.probe.Snapshot().Feeds[UserStatuses] != (FeedState{}) {
				t.Fatalf("users while off: %+v", u)
			}
			set(testUsers(users))
			r.pass(3 * time.Minute)
			r.counted(sim, UsersLive, nil)
			set(testUsers(users[:10]))
			r.pass(3 * time.Minute)
			first := map[string]bool{}
			for _, u := range users[:10] {
				first[u.ID] = true
			}
			r.counted(sim, UsersLive, func(u icwssim.User) bool { return first[u.ID] })
			set(nil)
			r.pass(3 * time.Minute)
		}
		if s := r.probe.Snapshot(); s.SessionEstablished != session || !s.Up(time.Now()) {
			t.Errorf("another session, or not up\n%s", r.logs)
		}
		if n := sim.Counts().Of("unsubscribe"); n < 3 {
			t.Errorf("%d subscriptions ended, want one each time", n)
		}
	})
}

// A user whom no message names any more, or who is wrong, is found by the samples.
func TestSamplesFindDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(6, 1)
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: users}, nil)
		r.pass(time.Minute)
		r.counted(sim, UsersLive, nil)
		id := sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		sim.StepShifts(20)
		sim.Clear(id)
		r.pass(9 * time.Minute) // each in turn, once more, and all
		r.counted(sim, UsersLive, nil)
		if r.seen.get("users: check drift") == 0 || r.seen.get("check drift") > 0 {
			t.Errorf("drift of users %d, of statuses %d", r.seen.get("users: check drift"), r.seen.get("check drift"))
		}
	})
}

// Users who are deleted are counted no more, however the server says so.
func TestDeletedUsers(t *testing.T) {
	for _, quirk := range []string{"silence", "empty-status", "state"} {
		t.Run(quirk, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				users := icwssim.InventUsers(6, 1)
				r, sim := usersRig(t, ModePoll, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{UserDeleted: quirk}}}, nil)
				r.pass(time.Minute)
				sim.RemoveUser(users[2].ID)
				for range 60 {
					r.pass(15 * time.Second)
					if !r.probe.Snapshot().Up(time.Now()) {
						t.Fatalf("down: %s", r.logs)
					}
				}
				u := r.users()
				if got, want := byGroup(u.Counts), groupsOf(sim, nil); got != want || !u.Fresh(time.Now()) {
					t.Errorf("counted %s\nwant    %s, %s (%s)\n%s", got, want, u.State, u.Reason, r.logs)
				}
			})
		})
	}
}

// No id and no name of a user is in anything that the probe writes or publishes.
func TestUsersAreNeverNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(30, 1)
		users[4].NoRight = true
		r := newRig(t, testConfig(ModePoll, "a"))
		r.cfg.Users = testUsers(users)
		r.cfg.Users.IDs = append(r.cfg.Users.IDs, "unknown.person")
		r.history = NewHistory(r.seen)
		sim := r.serve("a", icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{NoUserRight: "403-all"}}})
		sim.Inject(icwssim.Fault{Path: "user-statuses/", Method: http.MethodGet, Code: 404, Message: "There is no " + users[0].ID + " (" + users[0].Name + ")", Count: 5})
		r.start()
		r.pass(30 * time.Minute)
		sim.StepShifts(100)
		r.pass(30 * time.Minute)
		written := fmt.Sprintf("%s %+v %+v %+v %+v", r.logs, r.probe.Snapshot(), r.users(), r.users().Counts, r.history.Recent())
		for _, u := range append(users, icwssim.User{ID: "unknown.person", Name: "nobody at all"}) {
			for _, text := range []string{u.ID, u.Name, u.Station, u.ForwardedNumber, "private note"} {
				if text != "" && strings.Contains(written, text) {
					t.Errorf("%q is in what the probe writes", text)
				}
			}
		}
	})
}

// The least users.stale_after that the configuration accepts is time enough to compare
// users in, whatever else is asked for.
func TestUsersWhoAreStaleSoonStayFresh(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		users := icwssim.InventUsers(60, 1)
		for i := range users {
			users[i].Workgroups = []string{"w" + string(rune('a'+i%20))}
		}
		var names []string
		for i := range 20 {
			names = append(names, "w"+string(rune('a'+i)))
		}
		for name, source := range map[string]Users{"ids": {IDs: testUsers(users).IDs}, "workgroups": {Workgroups: names}} {
			r, _ := usersRig(t, mode, icwssim.Options{Users: users, Licences: twoLicences}, func(c *Config) {
				fromSource(source)(c)
				c.Users.StaleAfter, c.Licences = time.Minute, true
			})
			r.pass(10 * time.Minute)
			stale := 0
			for range 6 * 240 {
				r.pass(10 * time.Second)
				if u := r.users(); !u.Fresh(time.Now()) {
					stale++
				}
			}
			if stale > 6 { // once, when all are asked for just after a workgroup and the licences
				t.Errorf("%s: stale %d times of %d", name, stale, 6*240)
			}
			r.close()
		}
	})
}

// A subscription whose PUT is under way when the users are switched off is ended too.
func TestSwitchedOffWhileSubscribing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(20, 1)
		r, sim := startRig(t, ModeSSE, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{UserPutTime: icwssim.Period(200 * time.Millisecond)}}})
		r.pass(time.Minute)
		before := sim.Counts().Of("unsubscribe")
		r.probe.Adjust(Optional{Users: testUsers(users)})
		r.pass(time.Second)
		r.probe.Adjust(Optional{})
		r.pass(3 * time.Minute)
		if n := sim.Counts().Of("unsubscribe") - before; n != 1 {
			t.Errorf("%d subscriptions ended, want the one\n%s", n, r.logs)
		}
	})
}

// A proxy that answers our DELETE itself leaves the subscription as it was: a server that
// then sends only new users says of nobody what they do. Nobody is taken for gone, no
// wrong number is fresh, and once the DELETE gets through all are counted again.
func TestADeleteThatNeverReachedTheServer(t *testing.T) {
	for name, fault := range map[string]icwssim.Fault{
		"404": {Code: 404}, "a page": {Code: 200, Body: "<html>proxy</html>"}, "204": {Code: 204}, "410": {Code: 410},
	} {
		for _, initial := range []string{"full", "split"} {
			t.Run(name+"/"+initial, func(t *testing.T) {
				eachTransport(t, func(t *testing.T, mode TransportMode) {
					quirks := icwssim.UserQuirks{UserResend: "only-new-users", UserInitial: initial}
					r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(12, 1), Quirks: icwssim.Quirks{UserQuirks: quirks}}, nil)
					r.pass(time.Minute)
					r.counted(sim, UsersLive, nil)
					fault.Path, fault.Method = "user-statuses", http.MethodDelete
					id := sim.Inject(fault)
					stale := r.staleMinutes(sim, nil)
					if u := r.users(); stale == 0 || u.State != UsersNotDelivering || u.Reason == "" || u.Reported != 12 {
						t.Errorf("stale %d times, %s (%s), %d reported\n%s", stale, u.State, u.Reason, u.Reported, r.logs)
					}
					sim.Clear(id)
					r.pass(20 * time.Minute)
					r.counted(sim, UsersLive, nil)
					r.state(StateLive)
				})
			})
		}
	}
}

// oneGone are thirty users of a server that ignores those whom it does not know, and one
// of them.
func oneGone() (icwssim.Options, string) {
	users := icwssim.InventUsers(30, 1)
	return icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{UnknownUser: "ignore"}}}, users[3].ID
}

// Where the server says nothing of one user alone, the others are counted all the same
// when one of them is gone.
func TestAUserWhoIsGoneWhereOneCannotBeAskedFor(t *testing.T) {
	for _, code := range []int{400, 405, 410, 500} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				options, id := oneGone()
				r, sim := usersRig(t, mode, options, nil)
				r.pass(30 * time.Second)
				sim.Inject(icwssim.Fault{Method: "GET", Path: "status/user-statuses/", Code: code})
				r.pass(10 * time.Minute)
				r.counted(sim, UsersLive, nil)
				sim.RemoveUser(id)
				fresh := 0
				for range 3 * 60 {
					r.pass(time.Minute)
					if r.users().Fresh(time.Now()) {
						fresh++
					}
				}
				if fresh < 150 {
					t.Errorf("fresh in %d minutes of 180", fresh)
				}
				r.counted(sim, UsersIncomplete, nil)
			})
		})
	}
}

// A full message of a few is not believed where nobody can be asked for alone: a server
// that sends only who is new may never have seen the DELETE.
func TestAFewAreNotAllWhereOneCannotBeAskedFor(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		quirks := icwssim.UserQuirks{UserResend: "only-new-users"}
		r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(12, 1), Quirks: icwssim.Quirks{UserQuirks: quirks}}, nil)
		r.pass(time.Minute)
		sim.Inject(icwssim.Fault{Path: "user-statuses", Method: http.MethodDelete, Code: 204})
		sim.Inject(icwssim.Fault{Path: "status/user-statuses/", Method: http.MethodGet, Code: 400})
		for range 3 * 60 {
			sim.StepShifts(2)
			r.pass(time.Minute)
			if u := r.users(); u.Fresh(time.Now()) && byGroup(u.Counts) != groupsOf(sim, nil) {
				t.Fatalf("fresh and wrong: %s\nwant %s\n%s", byGroup(u.Counts), groupsOf(sim, nil), r.logs)
			}
		}
		if u := r.users(); u.Fresh(time.Now()) || u.State != UsersNotDelivering && u.State != UsersIncomplete || u.Reported != 12 {
			t.Errorf("fresh %t, %s (%s), %d reported\n%s", u.Fresh(time.Now()), u.State, u.Reason, u.Reported, r.logs)
		}
	})
}

// An empty status in the answer about one user says that there is no such user, both to a
// sample and where a full message has left the user out.
func TestAnEmptyStatusIsAUserWhoIsGone(t *testing.T) {
	for name, leavesOut := range map[string]bool{"sample": false, "left out": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options, id := oneGone()
				options.Users = options.Users[:6]
				r, sim := usersRig(t, ModeSSE, options, nil)
				r.pass(30 * time.Second)
				sim.Inject(icwssim.Fault{Method: "GET", Path: "status/user-statuses/" + id, Body: fmt.Sprintf(`{"userId":%q,"statusId":""}`, id)})
				sim.RemoveUser(id)
				if leavesOut {
					r.probe.ask(t.Context(), func(l *loop) { l.userFeed().missed(ResyncCheck) })
				}
				r.pass(10 * time.Minute)
				r.counted(sim, UsersIncomplete, nil)
				if n := r.seen.get("users: lost not_delivering"); n > 0 {
					t.Errorf("lost %d times\n%s", n, r.logs)
				}
			})
		})
	}
}

// A server that says of nobody what they do leaves out nobody who was there before.
func TestNobodyWasThereBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(5, 1)
		for i := range users {
			users[i].NoRight = true
		}
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: users}, nil)
		sim.Inject(icwssim.Fault{Method: "GET", Path: "status/user-statuses/", Code: 400})
		for range 30 {
			r.pass(time.Minute)
			if u := r.users(); u.Fresh(time.Now()) || u.Reason == "" || strings.Contains(u.Reason, "before") {
				t.Fatalf("fresh %t, %s: %s", u.Fresh(time.Now()), u.State, u.Reason)
			}
		}
	})
}

// A server that watches only so many users may leave one out whom it reported before, when
// others have come. It knows the user all the same. Once it is clear that the user is watched
// no more, the others are shown.
func TestAUserWhoIsNoLongerAmongTheFirst(t *testing.T) {
	for _, quirks := range []icwssim.UserQuirks{{}, {UserResend: "only-new-users"}, {UserResend: "none"}, {UserInitial: "split"}, {UserInitial: "delta"}} {
		for _, answers := range []bool{true, false} {
			t.Run(fmt.Sprint(quirks.UserResend, quirks.UserInitial, answers), func(t *testing.T) {
				quirks.UserMaximum, quirks.UserMaximumAnswer = 7, "first"
				eachTransport(t, func(t *testing.T, mode TransportMode) { joinedByEarlierUsers(t, mode, quirks, answers) })
			})
		}
	}
}

// joinedByEarlierUsers has two users join those who are watched, before them in the order of
// the list. answers says whether the server says what one does who is asked for alone.
func joinedByEarlierUsers(t *testing.T, mode TransportMode, quirks icwssim.UserQuirks, answers bool) {
	users := icwssim.InventUsers(12, 1)
	slices.SortFunc(users, func(a, b icwssim.User) int { return strings.Compare(a.ID, b.ID) })
	first := testUsers(users[:quirks.UserMaximum]).IDs
	r, sim := usersRig(t, mode, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: quirks}}, func(c *Config) {
		c.Users.IDs = c.Users.IDs[2:]
	})
	r.pass(time.Minute)
	most := 20 // minutes: two attempts, with a pause
	if !answers {
		sim.Inject(icwssim.Fault{Path: "status/user-statuses/", Method: http.MethodGet, Code: 400})
		most = 60 // each asks three times before it is given up
	}
	r.probe.Adjust(Optional{Users: testUsers(users)})
	stale := r.staleMinutes(sim, func(u icwssim.User) bool { return slices.Contains(first, u.ID) })
	if u := r.users(); stale > most || u.State != UsersIncomplete || u.Reported != quirks.UserMaximum {
		t.Errorf("stale in %d minutes of 180, %s (%s), %d reported\n%s", stale, u.State, u.Reason, u.Reported, r.logs)
	}
}

// The counts of a server that sends changes only, and says nothing of one user alone, are
// proven by asking for all of them, before they turn stale.
func TestAServerThatSendsOnlyChangesStaysFresh(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		quirks := icwssim.UserQuirks{UserInitial: "delta"}
		r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(12, 1), Quirks: icwssim.Quirks{UserQuirks: quirks}}, nil)
		r.pass(time.Minute)
		sim.Inject(icwssim.Fault{Path: "status/user-statuses/", Method: http.MethodGet, Code: 400})
		for range 2 * 60 {
			sim.StepShifts(2)
			r.pass(time.Minute)
			r.counted(sim, UsersLive, nil)
		}
	})
}

// Two changes of the catalogue at the same reading of a clock are two: clocks stand still
// for as long as half a millisecond on some systems.
func TestTheCatalogueChangesTwiceInOneMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: icwssim.InventUsers(30, 1)}, nil)
		r.pass(time.Minute)
		statuses := sim.Truth().Statuses
		for _, st := range statuses {
			sim.Apply(icwssim.Remove(st.ID))
			r.pass(0) // it has come and is counted
			sim.Apply(icwssim.Add(st))
			r.pass(0)
			r.counted(sim, UsersLive, nil)
		}
	})
}

// What time alone decides is shown when it is decided, and not with the next message.
func TestUsersWhoAreLeftOutAreShownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := icwssim.InventUsers(12, 1)
		users[3].NoRight = true
		r, sim := usersRig(t, ModeSSE, icwssim.Options{Users: users}, nil)
		r.pass(settleTime + time.Millisecond)
		r.counted(sim, UsersIncomplete, func(u icwssim.User) bool { return !u.NoRight })
	})
}
