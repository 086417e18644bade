package probe

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
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
	gone    []icwssim.User
	left    map[string]bool // as seen last
	spared  map[string]bool // of them, who is not even asked for
	watch   *watchOnServer
}

// either returns one of the values.
func either[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// randomUserQuirks draws every switch of protocol-users.md, 8, that the simulator has,
// half of them as they are by default.
func randomUserQuirks(r *rand.Rand) (q icwssim.UserQuirks) {
	for field, v := range reflect.ValueOf(&q).Elem().Fields() {
		values := strings.Split(field.Tag.Get("values"), "|")
		value := values[0]
		if r.IntN(2) == 0 {
			value = either(r, values...)
		}
		switch {
		case v.Kind() == reflect.Bool:
			v.SetBool(r.IntN(4) == 0)
		case value == "N":
			v.SetInt(8)
		case value == "DURATION":
			v.SetInt(int64(either(r, 10*time.Microsecond, 5*time.Millisecond)))
		case v.Kind() == reflect.String:
			v.SetString(value)
		}
	}
	return q
}

func TestTheSimulationDrawsEverySwitch(t *testing.T) {
	drawn := map[string]bool{}
	for seed := range uint64(200) {
		for field, v := range reflect.ValueOf(randomUserQuirks(rand.New(rand.NewPCG(seed, 1)))).Fields() {
			drawn[fmt.Sprint(field.Name, " ", v)] = true
		}
	}
	for field := range reflect.TypeFor[icwssim.UserQuirks]().Fields() {
		values := field.Tag.Get("values")
		for value := range strings.SplitSeq(strings.NewReplacer("N", "8", "DURATION", "5ms").Replace(values), "|") {
			if value = cmp.Or(value, "true"); !drawn[field.Name+" "+value] {
				t.Errorf("%s is never %s", field.Name, value)
			}
		}
	}
}

func simulateShift(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	users := icwssim.InventUsers(12, seed)
	cfg := testConfig(either(random, ModeSSE, ModePoll), "a")
	cfg.Users, cfg.Licences = testUsers(users), random.IntN(2) == 0
	all := random.IntN(20) == 0
	for i := range users {
		users[i].NoRight = all || random.IntN(12) == 0
	}
	if random.IntN(3) == 0 {
		cfg.Users.IDs = append(cfg.Users.IDs, "who")
	}
	switch random.IntN(4) {
	case 0:
		cfg.Users.IDs, cfg.Users.All = nil, true
	case 1:
		cfg.Users.IDs, cfg.Users.Workgroups = nil, []string{users[0].Workgroups[0], users[1].Workgroups[0]}
		slices.Sort(cfg.Users.Workgroups)
		cfg.Users.Workgroups = slices.Compact(cfg.Users.Workgroups)
	}
	d := &shift{rig: newRig(t, cfg), random: random, quirks: randomUserQuirks(random), changed: time.Now(), lost: time.Now()}
	d.sim = d.serve("a", icwssim.Options{
		Users: users, Licences: twoLicences,
		Quirks: icwssim.Quirks{UserQuirks: d.quirks, DeleteMissingCode: either(random, 204, 404), AnnounceState: random.IntN(4) == 0},
	})
	d.times, d.watch = d.timed("a"), d.watched("a")
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
		d.faulty, d.lost = false, later(d.lost, time.Now())
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
			d.lost = later(d.lost, time.Now()) // only a sample tells
			d.gone = append(d.gone, users[0])
			return "a user is removed"
		}
		if n := len(d.gone); n > 0 {
			d.sim.PutUser(d.gone[n-1])
			d.gone = d.gone[:n-1]
			d.lost = time.Now().Add(30 * time.Minute) // until all are asked for again
			return "a user is there again"
		}
	case 1:
		d.sim.SubscriptionState(either(d.random, icwssim.SubscriptionNormal, icwssim.SubscriptionFaulted, icwssim.SubscriptionSuspended))
		d.sim.SubscriptionState(icwssim.SubscriptionNormal)
		d.lost = later(d.lost, time.Now())
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
		Path:  either(d.random, "user-statuses", "subscriptions/status/user-statuses", "/status/user-statuses/", "/configuration/"),
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

// leftOut are those whom the probe does not ask for since the server refuses them, as it
// says; folded. While it tries them again they may still be left out: then d.spared are those
// whom it does not even ask for.
func (d *shift) leftOut() map[string]bool {
	left := map[string]bool{}
	defer func() { d.left = left }()
	if err := d.probe.ask(context.Background(), func(l *loop) {
		for _, ids := range []map[string]bool{l.userFeed().refused, l.userFeed().untried} {
			for id := range ids {
				left[catalogue.Fold(id)] = true
			}
		}
		d.spared = maps.Clone(left)
		if l.userFeed().due != nil || l.userFeed().search != nil || l.userFeed().awaiting != nil {
			maps.Copy(left, d.left)
		}
	}); err != nil {
		d.fatalf("%v", err)
	}
	return left
}

// asked are those whom the configuration names, and who the server says it has.
func (d *shift) asked() []string {
	var ids []string
	add := func(id string) {
		if !slices.ContainsFunc(ids, func(other string) bool { return catalogue.Fold(other) == catalogue.Fold(id) }) {
			ids = append(ids, id)
		}
	}
	for _, id := range d.cfg.Users.IDs {
		add(id)
	}
	for _, u := range d.sim.Users() {
		if !u.NoRight && (d.cfg.Users.All || memberOf(d.cfg.Users.Workgroups...)(u)) {
			add(u.ID)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(catalogue.Fold(a), catalogue.Fold(b)) })
	return ids
}

// shown are those of them whom the server says something of, when left are not asked for:
// what it knows, and not what the probe made of its messages.
func (d *shift) shown(left map[string]bool) map[string]bool {
	ids := slices.DeleteFunc(d.asked(), func(id string) bool { return left[catalogue.Fold(id)] })
	if most := d.quirks.UserMaximum; most > 0 && d.quirks.UserMaximumAnswer == "first" {
		ids = ids[:min(len(ids), most)]
	}
	shown := map[string]bool{}
	for _, u := range d.sim.Users() {
		if slices.ContainsFunc(ids, func(id string) bool { return catalogue.Fold(id) == catalogue.Fold(u.ID) }) &&
			(!u.NoRight || d.quirks.NoUserRight == "include") {
			shown[u.ID] = true
		}
	}
	return shown
}

// rightAbout holds the counts against a recount of those who are on the server. Whom the
// server stopped watching, since it watches only so many, is counted as long as what it said
// of them is not too old.
func (d *shift) rightAbout(u *UsersReport) {
	d.t.Helper()
	left, got := d.leftOut(), byGroup(u.Counts)
	truth := d.truthWithout(left)
	if got != truth && got != d.truthWithout(d.spared) && got != d.truthWithFormer() {
		d.fatalf("fresh and wrong: %s\nwant %s\n%d of %d are not asked for; %s: %s", got, truth, len(left), len(d.asked()), u.State, u.Reason)
	}
}

// truthWithout is a recount of those whom the server says something of, when left are not
// asked for.
func (d *shift) truthWithout(left map[string]bool) string {
	shown := d.shown(left)
	return d.truthOf(func(user icwssim.User) bool { return shown[user.ID] })
}

// truthWithFormer is a recount of those whom the server says something of, and of those it
// watched within stale_after of all who are asked for: it may watch others by a new list, and
// says nothing of that.
func (d *shift) truthWithFormer() string {
	shown, oldest := d.shown(d.spared), time.Now().Add(-d.cfg.Users.StaleAfter)
	watchesSome := d.quirks.UserMaximum > 0 && d.quirks.UserMaximumAnswer == "first"
	asked := map[string]bool{}
	for _, id := range d.asked() {
		asked[catalogue.Fold(id)] = !d.spared[catalogue.Fold(id)]
	}
	return d.truthOf(func(user icwssim.User) bool {
		isFormer := watchesSome && asked[catalogue.Fold(user.ID)] && d.watch.watchedAfter(user.ID, oldest)
		return shown[user.ID] || isFormer && (!user.NoRight || d.quirks.NoUserRight == "include")
	})
}

// truthOf is a recount of those whom counts says yes to.
func (d *shift) truthOf(counts func(icwssim.User) bool) string {
	if d.quirks.LoggedInAbsent {
		return groupsOfUnknown(d.sim, counts)
	}
	return groupsOf(d.sim, counts)
}

// refusedOnes is how many of those who are asked for the server refuses, among as many as
// it looks at.
func (d *shift) refusedOnes() int {
	known := map[string]icwssim.User{}
	for _, u := range d.sim.Users() {
		known[catalogue.Fold(u.ID)] = u
	}
	accepted, n := 0, 0
	for _, id := range d.asked() {
		u, isKnown := known[catalogue.Fold(id)]
		isRefused := !isKnown && (d.quirks.UnknownUser == "404" || d.quirks.UnknownUser == "400") ||
			isKnown && u.NoRight && (d.quirks.NoUserRight == "403-all" || d.quirks.NoUserRight == "404-all")
		isMore := d.quirks.UserMaximum > 0 && accepted == d.quirks.UserMaximum
		switch {
		case isMore && d.quirks.UserMaximumAnswer == "first":
			return n
		case isMore || isRefused:
			n++
		default:
			accepted++
		}
	}
	return n
}

// counted reports whether all are counted of whom the server says something, and only those
// left out whom it refuses, or of whom it would say nothing: it may have refused these by a
// fault or when there were more users, and no sample shows that it would not again. Where it
// watches only so many, others are counted in place of these: more than if all were asked for.
// Of nobody there is nothing to count.
func (d *shift) counted(u *UsersReport, left map[string]bool) bool {
	if len(d.shown(nil)) == 0 && !u.Fresh(time.Now()) {
		return u.Reason != ""
	}
	if !u.Fresh(time.Now()) || u.Reported != len(d.shown(left)) {
		return false
	}
	return len(left) == d.refusedOnes() || len(d.shown(left)) >= len(d.shown(nil))
}

// recovers waits until users are counted: two hours, in which the server refuses
// nothing that it refused, at most.
func (d *shift) recovers() {
	d.t.Helper()
	if len(d.asked()) == 0 {
		d.pass(2 * time.Hour)
		u := d.probe.Snapshot().Users
		// The list of a workgroup whose last member has gone cannot be read any more: those
		// of the last list stay watched, and the server says of none of them what they do.
		isTrue := !u.Fresh(time.Now()) || u.State == UsersNoList && u.Reported == 0 && byGroup(u.Counts) == ""
		if u.State != UsersNobody && u.State != UsersNoList || !isTrue {
			d.fatalf("of nobody it is said: %s (%s), %d of %d reported, fresh %t", u.State, u.Reason, u.Reported, u.Watched, u.Fresh(time.Now()))
		}
		return
	}
	for range 3 * 60 {
		d.pass(time.Minute)
		d.invariants()
		left := d.leftOut()
		if u := d.probe.Snapshot().Users; d.counted(u, left) && time.Since(d.lost) > time.Hour {
			if u.Fresh(time.Now()) {
				d.rightAbout(u)
			}
			return
		}
	}
	u := d.probe.Snapshot().Users
	left := d.leftOut()
	d.fatalf("long after the last fault: %s (%s), %d of %d reported, want %d, %d are not asked for, want %d, fresh %t", u.State, u.Reason, u.Reported, u.Watched,
		len(d.shown(left)), len(left), d.refusedOnes(), u.Fresh(time.Now()))
}
