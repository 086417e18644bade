package probe

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	{"a malformed message", false, func(d *day, host string) {
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
		d.a.SetPassword("expired") // both hosts have the same accounts
		d.b.SetPassword("expired")
		d.sims[host].ExpireSessions()
	}},
	{"streams fall silent", true, func(d *day, host string) { d.net.SilenceStreams(host + ":8018") }},
	{"hangs", true, func(d *day, host string) { d.sims[host].Inject(icwssim.Fault{Hang: true}) }},
	{"packets are held", true, func(d *day, host string) { d.net.Hold(host + ":8018") }},
	{"is reloaded", true, func(d *day, host string) {
		d.cfg.Name = fmt.Sprint("test ", len(d.story)) // its name is another one
		d.replace()
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

// relieve ends every fault. A person who sets a new password ends a hold early.
func (d *day) relieve() {
	password := testPassword
	if d.random.IntN(2) == 0 {
		password = fmt.Sprint("rotated ", len(d.story))
		d.held = time.Time{}
	}
	for host, sim := range d.sims {
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
	d.out = false
	d.password.Store(password)
	d.tell("all is well again")
}
