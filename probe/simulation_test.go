package probe

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

var (
	simulationFirst = flag.Uint64("simulation.first", 1, "first seed of the fault simulation")
	simulationSeeds = flag.Uint64("simulation.seeds", 6, "how many seeds of the fault simulation to run over SSE")
	simulationPolls = flag.Uint64("simulation.polls", 1, "how many of them over polling")
)

// Random faults for a day of virtual time, seeded: whatever happens, there is
// one session at most, log-ons and requests stay rare, what is fresh is the
// server's truth, and minutes after the last fault the probe is live again. A
// failing seed prints the command that replays it.
func TestSimulation(t *testing.T) {
	for i := range max(*simulationSeeds, *simulationPolls) {
		seed := *simulationFirst + i
		for mode, seeds := range map[TransportMode]uint64{ModeAuto: *simulationSeeds, ModePoll: *simulationPolls} {
			if i >= seeds {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", mode, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { simulateDay(t, mode, seed) })
			})
		}
	}
}

const replayCommand = "go test ./probe -run 'Simulation/%s/%[2]d$' -simulation.first=%[2]d -simulation.seeds=1 -simulation.polls=1"

// day is one simulated day of one seed.
type day struct {
	*rig
	replay string // the command for it
	random *rand.Rand
	a, b   *icwssim.Server
	story  []string
	// mutated is when the truth of a host last changed, and truths what it was.
	mutated       map[string]time.Time
	truths        map[string]timeline
	losing        bool          // messages are being lost, or come out of order
	lost          time.Time     // when that was last so
	tangled       time.Time     // until when old deltas may come after what is newer
	lag           time.Duration // of these
	entriesLooked int
	allShown      []catalogue.Entry
	shown         map[string]entry // the same
	// suspended is how long the machine has been, and wrong by how much the wall clock
	// was set ahead.
	suspended, wrong atomic.Int64   // nanoseconds; the probe asks too
	stops            atomic.Int64   // of the loop, under way or still to come
	wentOn           atomic.Int64   // when it did, the last time, in Unix nanoseconds
	attempts         int            // requests, without log-ons and those that leave or only look
	lists            int            // full messages and lists that came
	out              bool           // a host takes no log-ons
	logOns           map[string]int // that each host saw
	before           *Snapshot
	requests, opens  int
	looked           time.Time
	endOld           func()                  // ends what only the list can tell, where there is none; nil: nothing
	calm             time.Time               // when the probe was live after the last fault
	calmOpens        int                     // until then
	unknowable       map[string][]unknowable // by host
	ends             map[*icwssim.Server]ends
	states           int // that the probes before this one have gone through
	spared           spared
	wrongSeen        int  // passwords that the servers saw since somebody did something about it
	kept             bool // the password is one that may have been refused before
}

func simulateDay(t *testing.T, mode TransportMode, seed uint64) {
	d := newDay(t, mode, seed)
	for began := time.Now(); time.Since(began) < 24*time.Hour; {
		// Faults come alone, in pairs and more, and then there is calm.
		faults := 1 + d.random.IntN(3)
		for range faults {
			d.tell(d.misfortune([]string{"a", "a", "a", "b"}[d.random.IntN(4)]))
			for range 1 + d.random.IntN(4) {
				d.troubled(d.some(90 * time.Second))
				d.invariants()
				d.live()
			}
		}
		if d.out && faults == 1 {
			d.recovers() // on the other host
		}
		if s := d.probe.Snapshot(); s.State == StateAuthHold && d.random.IntN(2) == 0 {
			d.pass(3 * d.cfg.AuthHoldMax) // nobody looks after it
			d.invariants()
		}
		d.patient()
		d.relieve()
		d.recovers()
		for range d.random.IntN(4) {
			calm, asked, polled := d.some(time.Hour), d.seen.total("request "), d.polls()
			d.looksAtTheList(calm)
			d.restful(calm, d.seen.total("request ")-asked, polled || d.polls())
			d.invariants()
			d.settled(calm)
			d.live()
		}
	}
	if n, most := d.seen.get("opens"), 12*len(d.story); n > most {
		d.fatalf("%d log-ons in %d misfortunes", n, len(d.story))
	}
	if d.entriesLooked < 100 {
		d.fatalf("the entries could be compared %d times only", d.entriesLooked)
	}
	d.loggedOnce()
	d.stop()
	d.ledger.Close(CloseLimit)
	d.noSession()
}

// newDay starts a switchover pair with quirks and intervals that follow from the
// seed.
func newDay(t *testing.T, mode TransportMode, seed uint64) *day {
	cfg := testConfig(mode, "a", "b")
	cfg.CheckInterval = []time.Duration{1, 2, 5}[seed%3] * time.Minute
	cfg.StaleAfter = 3 * cfg.CheckInterval
	var users []icwssim.User
	quirks := icwssim.Quirks{
		NoResend: seed%4 == 1, IsDeltaLast: seed%7 == 1, AnnounceState: seed%5 == 2, ReverseStatus: seed%2 == 0,
		FullForEveryChange: seed%6 == 4, NoShouldReconnect: seed%9 == 5,
	}
	if seed%2 == 0 { // both feeds
		cfg.Users, users = testUsers(icwssim.InventUsers(10, seed)), icwssim.InventUsers(10, seed)
		cfg.Users.StaleAfter = cfg.StaleAfter
		quirks.UserQuirks = randomUserQuirks(rand.New(rand.NewPCG(seed, 2)))
	}
	d := &day{
		rig: newRig(t, cfg), replay: fmt.Sprintf(replayCommand, mode, seed), random: rand.New(rand.NewPCG(seed, 0)),
		ends: map[*icwssim.Server]ends{}, unknowable: map[string][]unknowable{}, mutated: map[string]time.Time{}, truths: map[string]timeline{}, logOns: map[string]int{}, looked: time.Now(), calm: time.Now(),
	}
	quirks.PingInterval = icwssim.Period(15<<(seed/3%3)) * icwssim.Period(time.Second)
	d.a = d.serve("a", icwssim.Options{
		Quirks: quirks, Statuses: icwssim.Catalogue(12, seed), Users: users,
		AlternateHosts: []string{"evil.example.net", "b", "u@evil", "x/../y"},
	})
	d.b = d.serve("b", icwssim.Options{
		Quirks: quirks, Statuses: icwssim.Catalogue(15, seed+1), Users: users,
		AlternateHosts: []string{"evil.example.net", "a"},
	})
	d.prepare = func(p *Probe) { p.wallClock = d.wallClock }
	for host, sim := range d.sims {
		d.truths[host] = timeline{truthOf(sim)}
	}
	d.start()
	return d
}

// troubled lets time pass and looks every few seconds whether something old is shown.
func (d *day) troubled(t time.Duration) {
	d.t.Helper()
	for end := time.Now().Add(t); time.Now().Before(end); {
		if d.endOld != nil {
			d.endOld()
		}
		d.pass(min(d.some(8*time.Second), time.Until(end)))
		d.neverOld(d.probe.Snapshot())
		d.noOldEntry()
		d.onlyTheList(d.probe.Snapshot())
	}
}

func (d *day) tell(what string) {
	d.story = append(d.story, time.Now().Format("15:04:05 ")+what)
}

// fatalf fails with what has happened until now, and how to have it happen again.
func (d *day) fatalf(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf(format+"\nreplay it with: %s\n%s\n%s", append(args, d.replay, strings.Join(d.story, "\n"), d.logs)...)
}

// live lets the catalogues change, as they do at any time.
func (d *day) live() {
	for _, host := range []string{"a", "b"} { // in this order, for a seed to replay
		for range 1 + d.random.IntN(3) {
			d.mutate(host, func(s *icwssim.Server) { s.Step(1) })
		}
		d.sims[host].StepShifts(1)
	}
}

// now is the true time: that of the bubble, which is the monotonic clock of the
// probe, and what the machine has been suspended.
func (d *day) now() time.Time { return time.Now().Round(0).Add(time.Duration(d.suspended.Load())) }

// clocks are what the probe's machine shows.
func (d *day) clocks() moment { return moment{time.Now(), d.wallClock()} }

func (d *day) wallClock() time.Time { return d.now().Add(time.Duration(d.wrong.Load())) }

func (d *day) invariants() {
	d.t.Helper()
	s, now := d.probe.Snapshot(), time.Now()
	d.oneSession()
	if since := later(s.Heartbeat, time.Unix(0, d.wentOn.Load())); now.Sub(since) > 3*heartbeatInterval && d.stops.Load() == 0 {
		d.fatalf("the loop stood still since %s", s.Heartbeat)
	}
	if d.before != nil && (s.Feeds[StatusMessages].LastVerified.Before(d.before.Feeds[StatusMessages].LastVerified) || s.LastContact.Before(d.before.LastContact) ||
		s.Feeds[StatusMessages].LastFull.Before(d.before.Feeds[StatusMessages].LastFull) || s.StateSince.Before(d.before.StateSince)) {
		d.fatalf("a timestamp went back")
	}
	if strangers := d.net.strangers("a:8018", "b:8018"); len(strangers) > 0 {
		d.fatalf("connections to %q, which could have got the password", strangers)
	}
	for _, bad := range []string{hurried, unbroken, troubling, untaught, doubled, unspared, renewing, looking, leaving} {
		if n := d.seen.get(bad); n > 0 {
			d.fatalf("%d requests %s", n, bad)
		}
	}
	if s.Feeds[StatusMessages].State == SubscriptionFaulted && s.Feeds[StatusMessages].Up && s.State == StateLive {
		d.fatalf("live with a subscription that the server calls faulted")
	}
	d.spares()
	d.truthful(s, now)
	d.neverOld(s)
	d.noOldEntry()
	d.onlyTheList(s)
	d.sparing(s, now)
	d.before, d.looked = s, now
}

var loggedChange = regexp.MustCompile(` from=(\w+) state=(\w+)`)

// loggedOnce wants exactly one log line for each change of the state: each goes on
// from where the one before it ended.
func (d *day) loggedOnce() {
	d.t.Helper()
	lines := loggedChange.FindAllStringSubmatch(d.logs.String(), -1)
	if n := d.seen.total("state ") - d.states; len(lines) != n {
		d.fatalf("%d log lines of %d changes of the state", len(lines), n)
	}
	state := StateConnecting.String()
	for _, line := range lines {
		if line[1] != state || line[2] == state {
			d.fatalf("%s is logged as from %s to %s", state, line[1], line[2])
		}
		state = line[2]
	}
	if shown := d.probe.Snapshot().State.String(); state != shown {
		d.fatalf("the log ends in %s, the state is %s", state, shown)
	}
}

// inFlight is how long a full message or list may have been under way.
const inFlight = 30 * time.Second

// truthful holds the published counts against the truth of the server that they
// come from: whatever was verified after its last change has to equal it.
func (d *day) truthful(s *Snapshot, now time.Time) {
	d.t.Helper()
	if s.FreshUntil.After(s.Feeds[StatusMessages].LastVerified.Add(d.cfg.StaleAfter)) || s.freshAt(d.clocks()) && now.Sub(s.Feeds[StatusMessages].LastVerified) > d.cfg.StaleAfter {
		d.fatalf("fresh until %s, but last verified %s", s.FreshUntil, s.Feeds[StatusMessages].LastVerified)
	}
	if u := s.Users; u != nil && u.freshAt(d.clocks()) && now.Sub(s.Feeds[UserStatuses].LastVerified) > d.cfg.Users.StaleAfter {
		d.fatalf("users fresh until %s, but last verified %s", u.FreshUntil, s.Feeds[UserStatuses].LastVerified)
	}
	if verified := s.Feeds[StatusMessages].LastVerified; verified.After(d.spared.asked) {
		d.fatalf("verified as of %s, and what was asked last came to a server at %s", verified, d.spared.asked)
	}
	lists := d.seen.get("message full") + d.seen.get("response list 200")
	if d.before != nil && s.Feeds[StatusMessages].LastVerified.After(d.before.Feeds[StatusMessages].LastVerified) && lists == d.lists {
		d.fatalf("verified at %s without a full message or list", s.Feeds[StatusMessages].LastVerified)
	}
	d.lists = lists
	host := activeHost(s)
	if host == "" || now.Before(d.tangled) || // deltas from before the list may be in the socket
		!s.freshAt(d.clocks()) || s.Feeds[StatusMessages].LastVerified.Before(s.SessionEstablished) ||
		s.Feeds[StatusMessages].LastVerified.Before(d.mutated[host].Add(inFlight)) {
		return
	}
	if !snapshotEquals(s, d.sims[host].Truth()) {
		d.fatalf("verified at %s, fresh and wrong: %d entries of %d, last change at %s",
			s.Feeds[StatusMessages].LastVerified, s.Entries, len(d.sims[host].Truth().Statuses), d.mutated[host])
	}
}

// sparing holds the load on the servers and the risk to the user in bounds.
func (d *day) sparing(s *Snapshot, now time.Time) {
	d.t.Helper()
	passed := now.Sub(d.looked)
	// A calm server is asked twice a minute, or each poll_interval; one in trouble
	// about once in a second until the backoff has grown.
	perMinute, burst := 12, 30
	if s.Transport == TransportPoll || d.before != nil && d.before.Transport == TransportPoll {
		perMinute = 60
	}
	if d.cfg.Users != nil {
		perMinute, burst = perMinute+optionalRequests, burst+optionalRequests
	}
	n := d.seen.total("request ")
	if most := burst + perMinute*int(passed/time.Minute+1); n-d.requests > most {
		d.fatalf("%d requests in %s", n-d.requests, passed)
	}
	d.requests = n
	opens := d.seen.get("opens")
	if most := 10 + 2*int(passed/time.Minute); opens-d.opens > most {
		d.fatalf("%d log-ons in %s", opens-d.opens, passed)
	}
	d.opens = opens
	// A log-on counts when it is answered, which may be late; of its beginning the
	// manners take care.
	attempts := n - d.seen.get("request version") - d.seen.get("request unsubscribe") - d.seen.get("request disconnect") - d.seen.get("request connect")
	if b := d.before; b != nil && attempts > d.attempts && now.Before(b.NextAttempt) && b.State != StateAuthHold &&
		s.SessionEstablished.Equal(b.SessionEstablished) { // else a late answer to a log-on ended the wait
		d.fatalf("a request in %s, before the next attempt that was announced for %s", b.State, b.NextAttempt)
	}
	d.attempts = attempts
	// Both hosts may have been asked before one of them answered.
	if d.wrongSeen += d.wrongPasswords(); d.wrongSeen > len(d.sims) {
		d.fatalf("the servers saw %d times that the same password is wrong", d.wrongSeen)
	}
}

func (d *day) polls() bool { return d.probe.Snapshot().Transport == TransportPoll }

// restful wants few requests while all is well, besides the polls.
func (d *day) restful(calm time.Duration, asked int, polled bool) {
	d.t.Helper()
	perMinute, burst := 6, 40 // a check, a switchover status, a user; looks at the hosts
	if polled {
		perMinute = 40
	}
	if most := burst + int(float64(perMinute)*calm.Minutes()); asked > most {
		d.fatalf("%d requests in %s of calm", asked, calm)
	}
}

// patient wants few log-ons since the last calm, however long the trouble has lasted:
// the backoff grows until the probe has been live for a while.
func (d *day) patient() {
	d.t.Helper()
	troubled := time.Since(d.calm)
	if n, most := d.seen.get("opens")-d.calmOpens, 10+int(2*troubled/time.Minute); n > most {
		d.fatalf("%d log-ons in %s of trouble", n, troubled)
	}
}

// wrongPasswords is how often the servers have refused a password since the last
// look.
func (d *day) wrongPasswords() int {
	n := 0
	for host, sim := range d.sims {
		logOns := sim.LogOns()[d.cfg.User]
		if logOns == d.logOns[host] {
			continue // the journal is long
		}
		d.logOns[host] = logOns
		for _, e := range sim.Journal() {
			if e.Operation == icwssim.OpConnect && e.Code == http.StatusBadRequest && e.Fault == 0 && e.Time.After(d.looked) {
				n++
			}
		}
	}
	return n
}

// up is Snapshot.Up on the clocks of the probe's machine.
func (d *day) up(s *Snapshot) bool {
	return s.State == StateLive && s.Feeds[StatusMessages].Up && s.freshAt(d.clocks())
}

// activeHost is the host of the session, or nothing.
func activeHost(s *Snapshot) string {
	for _, h := range s.Hosts {
		if h.Active {
			return h.Name
		}
	}
	return ""
}

// recovers waits for the time that the probe may take after the last fault: five
// minutes or three checks, and before them what it has said that it will wait.
func (d *day) recovers() {
	d.t.Helper()
	for d.stops.Load() > 0 {
		d.pass(time.Second)
	}
	grace := max(5*time.Minute, 3*d.cfg.CheckInterval)
	deadline := time.Now().Add(grace)
	if s := d.probe.Snapshot(); s.NextAttempt.Before(time.Now().Add(d.cfg.AuthHoldMax)) && s.NextAttempt.After(time.Now()) {
		deadline = s.NextAttempt.Add(grace)
	}
	relieved := time.Now()
	for {
		d.pass(10 * time.Second)
		s := d.probe.Snapshot()
		if s.State == StateAuthHold && s.NextAttempt.IsZero() && d.kept && d.random.IntN(3) == 0 {
			d.taught() // a person says that the user works again
			if err := d.probe.Retry(d.t.Context(), true); err != nil {
				d.fatalf("no try by hand: %v", err)
			}
			d.spared.anew()
			d.tell("sent the refused password once more")
			deadline = time.Now().Add(grace)
		}
		if late := !s.StateSince.Before(relieved) && s.StateSince.Sub(relieved) < grace; late && !s.NextAttempt.IsZero() && (s.State == StateDisplacedHold || s.State == StateAuthHold) {
			// The server's word was still on its way, or the password that is good again
			// was refused a short time ago and is not tried before the end of its hold.
			deadline = s.NextAttempt.Add(grace)
		}
		if host := activeHost(s); host != "" && d.up(s) && snapshotEquals(s, d.sims[host].Truth()) {
			d.calm, d.calmOpens = time.Now(), d.seen.get("opens")
			return
		}
		if time.Now().After(deadline) {
			d.fatalf("long after the last fault: state %s (%s), up %t, %d entries, verified %s", s.State, s.Reason,
				d.up(s), s.Entries, s.Feeds[StatusMessages].LastVerified)
		}
	}
}
