package probe

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/roster"
)

// Random faults of everything about users, for half a day of virtual time, on every
// kind of server: the server stays up in one session, the status messages are right,
// no wrong number is fresh, nobody is asked too often, and within the time that is
// promised after the last fault users are counted again.
func TestUsersSimulation(t *testing.T) {
	for i := range (*simulationSeeds + 2) / 3 { // each costs as much as three of the others
		seed := *simulationFirst + i
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulateShift(t, seed) })
		})
	}
}

// shift is one simulated shift of users.
type shift struct {
	*rig
	random  *rand.Rand
	sim     *icwssim.Server
	times   *requestTimes
	quirks  icwssim.UserQuirks
	session time.Time
	story   []string
	changed time.Time // when a user was changed last
	lost    time.Time // when changes may have been lost last
	faulty  bool
}

// either returns one of the values.
func either[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

func randomUserQuirks(r *rand.Rand) icwssim.UserQuirks {
	return icwssim.UserQuirks{
		UserListPut: either(r, "replace", "add"),
		UserResend:  either(r, "resend", "only-new-users", "none"),
		UnknownUser: either(r, "404", "ignore", "400", "empty-status"),
		NoUserRight: either(r, "omit", "403-all", "404-all", "include"),
		UserInitial: either(r, "full", "full", "split", "delta"),
		UserDelta:   either(r, "changed", "whole"), UserCoalescing: either(r, "one", "several"),
		UserDeleted:    either(r, "silence", "empty-status", "state"),
		UserProperties: either(r, "ignored", "entries", "updates", "400"),
		UserPutTime:    icwssim.Period(either(r, 0, 10*time.Microsecond, 5*time.Millisecond)),
		EmptyUserList:  either(r, "400", "200"),
	}
}

func simulateShift(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	users := icwssim.InventUsers(12, seed)
	cfg := testConfig(either(random, ModeSSE, ModePoll), "a")
	cfg.Users = testUsers(users)
	for i := range users {
		users[i].NoRight = random.IntN(12) == 0
	}
	if random.IntN(3) == 0 {
		cfg.Users.IDs = append(cfg.Users.IDs, "who")
	}
	d := &shift{rig: newRig(t, cfg), random: random, quirks: randomUserQuirks(random), changed: time.Now(), lost: time.Now()}
	d.sim = d.serve("a", icwssim.Options{
		Users: users, Quirks: icwssim.Quirks{UserQuirks: d.quirks, DeleteMissingCode: either(random, 204, 404), AnnounceState: random.IntN(4) == 0},
	})
	d.times = d.timed("a")
	d.start()
	d.pass(20 * time.Second)
	d.session = d.probe.Snapshot().SessionEstablished
	for began := time.Now(); time.Since(began) < 12*time.Hour; {
		for range 1 + random.IntN(3) {
			d.story = append(d.story, time.Now().Format("15:04:05 ")+d.misfortune())
			for range 1 + random.IntN(4) {
				d.live()
				d.pass(time.Duration(random.Int64N(int64(5 * time.Minute))))
				d.invariants()
			}
		}
		d.sim.Clear() // now it serves what hung: a DELETE that we have given up, too
		d.faulty, d.lost = false, time.Now()
		d.recovers()
	}
}

func (d *shift) fatalf(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf(format+"\n%+v\n%s\n%s", append(args, d.quirks, strings.Join(d.story, "\n"), d.logs)...)
}

// live lets users do what they do all day.
func (d *shift) live() {
	d.sim.StepShifts(d.random.IntN(4))
	if d.random.IntN(4) == 0 && !d.faulty {
		d.sim.Step(1)
	}
	d.changed = time.Now()
}

// misfortune lets one thing go wrong with what is about users.
func (d *shift) misfortune() string {
	users := d.sim.Users()
	switch d.random.IntN(10) {
	case 0:
		if len(users) > 6 {
			d.sim.RemoveUser(users[0].ID)
			d.lost = time.Now() // only a sample tells
			return "a user is removed"
		}
	case 1:
		d.sim.SubscriptionState(either(d.random, icwssim.SubscriptionNormal, icwssim.SubscriptionFaulted, icwssim.SubscriptionSuspended))
		d.sim.SubscriptionState(icwssim.SubscriptionNormal)
		d.lost = time.Now()
		return "a subscription is said to be in another state"
	case 2:
		d.faulty = true
		d.sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		return "changes are lost"
	case 3:
		d.sim.Send(either(d.random,
			`{"__type":"urn:inin.com:status:userStatusMessage","userStatusList":7,"isDelta":true}`,
			`{"__type":"urn:inin.com:status:userStatusMessage","userStatusList":[{"userId":{}},null,[7]],"isDelta":true}`,
			`{"__type":"urn:inin.com:status:userStatusMessage","isDelta":true}`,
			`{"__type":"urn:inin.com:status:userStatusMessage","userStatusList":[{"userId":"stranger","statusId":"Available","loggedIn":true}],"isDelta":true}`))
		return "a message about users makes no sense"
	case 4:
		d.sim.Send(`{"__type":"urn:inin.com:status:userStatusMessage","userStatusList":[],"isDelta":false}`)
		return "a full message names nobody, and nobody asked"
	}
	fault := icwssim.Fault{
		Path:  either(d.random, "user-statuses", "subscriptions/status/user-statuses", "/status/user-statuses/"),
		Count: d.random.IntN(8), Method: either(d.random, "", http.MethodPut, http.MethodDelete, http.MethodGet),
	}
	switch d.random.IntN(5) {
	case 0:
		fault.Drop = true
	case 1:
		fault.Hang, fault.Count = true, 0
	case 2:
		fault.Delay = time.Duration(d.random.Int64N(int64(time.Minute)))
	case 3:
		fault.Code, fault.Body = 200, "<html>proxy</html>"
	default:
		fault.Code = either(d.random, faultCodes...)
		fault.RetryAfter = either(d.random, "", "30", "soon")
	}
	d.sim.Inject(fault)
	return fmt.Sprintf("%+v", fault)
}

func (d *shift) invariants() {
	d.t.Helper()
	s := d.probe.Snapshot()
	if !s.Up(time.Now()) || !s.SessionEstablished.Equal(d.session) || s.State != StateLive {
		d.fatalf("%s (%s), up %t, session of %s", s.State, s.Reason, s.Up(time.Now()), s.SessionEstablished)
	}
	if n := d.seen.get("opens"); n != 1 {
		d.fatalf("%d log-ons", n)
	}
	if most := d.times.most(time.Minute); most > optionalRequests {
		d.fatalf("%d requests about users within a minute", most)
	}
	u := s.Users
	if u.Reported > u.Watched || u.Counts != nil && u.Fresh(time.Now()) && s.Feeds[UserStatuses].LastVerified.IsZero() {
		d.fatalf("%d of %d, verified %s", u.Reported, u.Watched, s.Feeds[UserStatuses].LastVerified)
	}
	// What was verified after the last loss has to be right; of what was lost, samples
	// find some in their time.
	if !u.Fresh(time.Now()) || d.faulty || s.Feeds[UserStatuses].LastVerified.Before(d.changed) || time.Since(d.lost) < time.Hour {
		return
	}
	d.rightAbout(u)
}

// rightAbout holds the counts against a recount of those who are reported.
func (d *shift) rightAbout(u *UsersReport) {
	d.t.Helper()
	reported := map[string]bool{}
	if err := d.probe.ask(context.Background(), func(l *loop) {
		for _, user := range d.sim.Users() {
			_, reported[user.ID] = l.users.roster.Agrees(roster.Entry{UserID: []byte(user.ID)})
		}
	}); err != nil {
		d.fatalf("%v", err)
	}
	if got, want := byGroup(u.Counts), groupsOf(d.sim, func(user icwssim.User) bool { return reported[user.ID] }); got != want {
		d.fatalf("fresh and wrong: %s\nwant %s", got, want)
	}
}

// recovers waits until users are counted: two hours, in which the server refuses
// nothing that it refused, at most.
func (d *shift) recovers() {
	d.t.Helper()
	want := 0
	for _, u := range d.sim.Users() {
		if !u.NoRight || d.quirks.NoUserRight == "include" {
			want++
		}
	}
	for range 2 * 60 {
		d.pass(time.Minute)
		d.invariants()
		if u := d.probe.Snapshot().Users; u.Fresh(time.Now()) && u.Reported == want && time.Since(d.lost) > time.Hour {
			d.rightAbout(u)
			return
		}
	}
	u := d.probe.Snapshot().Users
	d.fatalf("long after the last fault: %s (%s), %d of %d reported, want %d, fresh %t", u.State, u.Reason, u.Reported, u.Watched, want, u.Fresh(time.Now()))
}
