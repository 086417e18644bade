package probe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"icws_exporter/probe/icwssim"
)

// misfortunes are what can befall a host besides faults of its answers.
var misfortunes = []struct {
	what  string
	loses bool // messages
	act   func(d *day, host string)
}{
	{"dies", true, func(d *day, host string) {
		d.out = true
		d.kill(host)
	}},
	{"sessions expire", false, func(d *day, host string) { d.sims[host].ExpireSessions() }},
	{"sessions end", false, func(d *day, host string) { d.sims[host].EndSessions(true) }},
	{"sessions are displaced", false, func(d *day, host string) { d.sims[host].EndSessions(false) }},
	{"subscription suspended", false, func(d *day, host string) { d.sims[host].SubscriptionState(icwssim.SubscriptionSuspended) }},
	{"subscription faulted", false, func(d *day, host string) { d.sims[host].SubscriptionState(icwssim.SubscriptionFaulted) }},
	{"a lost delta", true, func(d *day, host string) {
		d.mutate(host, func(s *icwssim.Server) { s.Silently(icwssim.Remove(s.Truth().Statuses[0].ID)) })
	}},
	// A poll loses what is in the same answer.
	{"a malformed message", true, func(d *day, host string) {
		d.sims[host].Send(`{"__type":"urn:inin.com:status:statusMessagesMessage","statusMessagesAdded":7}`)
	}},
	{"takes no log-on", false, func(d *day, host string) {
		d.out = true
		d.sims[host].SetNotAccepting(true)
		d.sims[host].ExpireSessions()
	}},
	{"switches over", false, func(d *day, host string) {
		d.out = true
		d.sims[host].SetSwitchover(icwssim.Switchover{Active: true})
		d.sims[host].SetNotAccepting(true)
		d.sims[host].EndSessions(true)
	}},
	{"password expires", false, func(d *day, host string) {
		d.a.SetPassword("expired") // both hosts have the same users
		d.b.SetPassword("expired")
		d.wrongSeen = 0
		d.sims[host].ExpireSessions()
	}},
	{"streams fall silent", true, func(d *day, host string) { d.net.SilenceStreams(host + ":8018") }},
	{"hangs", true, func(d *day, host string) { d.sims[host].Inject(icwssim.Fault{Hang: true}) }},
	{"packets are held", true, func(d *day, host string) { d.net.Hold(host + ":8018") }},
	{"is reloaded", true, func(d *day, host string) {
		d.cfg.Name = fmt.Sprint("test ", len(d.story)) // its name is another one
		d.replace()
	}},
	{"serves log-ons late", false, func(d *day, host string) {
		d.sims[host].Inject(icwssim.Fault{Operation: icwssim.OpConnect, Delay: d.some(2 * time.Minute), ServeAnyway: true})
		d.sims[host].ExpireSessions()
	}},
	{"ends no session", false, func(d *day, host string) {
		d.sims[host].Inject(icwssim.Fault{Operation: icwssim.OpDisconnect, Code: http.StatusInternalServerError})
	}},
	{"a firewall forgets idle connections", true, func(d *day, _ string) { d.net.ForgetIdle(50 * time.Second) }},
	{"the stream lags", true, func(d *day, host string) {
		d.tangle(d.some(2 * d.cfg.StaleAfter))
		d.sims[host].Inject(icwssim.Fault{Late: icwssim.SwallowMessages, Delay: d.lag})
	}},
	{"the deltas lag", true, func(d *day, host string) {
		// Later ones, behind a full message that was newer, would be shown for a check
		// interval although they are older than stale_after: nothing tells how old they are.
		d.tangle(d.some(d.cfg.StaleAfter / 2))
		d.sims[host].Inject(icwssim.Fault{Late: icwssim.SwallowDeltas, Delay: d.lag})
	}},
	{"sends full messages on its own", false, func(d *day, host string) { d.says(host, time.Minute, icwssim.SayFull) }},
	{"repeats an old full message", true, func(d *day, host string) { d.says(host, time.Minute, icwssim.SayOldFull) }},
	// Then the next full message after a PUT is as a rule an old one, and older than
	// anything that may be shown. Only the list can tell: it ends where there is none.
	{"repeats an old full message on a slow stream", true, func(d *day, host string) {
		says := d.says(host, 5*time.Second, icwssim.SayOldFull)
		d.tangle(d.some(d.cfg.DeliveryTimeout))
		lags := d.sims[host].Inject(icwssim.Fault{Late: icwssim.SwallowMessages, Delay: d.lag})
		d.endOld = func() {
			if d.listIsRefused(host) {
				d.sims[host].Clear(says, lags)
			}
		}
		for range 4 {
			d.live()
			d.troubled(d.cfg.StaleAfter / 3)
			d.invariants()
		}
	}},
	{"cannot decide", false, func(d *day, host string) {
		d.says(host, 10*time.Second, icwssim.SayFaulted, icwssim.SayFull)
	}},
	{"our machine is suspended", true, func(d *day, _ string) { d.suspend(d.some(2 * time.Hour)) }},
	{"our process is stopped", true, func(d *day, _ string) { d.stopLoop(d.some(2 * d.cfg.StaleAfter)) }},
	{"our clock is set", false, func(d *day, _ string) { d.wrong.Add(int64(d.some(20*time.Minute) - 10*time.Minute)) }},
	{"is behind a proxy that strips the cookie", true, func(d *day, host string) { d.failsInSession(host, http.StatusUnauthorized) }},
	{"serves log-ons only", true, func(d *day, host string) {
		d.failsInSession(host, []int{http.StatusFound, http.StatusBadGateway}[d.random.IntN(2)])
	}},
	{"connections are cut", true, func(d *day, host string) { d.net.Cut(host + ":8018") }},
}

var (
	faultCodes = []int{302, 400, 401, 403, 404, 405, 407, 410, 429, 500, 502, 503, 504}
	// faultOperations has what every server is asked in calm more than once: the
	// rest would hardly ever meet a fault.
	faultOperations = []string{"", "connect", "subscribe", "subscribe", "unsubscribe", "poll", "stream", "list", "switchover_status", "disconnect"}
	lostThings      = []icwssim.Swallow{icwssim.SwallowDeltas, icwssim.SwallowFull, icwssim.SwallowMessages, icwssim.SwallowStream}
)

// misfortune lets one thing go wrong with a host and says what.
func (d *day) misfortune(host string) string {
	if n := d.random.IntN(2 * len(misfortunes)); n < len(misfortunes) {
		d.losing = d.losing || misfortunes[n].loses
		misfortunes[n].act(d, host)
		return host + " " + misfortunes[n].what
	}
	fault := icwssim.Fault{
		Operation: faultOperations[d.random.IntN(len(faultOperations))],
		Count:     d.random.IntN(6), Skip: d.random.IntN(3),
	}
	d.answerBadly(&fault)
	d.losing = d.losing || fault.Cut != nil || fault.Stall || fault.Drop || fault.Delay > 0 || fault.Swallow != ""
	d.sims[host].Inject(fault)
	text, err := json.Marshal(fault) // as a person can inject it
	if err != nil {
		d.fatalf("%v", err)
	}
	return fmt.Sprintf("%s %s after %s", host, text, fault.Delay)
}

// answerBadly chooses what is wrong with the answers.
func (d *day) answerBadly(fault *icwssim.Fault) {
	switch d.random.IntN(8) {
	case 0, 1:
		fault.Code = faultCodes[d.random.IntN(len(faultCodes))]
		fault.Headers = map[string]string{"Location": "http://elsewhere/"}
		fault.AlternateHosts = []string{"b", "evil.example.net", "a"}
		fault.RetryAfter = []string{"", "30", "soon"}[d.random.IntN(3)]
	case 2:
		fault.Code, fault.Body, fault.ContentType = http.StatusOK, "<html>proxy</html>", "text/html"
	case 3:
		fault.Drop = true
	case 4:
		cut := d.random.IntN(400)
		fault.Cut = &cut
	case 5:
		fault.Stall = true
	case 6:
		fault.Delay = time.Duration(d.random.Int64N(int64(time.Minute)))
	case 7:
		fault.Swallow = lostThings[d.random.IntN(len(lostThings))]
		if fault.Swallow != icwssim.SwallowStream {
			fault.Operation = ""
		}
	}
}

// failsInSession has a host answer all that needs a session with code.
func (d *day) failsInSession(host string, code int) {
	for _, operation := range []string{icwssim.OpSubscribe, icwssim.OpPoll, icwssim.OpStream, icwssim.OpList} {
		d.sims[host].Inject(icwssim.Fault{Operation: operation, Code: code})
	}
}

// tangle notes that messages come that late, until it is relieved.
func (d *day) tangle(lag time.Duration) {
	if !time.Now().Before(d.tangled) {
		d.lag = 0
	}
	d.lag = max(d.lag, lag)
	d.tangled = time.Now().Add(24 * time.Hour)
}

// relieve ends every fault. A person who sets a new password ends a hold early.
func (d *day) relieve() {
	password := testPassword
	if d.random.IntN(2) == 0 {
		password = fmt.Sprint("rotated ", len(d.story))
		d.taught()
	}
	d.kept = password == testPassword
	for _, host := range []string{"a", "b"} { // in this order, for a seed to replay
		sim := d.sims[host]
		sim.Clear()
		sim.SetNotAccepting(false)
		sim.SetSwitchover(icwssim.Switchover{})
		sim.SetPassword(password)
		d.net.Release(host + ":8018")
		if _, up := d.servers[host]; !up {
			d.listen(host)
		}
	}
	if d.losing {
		d.losing, d.lost = false, d.now()
	}
	if d.tangled.After(time.Now()) { // what is late still comes, and the check after it finds it
		d.tangled = time.Now().Add(d.lag + 2*d.cfg.CheckInterval)
	}
	d.net.ForgetIdle(0)
	d.out, d.endOld = false, nil
	d.password.Store(password)
	d.tell("all is well again")
}

// taught notes that somebody did something about a refused password.
func (d *day) taught() {
	d.seen.mind(func(m *manners) []string { m.refusals = refusals{since: time.Now()}; return nil })
	d.wrongSeen = 0
}

// some is a time up to most.
func (d *day) some(most time.Duration) time.Duration {
	return time.Duration(d.random.Int64N(int64(most))) + 1
}

// says has a host say things on its own.
func (d *day) says(host string, atMost time.Duration, what ...icwssim.Saying) (fault int) {
	return d.sims[host].Inject(icwssim.Fault{Say: what, Every: time.Second + d.some(atMost)})
}

// listIsRefused reports whether a host has refused the list to its session.
func (d *day) listIsRefused(host string) bool {
	d.spares()
	return slices.ContainsFunc(d.sims[host].Sessions(), func(s icwssim.SessionInfo) bool { return s.ID == d.spared.refusesList })
}

// suspend lets time pass for everybody but the machine of the probe, whose sockets
// hold what came first. Sessions that nobody used expire.
func (d *day) suspend(t time.Duration) {
	hosts := []string{"a", "b"}
	for _, host := range hosts {
		d.net.Hold(host + ":8018")
		d.sims[host].SendFull()
	}
	d.live()
	d.suspended.Add(int64(t))
	d.live()
	for _, host := range hosts {
		if t > 5*time.Minute {
			d.sims[host].ExpireSessions()
		}
		d.net.Release(host + ":8018")
	}
}

// stopLoop has the loop of the probe stand still, as soon as it has no request under way.
func (d *day) stopLoop(t time.Duration) {
	d.stops.Add(1)
	go func() {
		defer d.stops.Add(-1)
		_ = d.probe.ask(d.t.Context(), func(*loop) { // an error is another probe, which does not stop
			time.Sleep(t)
			d.wentOn.Store(time.Now().UnixNano())
		})
	}()
}
