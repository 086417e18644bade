package probe

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

var (
	simulationFirst = flag.Uint64("simulation.first", 1, "first seed of the fault simulation")
	simulationSeeds = flag.Uint64("simulation.seeds", 12, "how many seeds of the fault simulation to run over SSE")
	simulationPolls = flag.Uint64("simulation.polls", 1, "how many of them over polling")
)

// Random faults for a day of virtual time, seeded: whatever happens, there is
// one session at most, log-ons stay rare, and minutes after the last fault the
// probe is live again with the server's own counts. Replay a failing seed with
//
//	go test ./probe -run 'Simulation/auto/N$' -simulation.first=N -simulation.seeds=1
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

func simulateDay(t *testing.T, mode TransportMode, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	r := newRig(t, testConfig(mode, "a", "b"))
	quirks := icwssim.Quirks{NoResend: seed%4 == 1, IsDeltaLast: seed%3 == 1, AnnounceState: seed%5 == 2}
	a := r.serve("a", icwssim.Options{Quirks: quirks, AlternateHosts: []string{"b"}})
	b := r.serve("b", icwssim.Options{Quirks: quirks, Statuses: icwssim.Catalogue(30, 3)})
	sims := []*icwssim.Server{a, b}
	r.start()
	var story []string
	for began := time.Now(); time.Since(began) < 24*time.Hour; {
		// Faults come alone, in pairs and more, and then there is calm.
		for range 1 + random.IntN(3) {
			sim := sims[random.IntN(4)/3]
			story = append(story, fmt.Sprintf("%s %s", time.Now().Format("15:04:05"), r.misfortune(random, sim)))
			for range 1 + random.IntN(4) {
				r.pass(time.Duration(random.Int64N(int64(90 * time.Second))))
				sim.Step(1 + random.IntN(5))
				r.invariants(story)
			}
		}
		a.Clear()
		b.Clear()
		if _, up := r.servers["a"]; !up {
			r.listen("a")
		}
		r.recovers(sims, story)
		for range random.IntN(4) {
			r.pass(time.Duration(random.Int64N(int64(time.Hour))))
			sims[0].Step(1 + random.IntN(5))
			sims[1].Step(1 + random.IntN(5))
			r.invariants(story)
		}
	}
	if n, most := r.seen.get("opens"), 10*len(story); n > most {
		t.Errorf("%d log-ons in %d misfortunes\n%v", n, len(story), story)
	}
}

// sessions is how many sessions the servers hold.
func (r *rig) sessions() int {
	n := 0
	for _, sim := range r.sims {
		n += len(sim.Sessions())
	}
	return n
}

// misfortune lets one thing go wrong and says what.
func (r *rig) misfortune(random *rand.Rand, sim *icwssim.Server) string {
	operation := []string{"", "connect", "subscribe", "unsubscribe", "poll", "stream", "list", "switchover_status", "disconnect"}[random.IntN(9)]
	cut := random.IntN(400)
	fault := icwssim.Fault{Operation: operation, Count: random.IntN(6), Skip: random.IntN(3)}
	switch random.IntN(12) {
	case 0:
		r.kill("a")
		r.unseenSessions += 10 // it keeps the session until it expires
		return "host a dies"
	case 1:
		sim.ExpireSessions()
		return "sessions expire"
	case 2:
		sim.EndSessions(true)
		return "sessions end"
	case 3:
		sim.SubscriptionState(3)
		return "subscription faulted"
	case 4:
		sim.Silently(icwssim.Remove(sim.Truth().Statuses[0].ID))
		return "a lost delta"
	case 5:
		sim.Send(`{"__type":"urn:inin.com:status:statusMessagesMessage","statusMessagesAdded":7}`)
		return "a malformed message"
	case 6:
		fault.Code = []int{400, 403, 404, 429, 500, 502, 503, 504}[random.IntN(8)]
	case 7:
		fault.Drop = true
	case 8:
		fault.Cut = &cut
	case 9:
		fault.Stall = true
	case 10:
		fault.Swallow = []icwssim.Swallow{
			icwssim.SwallowDeltas, icwssim.SwallowFull, icwssim.SwallowMessages, icwssim.SwallowStream}[random.IntN(4)]
		fault.Operation = ""
	case 11:
		fault.Code, fault.Body, fault.ContentType = http.StatusBadGateway, "<html>proxy</html>", "text/html"
	}
	if (fault.Cut != nil || fault.Stall) && (operation == "" || operation == "connect") {
		r.unseenSessions += 10 // nobody knows a session whose 201 did not arrive
	}
	if operation == "" || operation == "disconnect" {
		r.unseenSessions += 10 // it cannot be ended either
	}
	sim.Inject(fault)
	return fmt.Sprintf("%+v", fault)
}

func (r *rig) invariants(story []string) {
	r.t.Helper()
	s := r.probe.Snapshot()
	if n := r.sessions(); n > 1+r.unseenSessions {
		r.t.Fatalf("%d sessions on the servers, of which %d answers were cut\n%v\n%s", n, r.unseenSessions, story, r.logs)
	}
	if time.Since(s.Heartbeat) > 3*heartbeatInterval {
		r.t.Fatalf("the loop stood still since %s\n%v", s.Heartbeat, story)
	}
	if s.Fresh(time.Now()) && time.Since(s.LastVerified) > r.cfg.StaleAfter {
		r.t.Fatalf("fresh, but last verified %s\n%v", s.LastVerified, story)
	}
}

// recovers waits for the time that the probe may take after the last fault: five
// minutes, and before them what it has said that it will wait.
func (r *rig) recovers(sims []*icwssim.Server, story []string) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	if s := r.probe.Snapshot(); s.NextAttempt.Before(time.Now().Add(r.cfg.AuthHoldMax)) && s.NextAttempt.After(time.Now()) {
		deadline = s.NextAttempt.Add(5 * time.Minute)
	}
	for {
		r.pass(10 * time.Second)
		s := r.probe.Snapshot()
		host := 0
		for _, h := range s.Hosts {
			if h.Active && h.Name == "b" {
				host = 1
			}
		}
		if s.Up(time.Now()) && snapshotEquals(s, sims[host].Truth()) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("long after the last fault: state %s (%s), up %t, %d entries of %d\n%v\n%s",
				s.State, s.Reason, s.Up(time.Now()), s.Entries, len(sims[host].Truth().Statuses), story, r.logs)
		}
	}
}
