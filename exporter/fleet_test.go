package exporter_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
	"icws_exporter/probe"
	"icws_exporter/probe/icwssim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const passwordVariable = "FLEET_TEST_PASSWORD"

// simulated is a simulated server on a real socket.
type simulated struct {
	*icwssim.Server
	url string
}

func simulate(t *testing.T, o icwssim.Options) simulated {
	t.Helper()
	sim := icwssim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	return simulated{sim, server.URL}
}

// entry is the YAML of a server that watches s.
func (s simulated) entry(name string, more ...string) string {
	return fmt.Sprintf("  - {name: %s, url: '%s'%s}\n", name, s.url, strings.Join(append([]string{""}, more...), ", "))
}

func configuration(t *testing.T, readyWhen string, entries ...string) config.Validated {
	t.Helper()
	t.Setenv(passwordVariable, "demo")
	text := "ready_when: " + readyWhen + "\ndefaults: {user: demo, password_env: " + passwordVariable + "}\nservers:\n" + strings.Join(entries, "")
	if len(entries) == 0 {
		text = "servers: []\n"
	}
	v, err := config.Parse("test.yaml", []byte(text), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newFleet(t *testing.T, o exporter.Options) (*exporter.Fleet, *collect.Set) {
	t.Helper()
	metrics := collect.New(collect.Options{StatusSeries: o.StatusSeries})
	o.Metrics = metrics
	f := exporter.New(o)
	t.Cleanup(f.Close)
	return f, metrics
}

func apply(t *testing.T, f *exporter.Fleet, v config.Validated) {
	t.Helper()
	if _, err := f.Apply(v); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func allUp(f *exporter.Fleet) func() bool {
	return func() bool {
		for _, s := range f.Servers() {
			if !s.Snapshot.Up(time.Now()) {
				return false
			}
		}
		return true
	}
}

// exposition is what a scrape gets.
func exposition(t *testing.T, set *collect.Set) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	web.NewMetricsHandler(set).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return recorder.Body.String()
}

func wantLine(t *testing.T, set *collect.Set, line string) {
	t.Helper()
	if !strings.Contains("\n"+exposition(t, set), "\n"+line+"\n") {
		t.Errorf("the exposition has no line %q", line)
	}
}

func sessionIDs(s simulated) []string {
	var ids []string
	for _, session := range s.Sessions() {
		ids = append(ids, session.ID)
	}
	return ids
}

func TestApplyTouchesOnlyWhatChanged(t *testing.T) {
	kept, changed, removed := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{})
	fleet, metrics := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", kept.entry("kept"), changed.entry("changed"), removed.entry("removed")))
	eventually(t, "all three are up", allUp(fleet))
	before, beforeChange := sessionIDs(kept), sessionIDs(changed)

	added := simulate(t, icwssim.Options{})
	apply(t, fleet, configuration(t, "all", kept.entry("kept"), changed.entry("changed", "language: de-DE"), added.entry("added")))
	if left := sessionIDs(removed); len(left) != 0 {
		t.Errorf("Apply returned while the removed server still had the sessions %q", left)
	}
	eventually(t, "all are up again", allUp(fleet))
	if after := sessionIDs(kept); len(after) != 1 || after[0] != before[0] {
		t.Errorf("the unchanged server's sessions went from %q to %q", before, after)
	}
	if after := sessionIDs(changed); len(after) != 1 || after[0] == beforeChange[0] {
		t.Errorf("the changed server's sessions went from %q to %q: want one new one", beforeChange, after)
	}
	var names []string
	for _, s := range fleet.Servers() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "added changed kept" {
		t.Errorf("the fleet watches %s", got)
	}
	wantLine(t, metrics, `icws_session_opens_total{server="changed"} 2`)
	wantLine(t, metrics, `icws_session_closes_total{reason="reload",server="changed"} 1`)
	wantLine(t, metrics, `icws_session_opens_total{server="kept"} 1`)
	if strings.Contains(exposition(t, metrics), `server="removed"`) {
		t.Error("the removed server still has series")
	}
}

func TestALimitThatChangesReachesTheProbes(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, metrics := newFleet(t, exporter.Options{})
	v := configuration(t, "all", sim.entry("a"))
	apply(t, fleet, v)
	eventually(t, "it is up", allUp(fleet))
	narrow, err := config.Parse("test.yaml", []byte("limits: {groups: 2}\ndefaults: {user: demo, password_env: "+
		passwordVariable+"}\nservers:\n"+sim.entry("a")), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, fleet, narrow)
	eventually(t, "groups are folded", func() bool {
		return strings.Contains(exposition(t, metrics), `icws_statuses{group="(other)",server="a"}`)
	})
}

func TestCloseLeavesEveryServer(t *testing.T) {
	a, b := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{MessagingVersion: 1})
	fleet, _ := newFleet(t, exporter.Options{})
	v := configuration(t, "all", a.entry("a"), b.entry("b"))
	apply(t, fleet, v)
	eventually(t, "both are up", allUp(fleet))
	fleet.Close()
	if left := append(sessionIDs(a), sessionIDs(b)...); len(left) != 0 {
		t.Errorf("the sessions %q are left behind", left)
	}
	fleet.Close()
	if _, err := fleet.Apply(v); !errors.Is(err, exporter.ErrClosed) {
		t.Errorf("Apply after Close gives %v", err)
	}
}

func TestAFailedApplyChangesNothing(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, _ := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("a")))
	eventually(t, "it is up", allUp(fleet))
	before := sessionIDs(sim)

	// The CA file disappears between the check of the configuration and its use.
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	v := configuration(t, "all", fmt.Sprintf("  - {name: b, url: '%s', http: {tls_config: {ca_file: '%s'}}}\n", secure.URL, file))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := fleet.Apply(v); err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("a server without its CA file gives %v", err)
	}
	if servers := fleet.Servers(); len(servers) != 1 || servers[0].Name != "a" || sessionIDs(sim)[0] != before[0] {
		t.Errorf("after a failed Apply the fleet watches %v", servers)
	}
}

func TestReadyWhen(t *testing.T) {
	up, down := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{NotAccepting: true})
	upEntry, downEntry := up.entry("up"), down.entry("down")
	for _, c := range []struct {
		when    string
		entries []string
		ready   bool
	}{
		{"attempted", []string{upEntry, downEntry}, true},
		{"any", []string{upEntry, downEntry}, true},
		{"any", []string{downEntry}, false},
		{"all", []string{upEntry, downEntry}, false},
		{"all", []string{upEntry}, true},
		{"all", nil, true},
	} {
		t.Run(fmt.Sprint(c.when, len(c.entries)), func(t *testing.T) {
			fleet, metrics := newFleet(t, exporter.Options{})
			if len(fleet.NotReady(time.Now())) == 0 {
				t.Error("ready before any configuration")
			}
			apply(t, fleet, configuration(t, c.when, c.entries...))
			eventually(t, "every probe has an outcome", func() bool { return settled(t, fleet, metrics) })
			reasons := fleet.NotReady(time.Now())
			if c.ready != (len(reasons) == 0) {
				t.Errorf("not ready because of %q", reasons)
			}
			if !c.ready && !strings.HasPrefix(reasons[0], "down: not up: ") {
				t.Errorf("the reason is %q", reasons[0])
			}
		})
	}
}

// settled says whether every server is up or has failed to log on.
func settled(t *testing.T, fleet *exporter.Fleet, metrics *collect.Set) bool {
	page := exposition(t, metrics)
	for _, s := range fleet.Servers() {
		refused := !strings.Contains(page, `icws_session_open_failures_total{reason="unavailable",server="`+s.Name+`"} 0`)
		failed := refused && s.Snapshot.State == probe.StateBackoff
		if !failed && !s.Snapshot.Up(time.Now()) {
			return false
		}
	}
	return true
}

func TestReadyStaysReady(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, _ := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("a")))
	eventually(t, "it is ready", func() bool { return len(fleet.NotReady(time.Now())) == 0 })
	if reasons := fleet.NotReady(time.Now().Add(time.Hour)); len(reasons) != 0 {
		t.Errorf("a stale server makes a ready exporter unready: %q", reasons)
	}
}

func TestAHangingLoopIsUnhealthy(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, _ := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("lab")))
	eventually(t, "it is up", allUp(fleet))
	if reasons := fleet.Unhealthy(time.Now()); len(reasons) != 0 {
		t.Errorf("a healthy fleet is unhealthy: %q", reasons)
	}
	// As seen by a clock three minutes ahead, the loop has not moved.
	reasons := fleet.Unhealthy(time.Now().Add(3 * time.Minute))
	if len(reasons) != 1 || !strings.HasPrefix(reasons[0], "lab: ") {
		t.Errorf("a hanging loop gives %q", reasons)
	}
}

func TestStatusSeriesFollowTheCatalogue(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, metrics := newFleet(t, exporter.Options{StatusSeries: true})
	apply(t, fleet, configuration(t, "all", sim.entry("a")))
	has := func(id string) func() bool {
		return func() bool { return strings.Contains(exposition(t, metrics), `status_id="`+id+`"`) }
	}
	eventually(t, "the catalogue has series", has("Gone Home"))
	sim.Apply(icwssim.Add(icwssim.Status{ID: "Night Watch", Text: "Night Watch", Group: "Unavailable", SystemID: "900"}))
	eventually(t, "a new status has series", has("Night Watch"))
}
