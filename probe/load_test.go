package probe

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// TestRequestsPerMinute holds the load that the probe puts on a server, as that
// server's journal tells it over two hours in each state. It reports every figure
// as an attribute; the budget command shows them.
func TestRequestsPerMinute(t *testing.T) {
	const perMinute = 3 // of budget 13; what else may come is said beside the state
	for _, load := range []struct {
		name   string
		mode   TransportMode
		state  State
		most   float64
		server icwssim.Options
		upset  func(*icwssim.Server)
	}{
		{name: "live", mode: ModeSSE, state: StateLive, most: perMinute},
		{
			name: "live, server does not resend", mode: ModeSSE, state: StateLive, most: perMinute,
			server: icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}},
		},
		{ // a poll every 2 s, and after each check those that measure the delivery
			name: "live, polling", mode: ModePoll, state: StateLive, most: perMinute + 30 + 6,
		},
		{
			name: "backoff", mode: ModeSSE, state: StateBackoff, most: perMinute,
			upset: func(sim *icwssim.Server) { sim.Inject(icwssim.Fault{Code: 404}); sim.ExpireSessions() },
		},
		{ // also in backoff, between two attempts that the breaker lets through
			name: "breaker_open", mode: ModeSSE, state: StateBreakerOpen, most: perMinute,
			upset: func(sim *icwssim.Server) { sim.Inject(icwssim.Fault{Code: 500}); sim.ExpireSessions() },
		},
		{
			name: "auth_hold", mode: ModeSSE, state: StateAuthHold, most: 1,
			upset: func(sim *icwssim.Server) { sim.SetPassword("another one"); sim.ExpireSessions() },
		},
		{
			name: "displaced_hold", mode: ModeSSE, state: StateDisplacedHold, most: 1,
			upset: func(sim *icwssim.Server) { sim.EndSessions(false) },
		},
		{
			name: "gone_hold", mode: ModeSSE, state: StateGoneHold, most: 1,
			upset: func(sim *icwssim.Server) {
				sim.Inject(icwssim.Fault{Operation: "subscribe", Code: 410})
				sim.ExpireSessions()
			},
		},
	} {
		t.Run(load.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, sim := startRig(t, load.mode, load.server)
				r.pass(10 * time.Minute)
				r.state(StateLive)
				if load.upset != nil {
					load.upset(sim)
				}
				rate, seen := r.load(sim, 2*time.Hour, load.state)
				t.Attr("requests_per_minute", strconv.FormatFloat(rate, 'f', 2, 64))
				if rate > load.most {
					t.Errorf("%.2f requests a minute, want %v at most: %v", rate, load.most, sim.Counts())
				}
				if seen == 0 {
					t.Errorf("the probe was never in state %s", load.state)
				}
			})
		})
	}
}

// load returns the requests per minute that the server answers once the probe is in
// the state, and at the end of how many minutes it was in it. Whenever a held probe
// has come back, the server displaces it again.
func (r *rig) load(sim *icwssim.Server, d time.Duration, state State) (rate float64, seen int) {
	for range 60 {
		if r.probe.Snapshot().State == state {
			break
		}
		r.pass(time.Second)
	}
	before := answers(sim)
	for range int(d / time.Minute) {
		r.pass(time.Minute)
		now := r.probe.Snapshot().State
		if now == state {
			seen++
		}
		if state == StateDisplacedHold && now == StateLive {
			sim.EndSessions(false)
		}
	}
	return float64(answers(sim)-before) / d.Minutes(), seen
}

// answers counts what the server has answered.
func answers(sim *icwssim.Server) int {
	n := 0
	for operation := range sim.Counts() {
		n += sim.Counts().Of(operation)
	}
	return n
}
