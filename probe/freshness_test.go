package probe

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// freshConfig has a stale_after of 20 seconds.
func freshConfig() Config {
	cfg := testConfig(ModeSSE, "a")
	cfg.CheckInterval, cfg.StaleAfter, cfg.PollInterval = 6*time.Second, 20*time.Second, time.Second
	return cfg
}

// neverOld looks every second for d, and fails when what is shown as fresh is older
// than stale_after allows. It returns how often anything was fresh.
func (r *rig) neverOld(truth *truthOverTime, d time.Duration) (fresh int) {
	r.t.Helper()
	for began := time.Now(); time.Since(began) < d; r.pass(time.Second) {
		s := r.probe.Snapshot()
		if !s.Fresh(time.Now()) {
			continue
		}
		fresh++
		if age := truth.age(r.t, s); age > r.cfg.StaleAfter {
			r.t.Fatalf("what was replaced %s ago is shown as fresh\n%s", age, r.logs)
		}
	}
	return fresh
}

// A server announces every change by a full message, behind a proxy whose stream
// begins to lag, or repeats one old message for ever.
func TestFullMessagesThatNobodyAskedForProveNothing(t *testing.T) {
	for name, trouble := range map[string]func(*rawServer){
		"lag": func(s *rawServer) { s.setLag(time.Minute) },
		"one old message for ever": func(s *rawServer) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.repeats = fullMessage(s.full())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				truth := &truthOverTime{}
				truth.change()
				r := newRig(t, freshConfig())
				server := &rawServer{full: truth.list}
				r.serveRaw("a", server)
				r.start()
				r.pass(10 * time.Second)
				r.state(StateLive)
				for n := range 200 {
					if n == 20 {
						trouble(server)
					}
					truth.change()
					if name == "lag" || n < 20 {
						server.sendFull()
					}
					if fresh := r.neverOld(truth, 3*time.Second); fresh < 3 {
						t.Fatalf("the list was there, and nothing was fresh\n%s", r.logs)
					}
				}
				if n := server.count("GET status-messages"); n > 300 {
					t.Errorf("%d lists in ten minutes", n)
				}
			})
		})
	}
}

// The probe's process is stopped while an old full message waits in its socket, asked
// for or not, and goes on when the server is gone.
func TestAMessageFromBeforeAStopIsNotFresh(t *testing.T) {
	for _, asked := range []bool{false, true} {
		t.Run(fmt.Sprint("asked ", asked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				truth := &truthOverTime{}
				truth.change()
				r := newRig(t, freshConfig())
				server := &rawServer{full: truth.list}
				r.serveRaw("a", server)
				r.start()
				r.pass(10 * time.Second)
				if asked {
					server.setLag(time.Second)
					for puts := server.count("PUT status-messages"); server.count("PUT status-messages") == puts; {
						r.pass(100 * time.Millisecond)
					}
				} else {
					server.sendFull()
				}
				go r.probe.ask(context.Background(), func(*loop) { time.Sleep(45 * time.Second) })
				r.pass(2 * time.Second)
				truth.change()
				r.pass(40 * time.Second)
				r.kill("a")
				r.neverOld(truth, time.Minute)
				if r.probe.Snapshot().Fresh(time.Now()) {
					t.Error("fresh without a server")
				}
			})
		})
	}
}

// The machine is suspended: the wall clock goes on, the monotonic one does not.
func TestWhatIsOldOnOneClockIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := freshConfig()
		cfg.CheckInterval = 10 * time.Second
		r := newRig(t, cfg)
		r.serve("a", icwssim.Options{})
		suspended := make(chan time.Duration, 1)
		suspended <- 0
		wall := func() time.Time {
			d := <-suspended
			suspended <- d
			return time.Now().Add(d).Round(0)
		}
		r.prepare = func(p *Probe) { p.wallClock = wall }
		r.start()
		r.pass(11 * time.Second)
		now := func() moment { return moment{time.Now(), wall()} }
		if !r.probe.Snapshot().freshAt(now()) {
			t.Fatal("not fresh before")
		}
		checks := r.seen.total("check ")
		<-suspended
		suspended <- time.Hour
		if r.probe.Snapshot().freshAt(now()) {
			t.Error("what is an hour old is fresh")
		}
		r.pass(heartbeatInterval)
		if !r.probe.Snapshot().freshAt(now()) || r.seen.total("check ") == checks {
			t.Error("not checked after the suspend")
		}
		// The time is set back: the monotonic clock still knows.
		<-suspended
		suspended <- -time.Hour
		r.kill("a")
		r.pass(time.Minute)
		if r.probe.Snapshot().freshAt(now()) {
			t.Error("a minute without a server, and fresh because the time was set back")
		}
	})
}

// A full message that nobody asked for verifies nothing. Where there is no list, it
// replaces a copy that is not proven any more, and no other: it may be an old one,
// which must not be shown as fresh (seed 1191 of the simulation).
func TestAnUnaskedFullMessageVerifiesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		truth := &truthOverTime{}
		truth.change()
		r := newRig(t, testConfig(ModeSSE, "a"))
		server := &rawServer{full: truth.list}
		r.serveRaw("a", server)
		server.refuse("GET status-messages", 404)
		r.start()
		r.pass(6 * time.Minute) // one of the checks wanted the list
		before := r.probe.Snapshot().Feeds[StatusMessages]
		r.pass(time.Second)
		truth.change()
		server.refuse("PUT status-messages", 500)
		server.sendFull()
		r.pass(10 * time.Millisecond)
		after := r.probe.Snapshot()
		if truth.age(t, after) == 0 {
			t.Error("the message replaced a copy that is proven")
		}
		if !after.Feeds[StatusMessages].LastVerified.Equal(before.LastVerified) || !after.Feeds[StatusMessages].LastFull.After(before.LastFull) {
			t.Errorf("verified %s, before %s", after.Feeds[StatusMessages].LastVerified, before.LastVerified)
		}
		r.pass(r.cfg.StaleAfter)
		for range 2 * r.cfg.BackoffMax / time.Second { // there may be no stream just now
			server.sendFull()
			r.pass(time.Second)
			if truth.age(t, r.probe.Snapshot()) == 0 {
				break
			}
		}
		if s := r.probe.Snapshot(); truth.age(t, s) != 0 || s.Fresh(time.Now()) {
			t.Errorf("the message did not replace a copy that is stale, or made it fresh until %s", s.FreshUntil)
		}
	})
}

// A server does not resend, and its deltas come a minute late: they undo what the list
// has just said.
func TestASubscriptionThatLagsIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		truth := &truthOverTime{}
		truth.change()
		cfg := testConfig(ModeSSE, "a")
		cfg.ResubscribeInterval = 5 * time.Minute
		r := newRig(t, cfg)
		server := &rawServer{full: truth.list}
		r.serveRaw("a", server)
		subscriptions := 0 // as many as DELETEs and log-ons, and each sends one full message
		server.onPut = func() {
			if n := server.count("DELETE status-messages") + server.count("POST connection"); n > subscriptions {
				subscriptions = n
				server.sendFull()
			}
		}
		r.start()
		r.pass(3 * time.Minute) // found out that it does not resend
		r.state(StateLive)
		server.setLag(time.Minute)
		change := func() {
			old := truth.list()
			truth.change()
			server.send(fmt.Sprintf(`{%s,"isDelta":true,"statusMessagesChanged":[%s]}`, rawType, old))
		}
		for range 10 {
			change()
			r.pass(30 * time.Second)
		}
		s := r.probe.Snapshot()
		if !s.Feeds[StatusMessages].Lagging || s.Reason == "" {
			t.Fatalf("lagging %t, reason %q, %d drifts\n%s", s.Feeds[StatusMessages].Lagging, s.Reason, r.seen.get("check drift"), r.logs)
		}
		drifts := r.seen.get("check drift")
		if drifts > maxDrifts {
			t.Errorf("%d drifts", drifts)
		}
		for range 10 {
			change()
			r.pass(cfg.CheckInterval + 2*cfg.DeliveryTimeout)
			if age := truth.age(t, r.probe.Snapshot()); age != 0 {
				t.Errorf("what is shown is not the list's: %s old\n%s", age, r.logs)
			}
		}
	})
}

// The list cannot be mistaken for something older in the pipe.
func TestEveryFifthCheckIsTheList(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(31 * time.Minute)
		checks, lists := r.seen.get("check ok"), r.seen.get("request list")
		if checks < 25 || lists < checks/(maxChecksWithoutList+1) || lists > checks/maxChecksWithoutList {
			t.Errorf("%d of %d checks read the list", lists, checks)
		}
		r.equalsTruth(sim)
	})
}

// Copies have bounds, also between checks: the server is at fault, and the memory is
// free for others.
func TestACopyThatGrowsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		truth := &truthOverTime{}
		truth.change()
		cfg := testConfig(ModeSSE, "a")
		cfg.MaxEntries = 1000
		r := newRig(t, cfg)
		server := &rawServer{full: truth.list}
		r.serveRaw("a", server)
		r.start()
		r.pass(10 * time.Second)
		for n := range 30 {
			list := ""
			for i := range 100 {
				list += fmt.Sprintf(`{"statusId":"%d"},`, 100*n+i)
			}
			server.send(fmt.Sprintf(`{%s,"isDelta":true,"statusMessagesAdded":[%s]}`, rawType, list[:len(list)-1]))
			r.pass(100 * time.Millisecond)
			if s := r.probe.Snapshot(); s.Entries > cfg.MaxEntries {
				t.Fatalf("%d entries", s.Entries)
			}
		}
		s := r.probe.Snapshot()
		if s.State != StateBackoff || s.Entries != 0 || s.Fresh(time.Now()) || s.Up(time.Now()) {
			t.Errorf("state %s (%s), %d entries", s.State, s.Reason, s.Entries)
		}
		r.count("lost too_large", 1)
		opens := r.seen.get("opens")
		r.pass(tooLargeHold - time.Minute)
		r.count("opens", opens)
		r.pass(2 * time.Minute)
		r.state(StateLive)
	})
}

// What a server provokes again and again is paced: requests, changes of the state and
// with them lines of the log.
func TestWhatAServerProvokesIsPaced(t *testing.T) {
	const faulted = `{"__type":"urn:inin.com:messaging:subscriptionStateMessage","state":3}`
	for name, provocation := range map[string]string{
		"faulted": faulted, "undecodable": "{}}", "a delta": `{` + rawType + `,"isDelta":true}`, "nothing": `{"__type":"urn:other"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				truth := &truthOverTime{}
				truth.change()
				r := newRig(t, testConfig(ModeSSE, "a"))
				server := &rawServer{full: truth.list}
				r.serveRaw("a", server)
				r.start()
				r.pass(10 * time.Second)
				asked, states := r.seen.total("request "), r.seen.total("state ")
				for range 12_000 {
					server.send(provocation)
					server.sendFull()
					r.pass(10 * time.Millisecond)
				}
				if n := r.seen.total("request ") - asked; n > 120 {
					t.Errorf("%d requests in two minutes", n)
				}
				if n := r.seen.total("state ") - states; n > 60 {
					t.Errorf("%d changes of the state in two minutes\n%s", n, r.logs)
				}
			})
		})
	}
}

// Between two sessions there are no turns that could be late: a wait for a log-on is
// neither a stopped process nor a suspended machine.
func TestAWaitBetweenTwoSessionsIsNoStandstill(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(2 * time.Minute)
		sim.Inject(icwssim.Fault{Operation: icwssim.OpConnect, Code: 503})
		sim.ExpireSessions()
		r.pass(5 * time.Minute)
		sim.Clear()
		r.pass(20 * time.Minute)
		r.state(StateLive)
		if n := r.logs.count("suspended"); n > 0 {
			t.Errorf("%d lines say that the machine was suspended\n%s", n, r.logs)
		}
	})
}
