package probe

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

// errorIDs is an Observer that remembers the error ids of the answers.
type errorIDs struct {
	Observer
	mu  sync.Mutex
	ids map[string]bool
}

func (o *errorIDs) Exchange(e icws.Exchange) {
	o.Observer.Exchange(e)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids[e.ErrorID] = true
}

func (o *errorIDs) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ids[id]
}

// A password that is a word of the hosts and of the server's texts is shown nowhere
// that a text of the server is shown, and changes nothing that is compared or
// connected to.
func TestAShortPasswordStopsNoFailover(t *testing.T) {
	for _, password := range []string{"contact", "a", "1", "live", "example"} {
		synctest.Test(t, func(t *testing.T) {
			const a, b = "cic-a.contact.example.com", "cic-b.contact.example.com"
			r := newRig(t, testConfig(ModeAuto, a))
			r.password.Store(password)
			seen := &errorIDs{Observer: r.seen, ids: map[string]bool{}}
			history := NewHistory(seen)
			for _, host := range []string{a, b} {
				r.serve(host, icwssim.Options{}).SetPassword(password)
			}
			r.sims[a].Inject(icwssim.Fault{
				Operation: "connect", Code: 503, ErrorID: "error." + password + ".-2147221496",
				Message: "no " + password + " today", AlternateHosts: []string{b},
			})
			r.history = history
			r.start()
			r.pass(time.Minute)
			r.state(StateLive)
			r.equalsTruth(r.sims[b])
			if host := r.probe.Snapshot().ActiveHost(); host != b {
				t.Errorf("the session is on %q", host)
			}
			if !seen.has("error." + password + ".-2147221496") {
				t.Error("the error id is not as it came")
			}
			for _, f := range history.Recent().Failures {
				if strings.Contains(f.ErrorID, password+".") || f.Host != a {
					t.Errorf("a failure is shown as %+v", f)
				}
			}
			if strings.Contains(r.logs.String(), "no "+password+" today") {
				t.Errorf("the log shows the password:\n%s", r.logs)
			}
		})
	}
}

// The reason of a state goes through the screen once, so that the snapshot, the
// history and the log have the same.
func TestAReasonThatHoldsThePasswordIsWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModePoll, "a"))
		r.history = NewHistory(r.seen)
		r.serve("a", icwssim.Options{})
		r.sims["a"].Inject(icwssim.Fault{Operation: "connect", Code: 500, Message: "it was " + strings.ToUpper(testPassword) + " \x1b[2J"})
		r.start()
		r.pass(5 * time.Second)
		outage := r.history.Outage()
		if got := r.probe.Snapshot().Reason; got != secret.Withheld || outage.Reason != secret.Withheld {
			t.Errorf("the reason is %q, and of the outage %q", got, outage.Reason)
		}
		if log := r.logs.String(); !strings.Contains(log, secret.Withheld) || strings.Contains(strings.ToLower(log), testPassword) {
			t.Errorf("the log has\n%s", log)
		}
	})
}

// Who has a word of ours as the password still reads why the server is down.
func TestAReasonOfOurOwnWordsIsShown(t *testing.T) {
	for _, password := range []string{"nothing-of-ours", "server", "answered", "status", "messages", "session", "serverUser", "refused", "Internal", "log"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, testConfig(ModePoll, "a"))
			r.password.Store(password)
			sim := r.serve("a", icwssim.Options{})
			sim.SetPassword(password)
			r.history = NewHistory(r.seen)
			r.start()
			r.pass(5 * time.Second)
			r.state(StateLive)
			for _, f := range []icwssim.Fault{
				{Operation: "poll", Code: 500, ErrorID: "error.x", Message: "No."}, {Operation: "connect", Code: 503, ErrorID: "error.x", Message: "No."}, {Code: 500, Body: "{}"},
			} {
				sim.Inject(f)
				sim.ExpireSessions()
				r.pass(5 * time.Minute)
				if reason := r.history.Outage().Reason; reason == "" || reason == secret.Withheld {
					t.Errorf("with the password %s and %+v the reason is %q", password, f, reason)
				}
				sim.Clear()
				r.pass(20 * time.Minute)
				r.state(StateLive)
			}
			sim.SetPassword("another one")
			sim.ExpireSessions()
			r.pass(time.Minute)
			r.state(StateAuthHold)
			if got := r.probe.Snapshot().Reason; got == secret.Withheld {
				t.Errorf("with the password %s a refusal is %q", password, got)
			}
		})
	}
}
