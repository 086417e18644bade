package probe

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

var update = flag.Bool("update", false, "write docs/faults.md anew")

// faultRow is one row of the fault table: what is seen, and what the probe has
// to show of it.
type faultRow struct {
	seen     string
	reaction string
	modes    []TransportMode
	fault    func(r *rig, sim *icwssim.Server)
	lasts    time.Duration // until the fault is cleared
	state    State         // that shows it
	counter  string        // that counts it
	logOns   int           // at most, while it lasts
	heals    time.Duration // at most, after it was cleared
	strands  bool          // the DELETE of a session fails as well
	codes    []int         // one row each, with the code for %d in seen
	quirks   icwssim.Quirks
	// connection is the version of that feature; 0: the newest.
	connection int
	standby    bool // a second host, b
}

// faultTableLimit is limits.response_bytes of these tests.
const faultTableLimit = 64 << 10

// rows are the row for each of its codes.
func (f faultRow) rows() map[int]string {
	if f.codes == nil {
		return map[int]string{0: f.seen}
	}
	rows := map[int]string{}
	for _, code := range f.codes {
		rows[code] = fmt.Sprintf(f.seen, code)
	}
	return rows
}

var (
	both    = []TransportMode{ModeSSE, ModePoll}
	onlySSE = []TransportMode{ModeSSE}
	inject  = func(f icwssim.Fault) func(*rig, *icwssim.Server) {
		return func(_ *rig, s *icwssim.Server) { s.Inject(f) }
	}
	faultTable = []faultRow{
		{seen: "401 with a session", reaction: "a new session at once", modes: both, lasts: time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.ExpireSessions() },
			state: StateConnecting, counter: "closed unauthorized", logOns: 1, heals: 5 * time.Second},
		{seen: "401 again within a minute of a new session", reaction: "unauthorized_hold, which grows as auth_hold does", modes: both,
			fault: inject(icwssim.Fault{Operation: "subscribe", Code: 401}), lasts: 10 * time.Minute,
			state: StateUnauthorizedHold, counter: "closed unauthorized", logOns: 1, heals: 16 * time.Minute},
		{seen: "400 authenticationFailure on connect", reaction: "auth_hold, until the password changes", modes: both, lasts: 6 * time.Hour,
			fault: func(_ *rig, s *icwssim.Server) { s.SetPassword("rotated"); s.ExpireSessions() },
			state: StateAuthHold, counter: "open failed auth", logOns: 1, heals: 15 * time.Second},
		{seen: "%d on connect", codes: []int{401, 403, 407}, reaction: "auth_hold", modes: both, lasts: 14 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Operation: "connect", Code: r.code})
				s.ExpireSessions()
			},
			state: StateAuthHold, counter: "open failed auth", logOns: 1, heals: 2 * time.Minute},
		{seen: "connection down, shouldReconnect false", reaction: "displaced_hold: do not fight", modes: both, lasts: 14 * time.Minute,
			fault: func(_ *rig, s *icwssim.Server) { s.EndSessions(false) },
			state: StateDisplacedHold, counter: "lost displaced", logOns: 0, heals: 2 * time.Minute},
		{seen: "connection down twice within five minutes, without shouldReconnect", reaction: "displaced_hold: do not fight", modes: both, lasts: 14 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.EndSessions(false)
				r.pass(10 * time.Second)
				s.EndSessions(false)
			},
			connection: 2, state: StateDisplacedHold, counter: "lost displaced", logOns: 1, heals: 2 * time.Minute},
		{seen: "connection down, shouldReconnect true", reaction: "a new session at once", modes: both, lasts: time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.EndSessions(true) },
			state: StateConnecting, counter: "closed server_closed", logOns: 1, heals: 5 * time.Second},
		{seen: "410 on subscribe", reaction: "leave the session, gone_hold", modes: both, lasts: 14 * time.Minute,
			fault: inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusGone}),
			state: StateGoneHold, counter: "lost gone", logOns: 0, heals: 3 * time.Minute},
		{seen: "410 on poll", reaction: "leave the session, gone_hold", modes: []TransportMode{ModePoll}, lasts: 14 * time.Minute,
			fault: inject(icwssim.Fault{Operation: "poll", Code: http.StatusGone}),
			state: StateGoneHold, counter: "lost gone", logOns: 0, heals: 3 * time.Minute},
		{seen: "410 on the stream, when it is opened anew", reaction: "poll", modes: onlySSE, lasts: time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Operation: "stream", Code: http.StatusGone})
				r.net.Cut("a:8018")
			},
			state: StateLive, counter: "request poll", logOns: 0, heals: time.Second},
		{seen: "410 on another operation", reaction: "not used until the next session", modes: both, lasts: 3 * time.Minute,
			fault: inject(icwssim.Fault{Operation: "switchover_status", Code: http.StatusGone}),
			state: StateLive, counter: "response switchover_status 410", logOns: 0, heals: time.Second},
		{seen: "503 on connect, every host tried", reaction: "backoff", modes: both, lasts: 3 * time.Minute,
			fault: func(_ *rig, s *icwssim.Server) { s.SetNotAccepting(true); s.ExpireSessions() },
			state: StateBackoff, counter: "open failed unavailable", logOns: 15, heals: 2 * time.Minute},
		{seen: "503 on connect, another host is there", reaction: "the next host at once", modes: both, lasts: time.Minute, standby: true,
			fault: func(_ *rig, s *icwssim.Server) { s.SetNotAccepting(true); s.ExpireSessions() },
			state: StateConnecting, counter: "switchovers", logOns: 1, heals: time.Second},
		{seen: "the active host is lost, another host is there", reaction: "backoff, a new round over the hosts", modes: both, lasts: time.Minute, standby: true,
			fault: func(r *rig, _ *icwssim.Server) { r.kill("a") },
			state: StateBackoff, counter: "switchovers", logOns: 1, heals: time.Second, strands: true},
		{seen: "%d elsewhere", codes: []int{500, 502, 503, 504, 429}, reaction: "backoff, breaker", modes: both, lasts: 3 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) { s.Inject(icwssim.Fault{Code: r.code}) },
			state: StateBreakerOpen, counter: "breaker open", logOns: 15, heals: 2 * time.Minute, strands: true},
		{seen: "network down", reaction: "backoff, breaker, a new round over the hosts", modes: both, lasts: 3 * time.Minute,
			fault: func(r *rig, _ *icwssim.Server) { r.kill("a") },
			state: StateBackoff, counter: "open failed network", logOns: 15, heals: 2 * time.Minute, strands: true},
		{seen: "no answer in time", reaction: "backoff, breaker", modes: both, lasts: 5 * time.Minute,
			fault: inject(icwssim.Fault{Delay: time.Minute}),
			state: StateBackoff, counter: "breaker open", logOns: 15, heals: 3 * time.Minute, strands: true},
		{seen: "the server hangs and goes on", reaction: "one log-on, which is awaited", modes: both, lasts: 3 * time.Minute,
			fault: inject(icwssim.Fault{Hang: true}),
			state: StateBackoff, counter: "failed timeout", logOns: 5, heals: 2 * time.Minute},
		{seen: "%d on the DELETE of a session", codes: []int{405, 500}, reaction: "backoff, the DELETE again, no second session for five minutes", modes: both, lasts: 3 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Operation: "disconnect", Code: r.code})
				s.ExpireSessions()
			},
			state: StateBackoff, counter: "request disconnect", logOns: 15, heals: 2 * time.Minute},
		{seen: "101 as an answer", reaction: "given up in time, backoff", modes: both, lasts: time.Minute,
			fault: inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusSwitchingProtocols}),
			state: StateBackoff, counter: "check failed", logOns: 4, heals: 2 * time.Minute},
		{seen: "messages come a minute late", reaction: "as if nothing were delivered", modes: both, lasts: 10 * time.Minute,
			fault: inject(icwssim.Fault{Late: icwssim.SwallowMessages, Delay: time.Minute}),
			state: StateBackoff, counter: "lost not_delivering", logOns: 15, heals: 5 * time.Minute},
		{seen: "deltas come a minute late, check after check finds them missing", reaction: "only the list counts, until a full message comes in time again", modes: both, lasts: 10 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Late: icwssim.SwallowDeltas, Delay: time.Minute})
				for n := range 20 {
					time.AfterFunc(time.Duration(n)*30*time.Second, func() { s.Step(1) })
				}
			},
			state: StateLive, counter: "check drift", logOns: 0, heals: 3 * time.Minute},
		{seen: "full messages that nobody asked for", reaction: "they prove nothing: the list is read instead", modes: both, lasts: 5 * time.Minute,
			fault: inject(icwssim.Fault{Say: []icwssim.Saying{icwssim.SayFull}, Every: 10 * time.Second}),
			state: StateLive, counter: "request list", logOns: 0, heals: time.Second},
		{seen: "body cut", reaction: "backoff, resync", modes: []TransportMode{ModePoll}, lasts: 2 * time.Minute,
			fault: inject(icwssim.Fault{Operation: "poll", Cut: new(int)}),
			state: StateBackoff, counter: "resync poll_lost", logOns: 15, heals: 2 * time.Minute},
		{seen: "429 with Retry-After", reaction: "backoff at least that long", modes: both, lasts: 4 * time.Minute,
			fault: inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusTooManyRequests, RetryAfter: "200"}),
			state: StateBackoff, counter: "response subscribe 429", logOns: 1, heals: 5 * time.Minute},
		{seen: "%d elsewhere", codes: []int{400, 403, 404, 405}, reaction: "backoff at its maximum, no breaker failure", modes: both, lasts: 100 * time.Second,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Operation: "subscribe", Code: r.code})
			},
			state: StateBackoff, counter: "check failed", logOns: 0, heals: 2 * time.Minute},
		{seen: "%d", codes: []int{301, 302, 307, 308}, reaction: "backoff, never followed", modes: both, lasts: 2 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Operation: "subscribe", Code: r.code, Headers: map[string]string{"Location": "http://elsewhere/"}})
			},
			state: StateBackoff, counter: "check failed", logOns: 15, heals: 2 * time.Minute},
		{seen: "subscription faulted", reaction: "backoff, DELETE and PUT", modes: both, lasts: time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.SubscriptionState(3) },
			state: StateBackoff, counter: "lost faulted", logOns: 0, heals: 15 * time.Second},
		{seen: "silence on the stream", reaction: "reopen the stream, PUT", modes: onlySSE, lasts: time.Second,
			fault: func(r *rig, _ *icwssim.Server) { r.net.SilenceStreams("a:8018") },
			state: StateBackoff, counter: "stream broke timeout", logOns: 0, heals: 5 * time.Second},
		{seen: "a stream that never carries a byte (a proxy buffers it)", reaction: "a new session; after two, poll for an hour", modes: []TransportMode{ModeAuto}, lasts: 2 * time.Minute,
			fault: func(r *rig, s *icwssim.Server) {
				s.Inject(icwssim.Fault{Operation: "stream", Swallow: icwssim.SwallowStream})
				r.net.Cut("a:8018")
			},
			state: StateLive, counter: "request poll", logOns: 3, heals: time.Second},
		{seen: "the stream is cut", reaction: "backoff, reopen the stream, PUT", modes: onlySSE, lasts: time.Second,
			fault: func(r *rig, _ *icwssim.Server) { r.net.Cut("a:8018") },
			state: StateBackoff, counter: "stream broke reset", logOns: 0, heals: 5 * time.Second},
		{seen: "subscription suspended", reaction: "exported; what is missed meanwhile is no drift", modes: both, lasts: 75 * time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.SubscriptionState(icwssim.SubscriptionSuspended); s.Step(3) },
			state: StateLive, counter: "check ok", logOns: 0, heals: time.Second},
		{seen: "the subscription delivers nothing", reaction: "DELETE and PUT once, then a new session", modes: both, lasts: 3 * time.Minute,
			fault: inject(icwssim.Fault{Swallow: icwssim.SwallowMessages}),
			state: StateBackoff, counter: "lost not_delivering", logOns: 10, heals: 2 * time.Minute},
		{seen: "a lost delta", reaction: "found by the next check as drift", modes: both, lasts: 75 * time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.Silently(icwssim.Remove(s.Truth().Statuses[0].ID)) },
			state: StateLive, counter: "check drift", logOns: 0, heals: 10 * time.Second},
		{seen: "an undecodable message", reaction: "counted, backoff, resync", modes: both, lasts: 5 * time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.Send(`{"__type":7,"isDelta":[`) },
			state: StateBackoff, counter: "decode failures", logOns: 0, heals: 20 * time.Second},
		{seen: "an answer or event beyond limits.response_bytes", reaction: "given up at the limit, backoff", modes: both, lasts: 5 * time.Second,
			fault: func(_ *rig, s *icwssim.Server) { s.Send(`{"__type":"` + strings.Repeat("x", faultTableLimit) + `"}`) },
			state: StateBackoff, counter: "failed too_large", logOns: 0, heals: 20 * time.Second},
		{seen: "our DELETE worked and the PUT after it does not", reaction: "subscription down at once, PUT again", modes: both, lasts: 4 * time.Minute, quirks: icwssim.Quirks{NoResend: true},
			fault: func(_ *rig, s *icwssim.Server) {
				s.SubscriptionState(icwssim.SubscriptionFaulted) // has the probe delete it
				s.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusForbidden})
			},
			state: StateBackoff, counter: "response subscribe 403", logOns: 4, heals: 3 * time.Minute},
		{seen: "a PUT does not resend the list", reaction: "compared with the status list instead", modes: both, lasts: 3 * time.Minute,
			fault: func(_ *rig, s *icwssim.Server) { s.SetQuirks(icwssim.Quirks{NoResend: true}) },
			state: StateLive, counter: "request list", logOns: 0, heals: time.Second},
		{seen: "an unknown property", reaction: "ignored", modes: both, lasts: 5 * time.Second,
			fault: func(_ *rig, s *icwssim.Server) {
				s.Send(`{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":true,"isNew":{"a":[1]}}`)
			},
			state: StateLive, counter: "message delta", logOns: 0, heals: time.Second},
		{seen: "an unknown message type", reaction: "counted, ignored", modes: both, lasts: 5 * time.Second,
			fault: func(_ *rig, s *icwssim.Server) {
				s.Send(`{"__type":"urn:inin.com:new:message","isDelta":false,"x":{}}`)
			},
			state: StateLive, counter: "message other", logOns: 0, heals: time.Second},
	}
)

// TestFaultTable runs every row of the fault table alone, over each transport,
// and holds docs/faults.md to what was seen.
func TestFaultTable(t *testing.T) {
	var b strings.Builder
	b.WriteString(faultTableHead)
	for _, row := range faultTable {
		rows := row.rows()
		for _, code := range slices.Sorted(maps.Keys(rows)) {
			for _, mode := range row.modes {
				t.Run(rows[code]+" "+string(mode), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						noticed, healed := runFault(t, row, mode, code)
						fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s | %s |\n",
							rows[code], transportOf(mode), row.reaction, row.state, atMost(noticed), atMost(healed))
					})
				})
			}
		}
	}
	if t.Failed() {
		return
	}
	const file = "../docs/faults.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != b.String() {
		t.Errorf("%s is not what the probe does now; look at the difference and run the test with -update:\n%s", file, b.String())
	}
}

const faultTableHead = `# Faults

What the probe does about each fault, written by TestFaultTable: the real probe
against the simulator, in virtual time, with the default intervals. The times are
those of this run, rounded up: from the fault until a state or counter shows it,
and from the end of the fault until the probe is live again with the server's own
counts. A fault that ends early in a wait heals later, at the announced next
attempt: a minute at most in backoff. A fault that only a delivery check can find
is found within a minute.

| seen | transport | reaction | state | noticed within | live again within |
|---|---|---|---|---|---|
`

func transportOf(mode TransportMode) string {
	if mode == ModeAuto {
		return string(ModeSSE)
	}
	return string(mode)
}

func runFault(t *testing.T, row faultRow, mode TransportMode, code int) (noticed, healed time.Duration) {
	cfg := testConfig(mode, "a")
	if row.standby {
		cfg.Hosts = append(cfg.Hosts, "b")
	}
	cfg.MaxResponseBytes = faultTableLimit
	r := newRig(t, cfg)
	r.code = code
	sim := r.serve("a", icwssim.Options{Quirks: row.quirks, ConnectionVersion: row.connection})
	if row.standby {
		r.serve("b", icwssim.Options{Quirks: row.quirks, Statuses: icwssim.Catalogue(20, 2)})
	}
	r.start()
	r.pass(100 * time.Second) // no check is due for a while
	r.equalsTruth(sim)
	logOns, counted := r.seen.get("opens"), r.seen.get(row.counter)

	began := time.Now()
	lines := r.logs.count(" state=" + row.state.String() + " ")
	row.fault(r, sim)
	shown := row.state == StateLive
	for time.Since(began) < row.lasts || noticed == 0 && time.Since(began) < 3*time.Minute {
		r.pass(100 * time.Millisecond)
		shown = shown || r.logs.count(" state="+row.state.String()+" ") > lines
		if noticed == 0 && shown && r.seen.get(row.counter) > counted {
			noticed = time.Since(began)
		}
	}
	if noticed == 0 {
		t.Fatalf("not noticed: state %s, %s\n%s", row.state, row.counter, r.logs)
	}
	if n := r.seen.get("opens") - logOns; n > row.logOns {
		t.Errorf("%d log-ons while it lasted, at most %d are allowed", n, row.logOns)
	}

	sim.Clear()
	sim.SetNotAccepting(false)
	if row.state == StateAuthHold {
		r.password.Store(map[bool]string{true: "rotated", false: testPassword}[strings.HasPrefix(row.seen, "400")])
	}
	if _, up := r.servers["a"]; !up {
		r.listen("a")
	}
	ended := time.Now()
	for !r.isTruly(r.probe.Snapshot()) {
		if time.Since(ended) > row.heals {
			t.Fatalf("not live %s after the fault\n%s", row.heals, r.logs)
		}
		r.pass(100 * time.Millisecond)
	}
	for _, bad := range []string{hurried, unbroken, troubling} {
		r.count(bad, 0)
	}
	if n := len(sim.Sessions()); n > 1 && !row.strands {
		t.Errorf("%d sessions on the server", n)
	}
	return noticed, time.Since(ended)
}

// isTruly reports whether the probe is up with the counts of the host that it is at.
func (r *rig) isTruly(s *Snapshot) bool {
	host := activeHost(s)
	return host != "" && s.Up(time.Now()) && snapshotEquals(s, r.sims[host].Truth())
}

// atMost rounds up to a bound that a small shift in time does not move.
func atMost(d time.Duration) string {
	for _, bound := range []time.Duration{
		5 * time.Second, 20 * time.Second, 2 * time.Minute, 5 * time.Minute, 16 * time.Minute,
	} {
		if d <= bound {
			return strings.Replace(bound.String(), "m0s", "m", 1)
		}
	}
	return d.String()
}
