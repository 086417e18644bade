//go:build e2e

package main

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"icws_exporter/exporter/collect"
	"icws_exporter/probe/icwssim"
)

// query is a query of a dashboard and where it is.
type query struct {
	where string
	target
}

// queries are the queries of all panels and annotations.
func queries(d dashboard) []query {
	var all []query
	for _, p := range d.everyPanel() {
		for _, q := range p.Targets {
			all = append(all, query{d.Title + ": " + p.Title + " " + q.RefID, q})
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all = append(all, query{d.Title + ": " + a.Name, target{Expr: a.Expr, LegendFormat: a.TitleFormat, quiet: a.quiet}})
		}
	}
	return all
}

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`{{(\w+)}}`)

// The whole test ends within this time.
const patience = 5 * time.Minute

// worlds are what the queries are run in, each a job of Prometheus: calm, every
// incident of the demo, an exporter that is gone for longer than the time range, the
// fleet in trouble, and the calm one again in a Prometheus that keeps only native
// histograms.
type worlds struct {
	calm, tour, dead, fleet choice
	// both keeps classic and native histograms, and native only the latter.
	both, native prometheus
	secure       *icwssim.Server // one of the tour, over TLS
	deadline     time.Time
}

func newWorlds(t *testing.T) *worlds {
	t.Helper()
	w := &worlds{deadline: time.Now().Add(patience)}
	binary := buildExporter(t)
	calm := startDemo(t, binary)
	targets := map[string][]string{"icws-calm": {calm.address}}
	for _, incident := range incidents(t, binary) {
		targets["icws-tour"] = append(targets["icws-tour"], startDemo(t, binary, "--scenario="+incident).address)
	}
	var address string
	w.secure, address = startServe(t, binary)
	targets["icws-tour"] = append(targets["icws-tour"], address)
	dying := startDemo(t, binary)
	targets["icws-dead"] = []string{dying.address}
	targets["icws-fleet"] = []string{startDemo(t, binary, "--scenario=fleet").address}
	w.both = startPrometheus(t, true, targets)
	w.native = startPrometheus(t, false, map[string][]string{"icws-calm": {calm.address}})
	w.calm = choice{"job": {"icws-calm"}, "instance": {calm.address}, "server": {"chicago"}, "group": all1}
	w.tour = choice{"job": {"icws-tour"}, "instance": all1, "server": {".*"}, "group": all1}
	w.fleet = choice{"job": {"icws-fleet"}, "instance": all1, "server": {".*"}, "group": all1}
	w.dead = choice{"job": {"icws-dead"}, "instance": all1, "server": {"chicago"}, "group": all1, "__range": {"5s"}}
	w.both.eventually(t, w.deadline, "the exporter that is to die is known", func() bool {
		return len(w.both.asks(t, `icws_up{job="icws-dead"} == 1`, false)) == 2
	})
	dying.end()
	return w
}

// TestQueriesInFiveWorlds has a real Prometheus scrape exporters, each in a process
// of its own, and runs every query there as Grafana would. The calm one has the
// intervals and the patience of every configuration, so that a busy machine is no
// incident. In calm, exactly the queries that say so return nothing; the incidents
// then make each of them return something.
func TestQueriesInFiveWorlds(t *testing.T) {
	w := newWorlds(t)
	t.Run("variables", w.variables)
	t.Run("calm", w.isCalm)
	t.Run("native", w.isCalmWithNativeHistograms)
	t.Run("dead", w.knowsTheDead)
	t.Run("fleet", w.findsTheTrouble)
	t.Run("tour", w.seesEveryIncident)
}

// variables offers values for every variable, and one with its own choice too.
func (w *worlds) variables(t *testing.T) {
	for _, d := range all() {
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			w.both.eventually(t, w.deadline, "values of $"+v.Name, func() bool {
				return len(w.both.values(t, w.fleet.into(v.Definition))) > 0
			})
		}
	}
	groups := func(chosen ...string) []string {
		c := maps.Clone(w.calm)
		c["group"] = chosen
		v := catalogue().Templating.List[4]
		return w.both.values(t, c.into(v.Definition))
	}
	if one, any := groups("Available"), groups(".+"); len(one) != len(any) || len(any) < 2 {
		t.Errorf("with one group chosen there are %v to choose from, else %v", one, any)
	}
	for _, v := range overview().Templating.List {
		if v.Name == "runbooks" {
			found := w.both.values(t, w.calm.into(v.Definition))
			if !slices.Equal(found, []string{"http://" + w.calm["instance"][0] + "/runbooks"}) {
				t.Fatalf("the runbooks are at %v", found)
			}
			response, err := http.Get(found[0] + "/IcwsServerDown.md")
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("a runbook is answered %s", response.Status)
			}
		}
	}
}

// everyQuery are the queries of all dashboards, by where they are.
func everyQuery() (every, always map[string]query) {
	every, always = map[string]query{}, map[string]query{}
	for _, d := range all() {
		for _, q := range queries(d) {
			every[q.where] = q
			if q.quiet == "" && !q.optIn {
				always[q.where] = q
			}
		}
	}
	return every, always
}

func (w *worlds) isCalm(t *testing.T) {
	w.both.eventually(t, w.deadline, "a calm half minute", func() bool { // enough scrapes for every rate
		return w.both.returns(t, w.calm.into(`count_over_time(icws_up{job="$job"}[1m]) > 30`), false)
	})
	every, always := everyQuery()
	w.both.wantAll(t, w.deadline, w.calm, always) // within a minute: then delivery is checked
	for where, q := range every {
		if q.quiet != "" && !q.optIn {
			soon := time.Now().Add(30 * time.Second)
			w.both.eventually(t, soon, where+" is quiet: "+q.quiet+": "+w.calm.into(string(q.Expr)), func() bool { return !w.both.runs(t, w.calm, q) })
		}
	}
	for where, want := range map[string]float64{
		"ICWS / Overview: Servers not up A":                   0,
		"ICWS / Overview: Targets not scraped A":              0,
		"ICWS / Overview: Servers with a page or a ticket A":  0,
		"ICWS / Overview: Fleet A":                            2, // live
		"ICWS / Overview: Fleet B":                            0, // no reason
		"ICWS / Overview: Fleet E":                            0, // nothing happens
		"ICWS / Server: State A":                              2,
		"ICWS / Server: Next attempt A":                       0,
		"ICWS / Overview: 401, 410 and 500 in five minutes C": 0,
		"ICWS / Status catalogue: Sites A":                    1,
		"ICWS / Status catalogue: Sites D":                    0,
		"ICWS / Exporter: Targets not scraped A":              0,
	} {
		w.both.wantValue(t, w.calm, every, where, want)
	}
	c := maps.Clone(w.calm)
	c["server"] = []string{".*"}
	for _, s := range w.both.asks(t, c.into(string(every["ICWS / Status catalogue: Statuses A"].Expr)), false) {
		if s.Metric["known"] != "2" || s.Metric["servers"] != "2" {
			t.Errorf("of two servers that are known the sum says %v", s.Metric)
		}
	}
}

// isCalmWithNativeHistograms has no panel that is empty where only native histograms
// are kept.
func (w *worlds) isCalmWithNativeHistograms(t *testing.T) {
	_, always := everyQuery()
	if classic := w.native.asks(t, `{__name__=~"icws_.*_bucket"}`, false); len(classic) > 0 {
		t.Fatalf("this Prometheus has classic histograms: %v", classic[0].Metric)
	}
	for where, q := range always {
		w.native.eventually(t, w.deadline, where+" with native histograms", func() bool {
			return w.native.returns(t, w.calm.into(string(q.Expr)), !q.Instant)
		})
	}
}

// knowsTheDead says of an exporter that was never scraped in the time range that it
// is down, and of its servers that nobody looks.
func (w *worlds) knowsTheDead(t *testing.T) {
	w.both.eventually(t, w.deadline, "the exporter is dead for longer than the range", func() bool {
		return len(w.both.asks(t, `max_over_time(up{job="icws-dead"}[10s]) == 0`, false)) == 1
	})
	every, _ := everyQuery()
	for where, want := range map[string]float64{
		"ICWS / Overview: Targets not scraped A": 1,
		"ICWS / Overview: Servers not up A":      0,
		"ICWS / Overview: Servers watched A":     0,
		"ICWS / Overview: Fleet A":               noState,
		"ICWS / Overview: Fleet B":               noReason,
		"ICWS / Server: State A":                 noState,
		"ICWS / Server: State B":                 noReason,
		"ICWS / Exporter: Exporters B":           0,
	} {
		w.both.wantValue(t, w.dead, every, where, want)
	}
	for _, v := range []variable{overview().Templating.List[1], *oneServer()} {
		if found := w.both.values(t, w.dead.into(v.Definition)); len(found) == 0 {
			t.Errorf("$%s does not offer what is dead", v.Name)
		}
	}
}

// findsTheTrouble finds every server of the fleet and what is wrong with it on the
// first screen of the Overview.
func (w *worlds) findsTheTrouble(t *testing.T) {
	every, _ := everyQuery()
	reason := func(name string) float64 {
		return float64(firstReason + slices.Index(collect.MetricDownReason.Labels[0].Values, name))
	}
	column := func(ref string) map[string]float64 {
		found := map[string]float64{}
		for _, s := range w.both.asks(t, w.fleet.into(string(every["ICWS / Overview: Fleet "+ref].Expr)), false) {
			found[s.Metric["server"]] = s.number()
		}
		return found
	}
	for server, want := range map[string]float64{
		"closed-port": reason("network"), "no-such-name": reason("dns"), "untrusted": reason("tls"),
		"wrong-password": reason("refused_log_on"), "sessions-refused": reason("unauthorized"), "displaced": reason("displaced"),
		"too-new": reason("gone"), "failing": reason("server_error"), "silent": reason("not_delivering"),
	} {
		w.both.eventually(t, w.deadline, "the reason of "+server, func() bool { return column("B")[server] == want })
	}
	if servers := len(column("A")); servers != 13 {
		t.Errorf("Fleet has %d servers", servers)
	}
	for server, seen := range map[string]func() bool{
		"slow":          func() bool { return column("H")["slow"] > 2 },
		"forgetful":     func() bool { return column("E")["forgetful"] == 4 },
		"loses-changes": func() bool { return column("E")["loses-changes"] == 3 },
		"partly-gone":   func() bool { return column("E")["partly-gone"] == 1 },
	} {
		w.both.eventually(t, w.deadline, server+" in Fleet", seen)
	}
	lines := map[string]int{}
	for _, s := range w.both.asks(t, w.fleet.into(string(every["ICWS / Overview: What went wrong in this time range A"].Expr)), false) {
		lines[s.Metric["server"]]++
	}
	for server, n := range lines {
		if n != 1 {
			t.Errorf("%s has %d lines of what went wrong", server, n)
		}
	}
	for _, server := range []string{"failing", "wrong-password", "silent", "too-new", "forgetful", "loses-changes"} {
		if lines[server] == 0 {
			t.Errorf("nothing went wrong with %s", server)
		}
	}
	known := 0.0
	for _, s := range w.both.asks(t, w.fleet.into(string(every["ICWS / Status catalogue: Sites D"].Expr)), false) {
		known += s.number()
	}
	if known < 8 {
		t.Errorf("the sites hide that servers are not known: %g", known)
	}
	v := oneServer()
	if first := w.both.values(t, w.fleet.into(v.Definition)); len(first) != 13 || slices.Index(first, "failing") > 9 || slices.Index(first, "slow") < 9 {
		t.Errorf("the servers are offered in the order %v", first)
	}
	w.both.eventually(t, w.deadline, "servers with a page", func() bool {
		s := w.both.asks(t, w.fleet.into(string(every["ICWS / Overview: Servers with a page or a ticket A"].Expr)), false)
		return len(s) == 1 && s[0].number() >= 9
	})
}

// seesEveryIncident wants every query to return something in the end.
func (w *worlds) seesEveryIncident(t *testing.T) {
	// Two things that the demo does not have.
	w.secure.Send(`{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":true,"statusMessagesRemoved":["nobody"]}`)
	w.secure.Inject(icwssim.Fault{Operation: icwssim.OpSubscribe, Drop: true})
	waiting, _ := everyQuery()
	for where := range unprovoked {
		if _, ok := waiting[where]; !ok {
			t.Errorf("there is no query %q", where)
		}
		delete(waiting, where)
	}
	w.both.wantAll(t, w.deadline, w.tour, waiting)
}

// wantAll wants each of the queries to return something before the deadline.
func (p prometheus) wantAll(t *testing.T, deadline time.Time, c choice, waiting map[string]query) {
	t.Helper()
	one := len(c["server"]) == 1 && c["server"][0] != ".*"
	for len(waiting) > 0 {
		for where, q := range waiting {
			if p.runs(t, c, q) {
				if one {
					p.wantLegends(t, c, q)
				}
				delete(waiting, where)
			}
		}
		if time.Now().After(deadline) {
			for where, q := range waiting {
				t.Errorf("%s never returned anything: %s", where, c.into(string(q.Expr)))
			}
			return
		}
		time.Sleep(time.Second)
	}
}

// wantValue wants a query to return a value, the same in every series.
func (p prometheus) wantValue(t *testing.T, c choice, every map[string]query, where string, want float64) {
	t.Helper()
	q, ok := every[where]
	if !ok {
		t.Errorf("there is no query %q", where)
		return
	}
	found := p.asks(t, c.into(string(q.Expr)), false)
	if len(found) == 0 {
		t.Errorf("%s is empty, and should be %g: %s", where, want, c.into(string(q.Expr)))
	}
	for _, s := range found {
		if s.number() != want {
			t.Errorf("%s is %g %v, and should be %g: %s", where, s.number(), s.Metric, want, c.into(string(q.Expr)))
		}
	}
}

var all1 = []string{".+"}

// unprovoked are queries that no incident makes return anything, and why.
var unprovoked = map[string]string{
	"ICWS / Exporter: Configuration B": "no exporter here has a web configuration file",
}

// buildExporter builds the program under test.
func buildExporter(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "icws_exporter")
	build := exec.Command("go", "build", "-o", binary, "icws_exporter")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the exporter: %v\n%s", err, output)
	}
	return binary
}

// incidents are the names of the demo's incidents, without the steady life.
func incidents(t *testing.T, binary string) []string {
	t.Helper()
	complaint, _ := exec.Command(binary, "demo", "--scenario=?").CombinedOutput()
	names := regexp.MustCompile(`is none of tour, steady, (.*)`).FindStringSubmatch(string(complaint))
	if names == nil {
		t.Fatalf("no incidents in %q", complaint)
	}
	return slices.DeleteFunc(strings.Split(names[1], ", "), func(name string) bool { return name == "fleet" })
}

// running is an exporter that runs, and its address.
type running struct {
	*process
	address string
}

// startDemo starts a demo.
func startDemo(t *testing.T, binary string, flags ...string) running {
	t.Helper()
	p := startProcess(t, exec.Command(binary, append([]string{"demo", "--web.listen-address=127.0.0.1:0"}, flags...)...))
	return running{p, p.find(t, `Open +http://(127\.0\.0\.1:\d+)/`)}
}

// startServe starts an exporter that watches a server over TLS whose password
// expires, and has it refuse a configuration. It returns the server and the address
// of the exporter.
func startServe(t *testing.T, binary string) (*icwssim.Server, string) {
	t.Helper()
	days := 5
	sim := icwssim.New(icwssim.Options{
		User: "svc-prom", Password: "demo", DaysUntilPasswordExpiration: &days,
		Users: icwssim.InventUsers(60, 1), Shifts: icwssim.Shifts{Interval: time.Second},
		Licences: []icwssim.Licence{{ID: "I3_ACCESS_CLIENT", Allowed: 100, InUse: 95}},
	})
	server := httptest.NewTLSServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	dir := t.TempDir()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := fmt.Sprintf("servers:\n  - {name: secure, check_interval: 10s, delivery_timeout: 3s, site: us, url: '%s', user: svc-prom, password_env: PW, "+
		"http: {tls_config: {ca_file: ca.pem}}, users: {all: true}, licences: true}\n", server.URL)
	file := filepath.Join(dir, "icws.yaml")
	for name, content := range map[string]string{filepath.Join(dir, "ca.pem"): string(certificate), file: config} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(binary, "serve", "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	command.Env = append(os.Environ(), "PW=demo")
	p := startProcess(t, command)
	address := p.find(t, `Listening on.*?(127\.0\.0\.1:\d+)`)
	if err := os.WriteFile(file, []byte("servers: wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	return sim, address
}

// choice is what is chosen for the variables of a dashboard: a value, several, or
// the pattern for all.
type choice map[string][]string

// into puts the choice and the built-in variables into a query, as Grafana does for
// a time range of two minutes that is drawn second by second, with a scrape interval
// of a second.
func (c choice) into(text string) string {
	span := "120s"
	if chosen := c["__range"]; chosen != nil {
		span = chosen[0]
	}
	replaced := []string{"$__rate_interval", "4s", "$__range", span, "$__interval", "1s"}
	for name, values := range c {
		replaced = append(replaced, "$"+name, chosenPattern(values))
	}
	return strings.NewReplacer(replaced...).Replace(text)
}

// chosenPattern is a regular expression in a PromQL string, as Grafana writes it: a
// pattern for all as it is, values with their special characters escaped.
func chosenPattern(values []string) string {
	if slices.Equal(values, all1) || slices.Equal(values, []string{".*"}) {
		return values[0]
	}
	special := regexp.MustCompile(`[$^*{}\[\]'+?.()|]`)
	var escaped []string
	for _, v := range values {
		v = strings.ReplaceAll(v, `\`, `\\\\`)
		escaped = append(escaped, special.ReplaceAllString(v, `\\$0`))
	}
	if len(escaped) == 1 {
		return escaped[0]
	}
	return "(" + strings.Join(escaped, "|") + ")"
}
