package probe

import (
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// A full message that waited at the server while polls failed is a late answer to a
// PUT, and not one that the server sends on its own.
func TestALateFullMessageIsNotOneThatNobodyAskedFor(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(50 * time.Second)
		for range 5 {
			sim.Inject(icwssim.Fault{Operation: icwssim.OpPoll, Code: 503})
			sim.Inject(icwssim.Fault{Operation: icwssim.OpStream, Code: 503})
			r.pass(25 * time.Second)
			sim.Clear()
			r.pass(4 * time.Minute)
			r.state(StateLive)
		}
		if n := r.logs.count("on its own"); n > 0 {
			t.Errorf("the server is taken for one that sends full messages on its own:\n%s", r.logs)
		}
	})
}

// A process that was stopped finds old messages in its socket. The check that is due
// then must not take one for its answer (seed 124 of the simulation).
func TestAStoppedProcessBelievesNoOldMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{Quirks: icwssim.Quirks{FullForEveryChange: true}})
		r.pass(10 * time.Second)
		go r.probe.ask(t.Context(), func(*loop) { time.Sleep(2 * time.Minute) })
		for range 4 {
			r.pass(20 * time.Second)
			sim.Step(5)
		}
		r.pass(40*time.Second + time.Millisecond) // it has just gone on
		if s := r.probe.Snapshot(); s.Fresh(time.Now()) && !snapshotEquals(s, sim.Truth()) {
			t.Errorf("old numbers are fresh, as of %s\n%s", s.Feeds[StatusMessages].LastVerified, r.logs)
		}
		r.pass(time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

// Pings that a stopped process reads late, all at once, do not tell how often the server
// sends them: it took a stream with a ping a minute for silent, every 45 seconds for ever.
func TestPingsThatWereReadLateAreNotThePaceOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{Quirks: icwssim.Quirks{PingInterval: icwssim.Period(time.Minute)}})
		r.pass(10 * time.Second)
		sim.Step(1)
		go r.probe.ask(t.Context(), func(*loop) { time.Sleep(168 * time.Second) })
		r.pass(time.Second)
		sim.Step(1) // the pings come behind it
		r.pass(10 * time.Minute)
		opened := r.seen.get("response stream 200")
		r.pass(time.Hour)
		if n := r.seen.get("response stream 200") - opened; n > 0 {
			t.Errorf("the stream was opened again %d times in an hour\n%s", n, r.logs)
		}
		r.equalsTruth(sim)
	})
}

// A firewall that forgets the stream again and again has each silence end as soon as the
// first: what the network swallows is not the pace of the server.
func TestEachSilenceOfAStreamEndsAsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModeSSE, "a")
		cfg.CheckInterval, cfg.StaleAfter = time.Hour, 3*time.Hour // no check finds it first
		r := newRig(t, cfg)
		r.serve("a", icwssim.Options{})
		r.start()
		r.pass(10 * time.Minute)
		for range 4 {
			opened := r.seen.get("response stream 200")
			r.net.SilenceStreams("a:8018")
			r.pass(2 * minSilence)
			if n := r.seen.get("response stream 200") - opened; n != 1 {
				t.Fatalf("the stream was opened again %d times in %s\n%s", n, 2*minSilence, r.logs)
			}
			r.pass(10 * time.Minute)
		}
		r.count("request connect", 1)
		r.state(StateLive)
	})
}

// Full messages that announce nothing, for hours, cost a list now and then; those that
// announce a change cost one soon (seed 293 of the simulation).
func TestFullMessagesThatAnnounceNothingSetNoPace(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		saying := sim.Inject(icwssim.Fault{Say: []icwssim.Saying{icwssim.SayFull}, Every: 2 * time.Second})
		r.pass(10 * time.Minute)
		if n := r.seen.get("request list"); n < 10 || n > 40 {
			t.Errorf("%d lists in ten minutes", n)
		}
		sim.Clear(saying)
		r.pass(time.Minute)
		for range 10 {
			sim.Silently(icwssim.Remove(sim.Truth().Statuses[0].ID))
			sim.SendFull()
			r.pass(2*listPause + r.cfg.PollInterval)
			r.equalsTruth(sim)
		}
	})
}

// Where the first PUT of a session brings nothing, an old message that comes then is no
// answer (seed 870 of the simulation).
func TestAnOldMessageIsNotTheFirstOfASession(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(time.Minute)
		sim.Inject(icwssim.Fault{Say: []icwssim.Saying{icwssim.SayOldFull}, Every: 3 * time.Minute})
		sim.Step(20)
		r.pass(165 * time.Second)
		swallowing := sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull})
		sim.ExpireSessions()
		for asked := r.seen.get("response subscribe 200"); r.seen.get("response subscribe 200") < asked+2; {
			r.pass(time.Second / 10)
		}
		sim.Clear(swallowing) // the answer is lost, and the old one comes
		for came := r.seen.get("message full"); r.seen.get("message full") == came; {
			r.pass(time.Second / 10)
		}
		if s := r.probe.Snapshot(); s.Fresh(time.Now()) && !snapshotEquals(s, sim.Truth()) {
			t.Errorf("an old list is fresh, as of %s\n%s", s.Feeds[StatusMessages].LastVerified, r.logs)
		}
		r.pass(3 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}
