package probe

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// The list stands for a subscription that lags only while that is there: when the
// stream broke, a full message has to come, or a new session. Seeds 405 and 430 of
// the simulation found PUTs every ten seconds for ever.
func TestALaggingSubscriptionIsMadeAgainAfterItsStreamBroke(t *testing.T) {
	for name, quirks := range map[string]icwssim.Quirks{"resends": {}, "does not resend": {NoResend: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, sim := startRig(t, ModeSSE, icwssim.Options{Quirks: quirks})
				r.pass(3 * time.Minute)
				sim.Inject(icwssim.Fault{Late: icwssim.SwallowDeltas, Delay: 90 * time.Second})
				for began := time.Now(); !r.probe.Snapshot().Feeds[StatusMessages].Lagging; r.pass(10 * time.Second) {
					sim.Step(1)
					if time.Since(began) > 20*time.Minute {
						t.Fatalf("the lag was not noticed\n%s", r.logs)
					}
				}
				// No full message comes in time for a while, and then all is well.
				sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull})
				r.net.SilenceStreams("a:8018")
				r.pass(2 * time.Minute)
				sim.Clear()
				r.pass(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
			})
		})
	}
}

// One that delivers nothing any more does not lag: somebody has to hear of it, also
// when it lagged before.
func TestALaggingSubscriptionThatFallsSilentDeliversNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		for began := time.Now(); !r.probe.Snapshot().Feeds[StatusMessages].Lagging; r.pass(time.Second) {
			sim.Step(1)
			if time.Since(began) > 20*time.Minute {
				t.Fatalf("the lag was not noticed\n%s", r.logs)
			}
		}
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowMessages})
		r.pass(10 * r.cfg.CheckInterval)
		if s := r.probe.Snapshot(); s.Up(time.Now()) || s.DownAt(time.Now()) != DownNotDelivering {
			t.Errorf("up %t, %q: %s (%s)\n%s", s.Up(time.Now()), s.DownAt(time.Now()), s.State, s.Reason, r.logs)
		}
	})
}

// The messages are believed again once a full message comes in good time.
func TestALagEnds(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		for range 5 {
			sim.Step(3)
			r.pass(r.cfg.CheckInterval + r.cfg.DeliveryTimeout)
		}
		sim.Clear()
		r.pass(5 * r.cfg.CheckInterval)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].Lagging || !s.Up(time.Now()) {
			t.Errorf("lagging %t, up %t: %s (%s)\n%s", s.Feeds[StatusMessages].Lagging, s.Up(time.Now()), s.State, s.Reason, r.logs)
		}
		r.equalsTruth(sim)
	})
}

// A full message that was lost while the subscription lagged made each later one the answer
// of the PUT before, for hours (seed 843 of the simulation).
func TestALagEndsAlsoWhenAFullMessageWasLost(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		cfg := testConfig(mode, "a")
		cfg.CheckInterval, cfg.StaleAfter = 5*time.Minute, 15*time.Minute
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{})
		r.start()
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowDeltas})
		for !r.probe.Snapshot().Feeds[StatusMessages].Lagging {
			sim.Step(3)
			r.pass(time.Minute)
		}
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull})
		for asked := r.seen.get("request subscribe"); r.seen.get("request subscribe") == asked; {
			r.pass(time.Second)
		}
		sim.Clear()
		r.pass(time.Hour)
		if s := r.probe.Snapshot(); s.Feeds[StatusMessages].Lagging || !s.Up(time.Now()) {
			t.Errorf("lagging %t, up %t: %s (%s)\n%s", s.Feeds[StatusMessages].Lagging, s.Up(time.Now()), s.State, s.Reason, r.logs)
		}
		r.equalsTruth(sim)
	})
}

// Behind a slow stream the full message that answers a PUT comes after later PUTs were
// sent: the counts are as of the first, not as of the last.
func TestUsersBehindASlowStreamAreAsOfTheirPUT(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(30, 1)}, func(c *Config) {
			c.CheckInterval, c.StaleAfter, c.Users.StaleAfter = time.Hour, 3*time.Hour, 10*time.Minute
		})
		r.pass(5 * time.Minute)
		sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull})
		inLoop := func(do func(*userFeed)) {
			if err := r.probe.ask(t.Context(), func(l *loop) { do(l.userFeed()) }); err != nil {
				t.Fatal(err)
			}
		}
		inLoop(func(u *userFeed) { u.missed(ResyncCheck) })
		r.pass(time.Second)
		asked, late := time.Now(), fullUserMessage(t, sim)
		sim.StepShifts(5)
		for awaits := false; !awaits || time.Since(asked) < time.Minute; r.pass(time.Second) {
			inLoop(func(u *userFeed) { awaits = u.awaiting != nil })
		}
		sim.Send(late)
		r.pass(r.cfg.PollInterval + settleTime)
		if s := r.probe.Snapshot(); s.Users.State != UsersLive || s.Feeds[UserStatuses].LastVerified.After(asked) {
			t.Errorf("%s, verified as of %s by what was asked for at %s\n%s", s.Users.State, s.Feeds[UserStatuses].LastVerified, asked, r.logs)
		}
	})
}

// fullUserMessage is what a PUT of all users is answered now.
func fullUserMessage(t *testing.T, sim *icwssim.Server) string {
	type entry struct {
		UserID   string `json:"userId"`
		StatusID string `json:"statusId"`
		LoggedIn bool   `json:"loggedIn"`
		OnPhone  bool   `json:"onPhone"`
	}
	var entries []entry
	for _, u := range sim.Users() {
		entries = append(entries, entry{u.ID, u.Status, u.LoggedIn, u.OnPhone})
	}
	list, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	return `{"__type":"urn:inin.com:status:userStatusMessage","userStatusList":` + string(list) + `,"isDelta":false}`
}

// Full messages that are lost and never come do not make all later ones old.
func TestLostMessagesOfUsersAreForgotten(t *testing.T) {
	for name, code := range map[string]int{"with samples": 0, "without": http.StatusMethodNotAllowed} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				r, sim := usersRig(t, mode, icwssim.Options{Users: icwssim.InventUsers(6, 1)}, nil)
				r.pass(time.Minute)
				if code != 0 {
					sim.Inject(icwssim.Fault{Method: http.MethodGet, Path: "status/user-statuses/", Code: code})
				}
				sim.Inject(icwssim.Fault{Method: http.MethodPut, Path: "user-statuses", Code: http.StatusOK, Body: "<html>proxy</html>", Count: 6})
				if err := r.probe.ask(t.Context(), func(l *loop) { l.userFeed().missed(ResyncCheck) }); err != nil {
					t.Fatal(err)
				}
				r.pass(30 * time.Minute)
				for range 60 {
					r.pass(time.Minute)
					r.counted(sim, UsersLive, nil)
				}
			})
		})
	}
}
