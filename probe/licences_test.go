package probe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

var twoLicences = []icwssim.Licence{{ID: "I3_B", Allowed: 50, InUse: 45}, {ID: "I3_A", Allowed: 10, InUse: 2}}

// licenceRig is a probe that reads licences.
func licenceRig(t *testing.T, mode TransportMode, o icwssim.Options) (*rig, *icwssim.Server) {
	cfg := testConfig(mode, "a")
	cfg.Licences = true
	r := newRig(t, cfg)
	sim := r.serve("a", o)
	r.start()
	return r, sim
}

func (r *rig) licences() string {
	s := r.probe.Snapshot().Licences
	return fmt.Sprint(s.Reading, s.At(time.Now()))
}

func (r *rig) wantLicences(want string) {
	r.t.Helper()
	if got := r.licences(); got != want {
		r.t.Errorf("the licences are %s, want %s\n%s", got, want, r.logs)
	}
}

const bothLicences = "read [{I3_A 2 10} {I3_B 45 50}]"

func TestLicencesAreReadEveryFiveMinutes(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := licenceRig(t, mode, icwssim.Options{Licences: twoLicences})
		r.pass(time.Second)
		r.wantLicences(bothLicences)
		sim.SetLicences(nil)
		r.pass(6 * time.Minute)
		r.wantLicences("none [{I3_A 2 10} {I3_B 45 50}]") // known for a while yet
		sim.SetLicences(twoLicences[:1])
		r.pass(6 * time.Minute)
		r.wantLicences("read [{I3_B 45 50}]")
		r.pass(time.Hour)
		if n := r.seen.get("request configuration"); n < 12 || n > 18 {
			t.Errorf("%d requests in an hour and a quarter", n)
		}
		r.state(StateLive)
		r.count("request connect", 1)
	})
}

// What is not asked for is not read.
func TestLicencesAreNotReadByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeSSE, icwssim.Options{Licences: twoLicences})
		r.pass(time.Hour)
		r.wantLicences("not_read []")
		r.count("request configuration", 0)
	})
}

// Whatever the server answers, it is a state of the licences: the server stays up, and
// its session the same.
func TestLicencesThatCannotBeReadAreAState(t *testing.T) {
	for name, test := range map[string]struct {
		fault icwssim.Fault
		want  LicenceReading
	}{
		"401":            {icwssim.Fault{Code: 401}, LicencesRefused},
		"403":            {icwssim.Fault{Code: 403}, LicencesRefused},
		"404":            {icwssim.Fault{Code: 404}, LicencesRefused},
		"410":            {icwssim.Fault{Code: 410}, LicencesGone},
		"500":            {icwssim.Fault{Code: 500}, LicencesFailed},
		"503":            {icwssim.Fault{Code: 503, RetryAfter: "3600"}, LicencesFailed},
		"no JSON":        {icwssim.Fault{Body: "<html>"}, LicencesFailed},
		"no list":        {icwssim.Fault{Body: "{}"}, LicencesFailed},
		"empty":          {icwssim.Fault{Body: `{"items":[]}`}, LicencesNone},
		"too late":       {icwssim.Fault{Stall: true}, LicencesFailed},
		"connection cut": {icwssim.Fault{Drop: true}, LicencesFailed},
	} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				r, sim := licenceRig(t, mode, icwssim.Options{Licences: twoLicences})
				r.pass(time.Second)
				test.fault.Operation = icwssim.OpLicences
				sim.Inject(test.fault)
				for range 240 {
					r.pass(15 * time.Second)
					if s := r.probe.Snapshot(); !s.Up(time.Now()) {
						t.Fatalf("the server is down: %s\n%s", s.Reason, r.logs)
					}
				}
				r.wantLicences(fmt.Sprint(test.want, []Licence{}))
				s := r.probe.Snapshot()
				if s.Licences.Reason == "" || s.Breaker != BreakerClosed {
					t.Errorf("the reason is %q, the breaker %s", s.Licences.Reason, s.Breaker)
				}
				r.count("request connect", 1)
				if n := r.logs.count("licences cannot be read"); n != 1 {
					t.Errorf("%d lines of the log say so\n%s", n, r.logs)
				}
				sim.Clear()
				r.pass(6 * time.Minute)
				r.wantLicences(bothLicences)
				if r.probe.Snapshot().Licences.Reason != "" {
					t.Error("the reason stays")
				}
			})
		})
	}
}

// A 401 may say that the session is gone: a check of the statuses shows at once whether
// it is, as nothing that is optional ends a session.
func TestA401OfTheLicencesHasTheStatusesChecked(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		cfg := testConfig(mode, "a")
		cfg.Licences, cfg.CheckInterval, cfg.StaleAfter = true, time.Hour, 3*time.Hour
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{Licences: twoLicences})
		r.start()
		r.pass(time.Minute)
		sim.Inject(icwssim.Fault{Operation: icwssim.OpLicences, Code: 401, Count: 1})
		r.pass(7 * time.Minute)
		r.count("check ok", 1)
		r.count("request connect", 1)
		r.wantLicences("refused " + bothLicences[len("read "):])
	})
}

func TestAServerWithoutListsOfLicences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := licenceRig(t, ModeSSE, icwssim.Options{})
		r.pass(time.Hour)
		r.wantLicences("no_feature []")
		r.count("request configuration", 0)
	})
}

// Numbers that were not read again for a quarter of an hour are not shown, on either
// clock, also when the probe hangs.
func TestOldLicencesAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := licenceRig(t, ModeSSE, icwssim.Options{Licences: twoLicences})
		r.pass(time.Second)
		s := r.probe.Snapshot().Licences
		r.stop()
		if time.Sleep(licenceStale - 2*time.Second); len(s.At(time.Now())) != 2 {
			t.Error("they are gone too early")
		}
		if time.Sleep(2 * time.Second); s.At(time.Now()) != nil {
			t.Error("they are shown although they are old")
		}
	})
}

// A list that is not answered keeps no message waiting: a status is shown within
// seconds of its change, and the end of the process comes at once.
func TestAHangingListOfLicencesHoldsUpNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := licenceRig(t, mode, icwssim.Options{Licences: twoLicences})
		sim.Inject(icwssim.Fault{Operation: icwssim.OpLicences, Hang: true})
		slow := 0
		for range 15 * 60 {
			sim.Step(1)
			r.pass(r.cfg.PollInterval + time.Second)
			if got, want := r.probe.Snapshot(), sim.Truth(); !snapshotEquals(got, want) {
				slow++
			}
		}
		if slow > 0 {
			t.Errorf("%d changes of 900 were late\n%s", slow, r.logs)
		}
		if n := r.seen.get("request configuration"); n < 3 {
			t.Errorf("the licences were asked for %d times only", n)
		}
		r.pass(licenceInterval) // one is under way, or soon
		before := time.Now()
		r.stop()
		if took := time.Since(before); took > leaveTimeout {
			t.Errorf("it took %s to end", took)
		}
	})
}

// On and off while the probe runs: the session goes on.
func TestAdjustKeepsTheSession(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{Licences: twoLicences})
		r.pass(time.Minute)
		session := sim.Sessions()
		for range 3 {
			r.probe.Adjust(Optional{Licences: true})
			r.pass(time.Second)
			r.wantLicences(bothLicences)
			r.probe.Adjust(Optional{})
			r.pass(time.Second)
			r.wantLicences("not_read []")
		}
		if after := sim.Sessions(); len(after) != 1 || after[0].ID != session[0].ID {
			t.Errorf("the sessions are %+v, were %+v", after, session)
		}
		r.count("request connect", 1)
		if !r.probe.Snapshot().Up(time.Now()) {
			t.Error("it is down")
		}
	})
}

// A reload can come before the loop has begun.
func TestAdjustBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := startRig(t, ModeSSE, icwssim.Options{Licences: twoLicences})
		r.stop()
		r.prepare = func(p *Probe) { p.Adjust(Optional{Licences: true}) }
		r.start()
		r.pass(time.Minute)
		r.wantLicences(bothLicences)
	})
}

// A probe that waits hears it too, and does not wait any shorter.
func TestAdjustInAHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := licenceRig(t, ModeSSE, icwssim.Options{Licences: twoLicences})
		r.password.Store("wrong")
		r.stop()
		r.start()
		r.pass(time.Minute)
		r.state(StateAuthHold)
		until := r.probe.Snapshot().NextAttempt
		r.probe.Adjust(Optional{})
		r.pass(time.Second)
		r.state(StateAuthHold)
		if s := r.probe.Snapshot(); s.Licences.On || !s.NextAttempt.Equal(until) {
			t.Errorf("licences are on: %t, and the hold ends at %s instead of %s", s.Licences.On, s.NextAttempt, until)
		}
	})
}

func TestManyLicencesAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []icwssim.Licence
		for i := range 450 {
			many = append(many, icwssim.Licence{ID: fmt.Sprintf("I3_%03d", 449-i), Allowed: 1})
		}
		r, _ := licenceRig(t, ModeSSE, icwssim.Options{Licences: many})
		r.pass(time.Second)
		s := r.probe.Snapshot().Licences
		list := s.At(time.Now())
		if len(list) != MaxLicences || s.Cut != 350 || list[0].Name != "I3_250" || !slices.IsSortedFunc(list, compareNames) {
			t.Errorf("%d licences from %s, %d cut", len(list), list[0].Name, s.Cut)
		}
		r.count("request configuration", 1)
	})
}

func compareNames(a, b Licence) int {
	if a.Name < b.Name {
		return -1
	}
	return 1
}

// Two licences never have the same name, or there were two series of one name.
func TestTheNamesOfLicencesDiffer(t *testing.T) {
	long := strings.Repeat("x", 200)
	list := shownLicences([]icws.Licence{{ID: long + "1", InUse: 1}, {ID: "a\xff", InUse: 2}, {ID: "a\xfe", InUse: 3}, {ID: long + "2", InUse: 4}})
	if len(list) != 2 || list[0].Name == list[1].Name || len(list[1].Name) > 128 {
		t.Errorf("%+v", list)
	}
}
