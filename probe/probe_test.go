package probe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

func TestLiveCopyFollowsTheServer(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(5 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		for range 200 {
			sim.Step(10)
			r.pass(3 * time.Second)
			r.equalsTruth(sim)
		}
		r.count("opens", 1)
		r.count("drift", 0)
		r.count("decode failures", 0)
		if n := r.logs.count("\n"); n > 3 {
			t.Errorf("%d log lines for ten calm minutes:\n%s", n, r.logs)
		}
	})
}

func TestTransportFollowsTheMessagingFeature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeAuto, icwssim.Options{MessagingVersion: 1})
		r.pass(5 * time.Second)
		r.state(StateLive)
		if s := r.probe.Snapshot(); s.Transport != TransportPoll {
			t.Errorf("transport %s with messaging 1, want poll", s.Transport)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeAuto, icwssim.Options{})
		r.pass(5 * time.Second)
		r.state(StateLive)
		if s := r.probe.Snapshot(); s.Transport != TransportSSE {
			t.Errorf("transport %s with messaging 2, want sse", s.Transport)
		}
	})
}

func TestLeavesNothingBehind(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(5 * time.Second)
		start := time.Now()
		r.stop()
		if d := time.Since(start); d > leaveTimeout {
			t.Errorf("leaving took %s", d)
		}
		if left := sim.Sessions(); len(left) != 0 {
			t.Errorf("sessions left on the server: %v", left)
		}
		r.count("response unsubscribe 204", 1)
		r.count("response disconnect 200", 1)
		r.count("closed shutdown", 1)
		r.count("lost unauthorized", 0)
	})
}

func TestReloadIsTheReasonWhenItIsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(5 * time.Second)
		r.cancel(ErrReload)
		<-r.done
		r.cancel = nil
		r.count("closed reload", 1)
	})
}

func TestExpiredSessionIsReplacedAtOnce(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(2 * time.Minute)
		sim.ExpireSessions()
		r.pass(75 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("opens", 2)
		r.count("closed unauthorized", 1)
		if n := r.seen.get("lost unauthorized") + r.seen.get("lost stream_lost"); n != 1 {
			t.Errorf("%d losses, want 1", n)
		}
		if n := len(sim.Sessions()); n != 1 {
			t.Errorf("%d sessions on the server, want 1", n)
		}
	})
}

// A proxy that strips the cookie answers 401 to every session: each new one is a
// log-on, so there is one more and then the authentication schedule.
func TestSecond401WaitsForTheAuthenticationSchedule(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "subscribe", Code: 401})
		r.start()
		r.pass(14 * time.Minute)
		r.state(StateUnauthorizedHold)
		r.count("opens", 2)
		r.pass(2 * time.Minute)
		r.count("opens", 3)
		r.pass(28 * time.Minute)
		r.count("opens", 3)
		sim.Clear()
		r.pass(3 * time.Minute)
		r.state(StateLive)
	})
}

func TestRefusedConnectionBacksOffAndHeals(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: testPassword})
		r.sims["a"] = sim
		r.start()
		r.pass(2 * time.Second)
		r.state(StateBackoff)
		if !r.probe.Attempted() {
			t.Error("a refused connection is an outcome")
		}
		r.pass(10 * time.Minute)
		if n := r.seen.get("opens"); n > 40 || n < 10 {
			t.Errorf("%d attempts in ten minutes", n)
		}
		s := r.probe.Snapshot()
		if s.NextAttempt.Before(time.Now()) || s.NextAttempt.After(time.Now().Add(61*time.Second)) {
			t.Errorf("next attempt %s, now %s", s.NextAttempt, time.Now())
		}
		r.listen("a")
		r.pass(95 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

func TestWrongPasswordIsTriedOnceAndHeldUntilItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.SetPassword("another")
		r.start()
		r.pass(7 * 24 * time.Hour)
		r.state(StateAuthHold)
		r.count("opens", 1)
		r.count("open failed auth", 1)
		if s := r.probe.Snapshot(); !s.NextAttempt.IsZero() || !strings.Contains(s.Reason, "this password is not sent again") {
			t.Errorf("next attempt %s, reason %q", s.NextAttempt, s.Reason)
		}
		r.password.Store("another")
		r.pass(11 * time.Second)
		r.state(StateLive)
		r.count("opens", 2)
		if r.logs.count(testPassword) > 0 || r.logs.count("another") > 1 {
			t.Errorf("a password is in the log:\n%s", r.logs)
		}
	})
}

// A person can have a refused password sent once more, and each time is one log-on.
func TestARefusedPasswordIsSentAgainForAPersonOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.SetPassword("locked")
		r.start()
		r.pass(time.Minute)
		for i := range 3 {
			if err := r.probe.Retry(t.Context(), false); !errors.Is(err, ErrPasswordRefused) {
				t.Errorf("a retry of a refused password: %v", err)
			}
			r.pass(time.Hour)
			r.state(StateAuthHold)
			r.count("opens", i+1)
			if i == 2 {
				sim.SetPassword(testPassword)
			}
			if err := r.probe.Retry(t.Context(), true); err != nil {
				t.Error(err)
			}
			r.pass(time.Hour)
		}
		r.state(StateLive)
		r.count("opens", 4)
	})
}

func TestLostDeltaIsFoundAsDrift(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		st := sim.Truth().Statuses[0]
		sim.Silently(icwssim.Remove(st.ID))
		r.pass(70 * time.Second)
		r.equalsTruth(sim)
		r.count("drift", 1)
		r.count("check drift", 1)
		r.count("opens", 1)
		if s := r.probe.Snapshot(); !s.Feeds[StatusMessages].Up {
			t.Error("a check broke the subscription")
		}
		if r.logs.count("drift") == 0 || r.logs.count(st.ID) == 0 {
			t.Errorf("the log does not name the drifted status:\n%s", r.logs)
		}
	})
}

func TestServerThatDoesNotResendIsAudited(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
		r.pass(3 * time.Minute)
		r.state(StateLive)
		sim.Silently(icwssim.Remove(sim.Truth().Statuses[0].ID))
		r.pass(70 * time.Second)
		r.equalsTruth(sim)
		r.count("drift", 1)
		r.pass(14 * time.Minute)
		r.state(StateLive)
		r.count("opens", 1)
		for _, reason := range []string{"not_delivering", "self_inflicted", "stream_lost"} {
			r.count("lost "+reason, 0)
		}
		if n := r.seen.get("response unsubscribe 204"); n > 3 {
			t.Errorf("%d DELETEs in 20 minutes, the resubscribe interval is 15", n)
		}
	})
}

// An audit must not take for drift what a delta in the queue announces.
func TestAuditOfABusyServerFindsNoDrift(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		sim := r.serve("a", icwssim.Options{
			Quirks: icwssim.Quirks{NoResend: true}, Life: icwssim.Life{Interval: 500 * time.Millisecond, Seed: 3},
		})
		r.start()
		r.pass(30 * time.Minute)
		r.state(StateLive)
		r.count("drift", 0)
		if n := r.seen.get("response list 200"); n < 20 {
			t.Errorf("%d audits in half an hour", n)
		}
		sim.Close()
	})
}

func TestSubscriptionThatDeliversNothingIsNotUp(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages})
		r.pass(2 * time.Minute)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].Up || s.Up(time.Now()) {
			t.Errorf("up with a subscription that delivers nothing: %+v\n%s", s, r.logs)
		}
		r.count("lost not_delivering", 1)
		r.count("check timeout", 3) // and of each session after it
		r.pass(2 * time.Minute)
		if r.probe.Snapshot().Fresh(time.Now()) {
			t.Error("a copy that was not verified for four minutes is fresh")
		}
		if n := len(sim.Sessions()); n > 1 {
			t.Errorf("%d sessions on the server", n)
		}
		sim.Clear()
		r.pass(3 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

func TestBufferingProxyIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeAuto, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowStream})
		r.start()
		r.pass(3 * time.Minute)
		r.state(StateLive)
		if s := r.probe.Snapshot(); s.Transport != TransportPoll {
			t.Errorf("transport %s behind a proxy that buffers", s.Transport)
		}
		r.equalsTruth(sim)
	})
}

func TestMalformedMessageIsCountedAndResynced(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		before := sim.Truth().Statuses[0].ID
		sim.Silently(icwssim.Remove(before))
		sim.Send(`{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":true,"statusMessagesRemoved":["x"],"statusMessagesAdded":[{"statusId":{}}]}`)
		r.pass(15 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.count("decode failures", 1)
		r.count("removed_unknown", 0)
		r.count("opens", 1)
		r.count("drift", 0)
	})
}

func TestUnknownMessagesAreCountedAndIgnored(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.Send(`{"__type":"urn:inin.com:messaging:message6","isDelta":false,"value":"7"}`)
		r.pass(5 * time.Second)
		r.count("message other", 1)
		r.count("decode failures", 0)
		r.equalsTruth(sim)
	})
}

func TestStatusesAreTheLiveCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(5 * time.Second)
		entries, err := r.probe.Statuses(context.Background())
		if err != nil || len(entries) != len(sim.Truth().Statuses) {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		r.stop()
		if _, err := r.probe.Statuses(context.Background()); !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Budget 13: what a calm hour costs the server.
func TestLoadOnACalmServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeSSE, icwssim.Options{})
		r.pass(time.Minute)
		before := r.requests()
		r.pass(time.Hour)
		if n := r.requests() - before; n > 3*60 {
			t.Errorf("%d requests in an hour, at most 3 a minute are allowed", n)
		}
		r.count("request stream", 1)
		if hour := r.seen.get("check ok"); hour < 50 {
			t.Errorf("%d checks in an hour", hour)
		}
	})
}
