package exporter_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
	"icws_exporter/probe"
	"icws_exporter/probe/icwssim"
)

func TestAServerWithANewNameIsAnotherServer(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, metrics := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("old")))
	eventually(t, "it is up", allUp(fleet))
	changes, err := fleet.Apply(configuration(t, "all", sim.entry("new")))
	if err != nil || fmt.Sprint(changes) != "{[new] [] [old] 0}" {
		t.Errorf("the new name is %+v, %v", changes, err)
	}
	eventually(t, "it is up again", allUp(fleet))
	wantLine(t, metrics, `icws_session_opens_total{server="new"} 1`)
	if strings.Contains(exposition(t, metrics), `server="old"`) {
		t.Error("the old name still has series")
	}
	if n := len(sim.Sessions()); n != 1 {
		t.Errorf("there are %d sessions", n)
	}
}

// Labels and limits of the exposition are no reason to leave a server.
func TestWhatNoProbeDependsOnKeepsItsSession(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, metrics := newFleet(t, exporter.Options{StatusSeries: true})
	t.Setenv(passwordVariable, "demo")
	with := func(limit int, site string) config.Validated {
		v, err := config.Parse("test.yaml", fmt.Appendf(nil, "limits: {statuses: %d}\ndefaults: {user: demo, password_env: %s}\nservers:\n%s",
			limit, passwordVariable, sim.entry("a", "site: "+site)), "")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	series := func(n int) func() bool {
		return func() bool { return strings.Count(exposition(t, metrics), "\nicws_status_info{") == n }
	}
	apply(t, fleet, with(5, "us"))
	eventually(t, "five status messages have series", series(5))
	session := sessionIDs(sim)
	for _, n := range []int{3, 0, 7} {
		changes, err := fleet.Apply(with(n, "ch"))
		if err != nil || changes.Kept != 1 {
			t.Fatalf("got %+v, %v; want one server kept", changes, err)
		}
		if !series(n)() {
			t.Errorf("with limits.statuses: %d there are other numbers of series:\n%s", n, exposition(t, metrics))
		}
	}
	if page := exposition(t, metrics); !strings.Contains(page, `site="ch"`) || strings.Contains(page, `site="us"`) {
		t.Error("the new site is not exposed, or the old one still is")
	}
	if fleet.Servers()[0].Site != "ch" {
		t.Errorf("the pages show the site %s", fleet.Servers()[0].Site)
	}
	if after := sessionIDs(sim); len(after) != 1 || after[0] != session[0] {
		t.Errorf("the sessions went from %q to %q", session, after)
	}
}

// Licences, and users, are turned on and off while the session goes on.
func TestWhatIsOptionalKeepsTheSession(t *testing.T) {
	sim := simulate(t, icwssim.Options{Users: icwssim.InventUsers(20, 1), Licences: []icwssim.Licence{{ID: "I3_ACCESS", Allowed: 50, InUse: 42}}})
	fleet, _ := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("a")))
	eventually(t, "it is up", allUp(fleet))
	session := sessionIDs(sim)
	read := func() bool {
		licences, users := fleet.Servers()[0].Snapshot.Licences.At(time.Now()), fleet.Servers()[0].Snapshot.Users
		return users != nil && len(licences) == 1 && licences[0] == probe.Licence{Name: "I3_ACCESS", InUse: 42, Allowed: 50}
	}
	// Once: what is optional keeps to four requests a minute.
	changes, err := fleet.Apply(configuration(t, "all", sim.entry("a", "licences: true", "users: {all: true}")))
	if err != nil || changes.Kept != 1 {
		t.Fatalf("%+v, %v", changes, err)
	}
	eventually(t, "the licences are read", read)
	if _, err := fleet.Apply(configuration(t, "all", sim.entry("a"))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "they are forgotten", func() bool {
		return !fleet.Servers()[0].Snapshot.Licences.On && fleet.Servers()[0].Snapshot.Users == nil
	})
	if after := sessionIDs(sim); len(after) != 1 || after[0] != session[0] {
		t.Errorf("the sessions went from %q to %q", session, after)
	}
}

// A server that does not answer when it is left holds up the reload, and nothing
// else: who scrapes or looks meanwhile gets an answer with the other servers up.
func TestASlowLeaveHoldsUpNobodyElse(t *testing.T) {
	kept, slow := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{})
	fleet, metrics := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", kept.entry("kept"), slow.entry("slow")))
	eventually(t, "both are up", allUp(fleet))
	next := configuration(t, "all", kept.entry("kept"), slow.entry("slow", "language: de-DE"))

	slow.Inject(icwssim.Fault{Method: http.MethodDelete, Stall: true})
	applied := make(chan error, 1)
	go func() {
		_, err := fleet.Apply(next)
		applied <- err
	}()
	eventually(t, "the slow server is being left", func() bool { return slow.Faults()[0].Acted > 0 })
	wantLine(t, metrics, `icws_up{server="kept",site=""} 1`)
	if reasons := fleet.Unhealthy(time.Now()); len(reasons) > 0 || len(fleet.Servers()) != 2 {
		t.Errorf("in the middle of a reload the fleet is unhealthy: %q", reasons)
	}
	select {
	case err := <-applied:
		t.Fatalf("the reload did not wait for the server to be left (%v), so this test shows nothing", err)
	default:
	}
	slow.Clear()
	if err := <-applied; err != nil {
		t.Error(err)
	}
	eventually(t, "both are up again", allUp(fleet))
}

func TestAShardWatchesItsServersOnly(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	var entries []string
	for i := range 12 {
		entries = append(entries, sim.entry(fmt.Sprintf("cic-%d", i)))
	}
	shard, err := exporter.NewShard(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	fleet, metrics := newFleet(t, exporter.Options{Shard: shard})
	apply(t, fleet, configuration(t, "all", entries...))
	eventually(t, "all are up", allUp(fleet))
	watched := fleet.Servers()
	if len(watched) == 0 || len(watched) == 12 || len(sim.Sessions()) != len(watched) {
		t.Errorf("the shard watches %d of 12 servers with %d sessions", len(watched), len(sim.Sessions()))
	}
	for _, s := range watched {
		if !shard.Holds(s.Name) {
			t.Errorf("%s is of another shard", s.Name)
		}
	}
	wantLine(t, metrics, "icws_exporter_shards 3")
	wantLine(t, metrics, "icws_exporter_shard_ordinal 1")
}

// reloads is how often the test under load reloads.
const reloads = 60 // each configuration, bad or not, with and without a wait

// Dozens of reloads, good and bad, while somebody scrapes without a pause: the
// server that no reload concerns is never missing, never down, and no counter of
// it ever goes back.
func TestReloadsUnderLoad(t *testing.T) {
	kept, changing, passing := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{MessagingVersion: 1})
	keptEntry := kept.entry("kept")
	good := []config.Validated{
		configuration(t, "all", keptEntry, changing.entry("changing")),
		configuration(t, "all", keptEntry, changing.entry("changing"), passing.entry("passing")),
		configuration(t, "all", keptEntry, changing.entry("changing", "language: de-DE"), passing.entry("passing")),
		configuration(t, "all", keptEntry, passing.entry("renamed")),
	}
	bad := errors.New("icws.yaml:1:1: bad")
	disk := &file{content: good[0]}
	fleet, metrics := newFleet(t, exporter.Options{})
	r := exporter.NewReloader(fleet, disk.load)
	if err := r.Start(good[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are up", allUp(fleet))
	session := sessionIDs(kept)

	stop := make(chan struct{})
	var scraping sync.WaitGroup
	scraping.Go(func() { scrapeUntil(t, stop, metrics, "kept") })
	for i := range reloads {
		kept.Step(1)
		disk.hold(good[i%len(good)], nil)
		if i%5 == 4 {
			disk.hold(config.Validated{}, bad)
		}
		if err := r.Reload(t.Context()); err != nil && !errors.Is(err, bad) {
			t.Fatal(err)
		}
		if i%6 == 0 { // else the next reload meets probes that are not up yet
			eventually(t, "all are up", allUp(fleet))
		}
		if now := sessionIDs(kept); len(now) != 1 || now[0] != session[0] {
			t.Fatalf("reload %d: the sessions of the server that it does not concern went from %q to %q", i, session, now)
		}
		if n := len(changing.Sessions()) + len(passing.Sessions()); n > 2 {
			t.Fatalf("reload %d: two servers have %d sessions", i, n)
		}
	}
	close(stop)
	scraping.Wait()
	fleet.Close()
	for name, sim := range map[string]simulated{"kept": kept, "changing": changing, "passing": passing} {
		if left := sessionIDs(sim); len(left) > 0 {
			t.Errorf("%s is left with the sessions %q", name, left)
		}
	}
}

// scrapeUntil scrapes over HTTP until stop is closed, and wants the server up with
// counters that never fall.
func scrapeUntil(t *testing.T, stop <-chan struct{}, metrics *collect.Set, name string) {
	server := httptest.NewServer(web.NewMetricsHandler(metrics))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	counters, scrapes := map[string]float64{}, 0
	for ; ; scrapes++ {
		select {
		case <-stop:
			if scrapes < 10 || len(counters) < 50 {
				t.Errorf("%d scrapes of %d counters show nothing", scrapes, len(counters))
			}
			return
		default:
		}
		page, err := getPage(server.URL)
		if err != nil || !strings.Contains(page, `icws_up{server="`+name+`",site=""} 1`) {
			t.Errorf("scrape %d: %s is not up (%v)", scrapes, name, err)
			return
		}
		seen := 0
		for line := range strings.Lines(page) {
			series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
			if !strings.Contains(series, `server="`+name+`"`) || !isCounter(series) {
				continue
			}
			seen++
			n, err := strconv.ParseFloat(value, 64)
			if err != nil || n < counters[series] {
				t.Errorf("scrape %d: %s went from %v to %s", scrapes, series, counters[series], value)
				return
			}
			counters[series] = n
		}
		if seen < len(counters) {
			t.Errorf("scrape %d: %d counters of %s are there, before there were %d", scrapes, seen, name, len(counters))
			return
		}
	}
}

func isCounter(series string) bool {
	family, _, _ := strings.Cut(series, "{")
	return strings.HasSuffix(family, "_total") || strings.HasSuffix(family, "_count") || strings.HasSuffix(family, "_bucket")
}

func getPage(url string) (string, error) {
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	return string(page), err
}

// A limit is no reason to try a refused password again.
func TestAHoldOutlivesAChangeOfLimits(t *testing.T) {
	sim := simulate(t, icwssim.Options{Password: "another"})
	f, _ := newFleet(t, exporter.Options{})
	entry := sim.entry("held")
	apply(t, f, configuration(t, "attempted", entry))
	held := func() *probe.Snapshot { return f.Servers()[0].Snapshot }
	eventually(t, "the log-on is held", func() bool { return held().State == probe.StateAuthHold })
	before := held().NextAttempt
	for groups := range 3 {
		limits := fmt.Sprintf("%s\nlimits: {groups: %d}", "attempted", 10+groups)
		apply(t, f, configuration(t, limits, entry))
		eventually(t, "the hold is shown", func() bool { return held().State == probe.StateAuthHold })
	}
	if !held().NextAttempt.Equal(before) {
		t.Errorf("the next attempt moved from %s to %s", before, held().NextAttempt)
	}
	if n := sim.LogOns()["demo"]; n != 1 {
		t.Errorf("%d log-ons with a refused password", n)
	}
}

// Every server is either watched or known to be elsewhere, also after a reload.
func TestAFleetKnowsWhereTheOthersAre(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	shard, err := exporter.NewShard(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	fleet, _ := newFleet(t, exporter.Options{Shard: shard})
	for _, names := range [][]string{{"a", "b", "c", "d", "e", "f", "g"}, {"b", "x"}} {
		var entries []string
		for _, name := range names {
			entries = append(entries, sim.entry(name))
		}
		apply(t, fleet, configuration(t, "all", entries...))
		here := map[string]bool{}
		for _, s := range fleet.Servers() {
			here[s.Name] = true
		}
		for _, name := range names {
			ordinal, elsewhere := fleet.Elsewhere(name)
			if elsewhere == here[name] || elsewhere && (ordinal == 1 || ordinal > 2) {
				t.Errorf("%s is watched: %t, elsewhere: %t, in shard %d", name, here[name], elsewhere, ordinal)
			}
		}
		if got, others := fleet.Shard(); got != shard || others != len(names)-len(here) {
			t.Errorf("the fleet is shard %+v and knows %d others, want %d", got, others, len(names)-len(here))
		}
	}
	if _, elsewhere := fleet.Elsewhere("a"); elsewhere {
		t.Error("a server that was removed is elsewhere")
	}
}

// Users are counted and counted no more by a reload, in the session that goes on.
func TestUsersAreSwitchedByAReload(t *testing.T) {
	users := icwssim.InventUsers(8, 1)
	sim := simulate(t, icwssim.Options{Users: users})
	fleet, metrics := newFleet(t, exporter.Options{})
	off := configuration(t, "all", sim.entry("chicago"))
	on := configuration(t, "all", sim.entry("chicago", fmt.Sprintf("users: {ids: [%s, %s]}", users[0].ID, users[1].ID)))
	apply(t, fleet, off)
	eventually(t, "it is up", allUp(fleet))
	before := sessionIDs(sim)
	counted := func() bool {
		u := fleet.Servers()[0].Snapshot.Users
		return u != nil && u.Fresh(time.Now()) && u.Reported == 2
	}
	apply(t, fleet, on)
	eventually(t, "users are counted", counted)
	if strings.Count(exposition(t, metrics), "\nicws_users{") == 0 {
		t.Error("no series of users")
	}
	apply(t, fleet, off)
	eventually(t, "users are counted no more", func() bool { return fleet.Servers()[0].Snapshot.Users == nil })
	if strings.Contains(exposition(t, metrics), "\nicws_user") {
		t.Error("series of users while off")
	}
	apply(t, fleet, on)
	eventually(t, "users are counted again", counted)
	if after := sessionIDs(sim); len(after) != 1 || after[0] != before[0] {
		t.Errorf("the sessions went from %q to %q", before, after)
	}
	wantLine(t, metrics, `icws_session_opens_total{server="chicago"} 1`)
}
