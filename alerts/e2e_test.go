//go:build e2e

package alerts

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"icws_exporter/alerts/build"
)

const (
	times   = 15 // how many times shorter everything is
	warmUp  = 75 * time.Second
	lasting = 80 * time.Second
	// patience is how long the alerts may take to end.
	patience = 3 * time.Minute
)

// exporterIncidents happen to exporters of their own; the names are those of their
// jobs, after icws-.
var exporterIncidents = []incident{
	{name: "exporter-killed", what: "The exporter is killed, and started again later.", delivered: []string{"ExporterDown critical"}},
	{name: "configuration-refused", what: "The configuration is reloaded with a mistake in it; it has more groups than its limit.", delivered: []string{"ConfigReloadFailed warning", "SeriesFolded info"}},
	{name: "shard-not-started", what: "Of two exporters that divide the servers, one is not started.", delivered: []string{"ShardMissing critical"}},
	{name: "other-program", what: "Another program answers on the port of the exporter.", delivered: []string{"MetricsAbsent critical"}},
}

// world is everything that runs: exporters that watch simulated servers, Prometheus
// with the rules in short time, and an Alertmanager with the example's configuration.
type world struct {
	dir, binary, prometheus string
	sites                   []*site          // of the exporter that watches most of them
	own                     map[string]*site // of the other exporters, by incident
	inbox                   *inbox

	main, killed, refused *process
	addresses             map[string]string // of the exporters, by job
	shards                *targets
	other                 *otherProgram
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), inbox: &inbox{}, own: map[string]*site{}, addresses: map[string]string{}, shards: &targets{}, other: &otherProgram{}}
	prometheus := program(t, "PROMETHEUS", "prometheus")
	alertmanager := program(t, "ALERTMANAGER", "prometheus-alertmanager", "alertmanager")
	w.binary = filepath.Join(w.dir, "icws_exporter")
	if out, err := exec.Command("go", "build", "-o", w.binary, "icws_exporter").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	for _, i := range incidents {
		w.sites = append(w.sites, newSite(t, w.dir, i))
	}
	w.startExporters(t)
	w.startAlertmanager(t, alertmanager)
	w.startPrometheus(t, prometheus)
	return w
}

// write writes the configuration of the exporter that watches all sites.
func (w *world) write(t *testing.T, after bool) {
	t.Helper()
	text := fmt.Sprintf(defaults, 64)
	for _, s := range w.sites {
		text += s.configuration(after)
	}
	writeFile(t, filepath.Join(w.dir, "icws.yaml"), text)
}

func (w *world) exporter(t *testing.T, job, config string, flags ...string) *process {
	t.Helper()
	if w.addresses[job] == "" {
		w.addresses[job] = freeAddress(t)
	}
	args := append([]string{"serve", "--config.file=" + filepath.Join(w.dir, config), "--web.listen-address=" + w.addresses[job]}, flags...)
	return start(t, w.dir, w.binary, args...)
}

func (w *world) startExporters(t *testing.T) {
	t.Helper()
	w.write(t, false)
	w.main = w.exporter(t, "icws", "icws.yaml")
	for _, i := range exporterIncidents[:3] {
		w.writeOwn(t, i.name, 64)
	}
	w.writeOwn(t, "configuration-refused", 2)
	w.killed = w.exporter(t, "icws-exporter-killed", "exporter-killed.yaml")
	w.refused = w.exporter(t, "icws-configuration-refused", "configuration-refused.yaml")
	w.exporter(t, "icws-shard-not-started", "shard-not-started.yaml", "--shard.total=2", "--shard.ordinal=0")
	w.shards.set(w.addresses["icws-shard-not-started"])
	other := httptest.NewServer(w.other)
	t.Cleanup(other.Close)
	w.addresses["icws-other-program"] = other.Listener.Addr().String()
}

// writeOwn writes the configuration of an exporter with a server of its own.
func (w *world) writeOwn(t *testing.T, name string, groups int) {
	t.Helper()
	if w.own[name] == nil {
		w.own[name] = newSite(t, w.dir, incident{name: name})
	}
	writeFile(t, filepath.Join(w.dir, name+".yaml"), fmt.Sprintf(defaults, groups)+w.own[name].configuration(false))
}

func (w *world) startAlertmanager(t *testing.T, program string) {
	t.Helper()
	hook := httptest.NewServer(w.inbox)
	t.Cleanup(hook.Close)
	text := build.Shorten(text(t, Alertmanager), times, 0, 0)
	someOtherDay := strings.ToLower(time.Now().UTC().AddDate(0, 0, 3).Weekday().String())
	text = strings.NewReplacer(
		"group_interval: 20s", "group_interval: 3s",
		"http://pager.example.com/icws", hook.URL, "http://tickets.example.com/icws", hook.URL,
		"[sunday]", "["+someOtherDay+"]",
	).Replace(text)
	writeFile(t, filepath.Join(w.dir, "alertmanager.yaml"), text)
	w.addresses["alertmanager"] = freeAddress(t)
	start(t, w.dir, program, "--config.file=alertmanager.yaml", "--storage.path=alertmanager",
		"--web.listen-address="+w.addresses["alertmanager"], "--cluster.listen-address=")
}

func (w *world) startPrometheus(t *testing.T, program string) {
	t.Helper()
	for _, file := range RuleFiles {
		longest := time.Minute
		if file == "icws.slo.yaml" {
			longest = 0
		}
		writeFile(t, filepath.Join(w.dir, file), build.Shorten(text(t, file), times, 5*time.Second, longest))
	}
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [icws.*.rules]\n" +
		"alerting: {alertmanagers: [{static_configs: [{targets: ['" + w.addresses["alertmanager"] + "']}]}]}\nscrape_configs:\n"
	config = strings.Replace(config, "icws.*.rules", strings.Join(RuleFiles, ", "), 1)
	for _, job := range slices.Sorted(maps.Keys(w.addresses)) {
		switch job {
		case "alertmanager":
		case "icws-shard-not-started":
			discovery := httptest.NewServer(w.shards)
			t.Cleanup(discovery.Close)
			config += "  - {job_name: " + job + ", http_sd_configs: [{url: '" + discovery.URL + "', refresh_interval: 1s}]}\n"
		default:
			config += "  - {job_name: " + job + ", static_configs: [{targets: ['" + w.addresses[job] + "']}]}\n"
		}
	}
	writeFile(t, filepath.Join(w.dir, "prometheus.yaml"), config)
	w.prometheus = freeAddress(t)
	start(t, w.dir, program, "--config.file=prometheus.yaml", "--storage.tsdb.path=data",
		"--web.listen-address="+w.prometheus, "--rules.alert.resend-delay=5s")
}

// What goes wrong is delivered as exactly the alerts of docs/incidents.md, and they end
// when it is over; where nothing is wrong, nothing fires for an hour, in short time.
func TestIncidents(t *testing.T) {
	w := newWorld(t)
	time.Sleep(warmUp)
	if up := query(t, w.prometheus, `icws_up{job="icws"} == 1`); len(up) != len(w.sites)+1 {
		t.Fatalf("%d servers are up, not %d: %v", len(up), len(w.sites)+1, up)
	}
	if early := firing(t, w.prometheus, true); len(early) > 0 {
		t.Logf("firing before the incidents: %v", early)
	}
	w.happen(t)
	w.runRunbooks(t)
	w.end(t)
	deadline := time.Now().Add(patience)
	for {
		_, open := w.inbox.of()
		still := firing(t, w.prometheus, true)
		maps.DeleteFunc(open, func(_ string, alerts map[string]bool) bool { return len(alerts) == 0 })
		if len(still) == 0 && len(open) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("still firing: %v; delivered, and not its end: %v", still, open)
			break
		}
		time.Sleep(time.Second)
	}
	w.compare(t)
}

// happen has every incident take its course.
func (w *world) happen(t *testing.T) {
	t.Helper()
	w.killed.end(syscall.SIGKILL)
	writeFile(t, filepath.Join(w.dir, "configuration-refused.yaml"), "servers: [{name: ]")
	_ = w.refused.Process.Signal(syscall.SIGHUP)
	w.other.set(true)
	began := time.Now()
	for second := range int(lasting / time.Second) {
		for _, s := range w.sites {
			if s.begin != nil && (second == 0 || s.every > 0 && second%int(s.every/time.Second) == 0) {
				s.begin(s)
			}
		}
		// By the clock: on a busy machine what is repeated must not become rarer.
		time.Sleep(time.Until(began.Add(time.Duration(second+1) * time.Second)))
	}
}

// end puts everything right.
func (w *world) end(t *testing.T) {
	t.Helper()
	for _, s := range w.sites {
		if s.end != nil {
			s.end(s)
		}
	}
	w.write(t, true)
	_ = w.main.Process.Signal(syscall.SIGHUP)
	w.writeOwn(t, "configuration-refused", 64)
	_ = w.refused.Process.Signal(syscall.SIGHUP)
	w.exporter(t, "icws-exporter-killed", "exporter-killed.yaml")
	w.exporter(t, "second shard", "shard-not-started.yaml", "--shard.total=2", "--shard.ordinal=1")
	w.shards.set(w.addresses["icws-shard-not-started"], w.addresses["second shard"])
	w.other.set(false)
}

// runRunbooks runs the queries and commands of the runbook of every alert that fires
// now, for the server it fires for.
func (w *world) runRunbooks(t *testing.T) {
	t.Helper()
	labelsOf := map[string]map[string]string{}
	for _, labels := range query(t, w.prometheus, `ALERTS{alertstate="firing"}`) {
		labelsOf[labels["alertname"]] = labels
	}
	for _, name := range Runbooks() {
		book, _ := Runbook(name)
		labels, fires := labelsOf[name]
		server, address := labels["server"], w.addresses["icws"]
		if server == "" {
			server = "steady"
		}
		if job := labels["job"]; w.addresses[job] != "" && name != "ExporterDown" && name != "MetricsAbsent" {
			address = w.addresses[job]
		}
		answers := 0
		for _, expr := range Queries(book) {
			answers += len(query(t, w.prometheus, strings.NewReplacer("$SERVER", server, "$SITE", "branch").Replace(expr)))
		}
		if !fires {
			t.Logf("%s does not fire; the queries of its runbook are good", name)
			continue
		}
		if answers == 0 {
			t.Errorf("no query of the runbook of %s shows anything for %s", name, server)
		}
		for _, c := range Commands(book) {
			if command(t, c, address, server) == "" {
				t.Errorf("the runbook of %s: %s prints nothing for %s", name, c, server)
			}
		}
	}
}

// compare holds what fired and what was delivered to what is expected.
func (w *world) compare(t *testing.T) {
	t.Helper()
	delivered, _ := w.inbox.of()
	fired := firing(t, w.prometheus, false)
	all := append(slices.Clone(incidents), exporterIncidents...)
	for _, i := range all {
		muted := maps.Clone(fired[i.name])
		maps.DeleteFunc(muted, func(alert string, _ bool) bool { return delivered[i.name][alert] })
		for what, sets := range map[string][2][]string{
			"delivered": {slices.Sorted(maps.Keys(delivered[i.name])), i.delivered},
			"muted":     {slices.Sorted(maps.Keys(muted)), i.muted},
		} {
			if !slices.Equal(sets[0], slices.Sorted(slices.Values(sets[1]))) {
				t.Errorf("%s: %s are %v, want %v; its log:\n%s", i.name, what, sets[0], sets[1], w.main.logOf(i.name))
			}
		}
		delete(delivered, i.name)
		delete(fired, i.name)
	}
	delete(fired, "")
	if len(delivered) > 0 || len(fired) > 0 {
		t.Errorf("alerts of no incident: delivered %v, fired %v", delivered, fired)
	}
	document := incidentsDocument(all)
	if *update && !t.Failed() {
		if err := os.WriteFile("../docs/incidents.md", []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if content, err := os.ReadFile("../docs/incidents.md"); err != nil || string(content) != document {
		t.Errorf("docs/incidents.md is not what was seen (%v); write it with -update", err)
	}
}

func incidentsDocument(all []incident) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Incidents and their alerts

Written by TestIncidents: a real Prometheus with these rules, %d times faster, scrapes exporters that watch simulated
servers, and a real Alertmanager with the configuration of the example delivers to a webhook. Each incident must bring
about exactly these alerts, and each must end when the incident is over.

Muted alerts fire as well; the inhibition keeps them from being delivered. The windows of the service level objectives
above an hour are left out: a run of minutes is no history for them. ProbeStuck cannot be provoked from outside.

| incident | what goes wrong | delivered | muted |
|---|---|---|---|
`, times)
	for _, i := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", i.name, i.what, list(i.delivered), list(i.muted))
	}
	return b.String()
}

func list(alerts []string) string {
	if len(alerts) == 0 {
		return "nothing"
	}
	return strings.Join(alerts, ", ")
}
