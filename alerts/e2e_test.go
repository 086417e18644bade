//go:build e2e

package alerts

import (
	"fmt"
	"maps"
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

	"icws_exporter/alerts/build"
)

const (
	times   = 15 // how many times shorter everything is
	warmUp  = 75 * time.Second
	lasting = 80 * time.Second
	// patience is how long the alerts may take to end.
	patience = 5 * time.Minute
)

// exporterIncidents happen to exporters of their own; the names are those of their
// jobs, after icws-.
var exporterIncidents = []incident{
	{name: "exporter-killed", what: "The exporter is killed, and started again later.", delivered: []string{"IcwsNotWatched critical"}, may: []string{"IcwsWatchedBudgetBurn warning"}},
	{name: "configuration-refused", what: "The configuration is reloaded with a mistake in it; it has more groups than its limit.",
		delivered: []string{"IcwsExporterUnhealthy warning"}},
	{name: "shard-not-started", what: "Of two exporters that divide the servers, one is not started.", delivered: []string{"IcwsNotWatched critical"}},
	{name: "other-program", what: "Another program answers on the port of the exporter.", delivered: []string{"IcwsNotWatched critical"}},
	{name: "target-vanished", what: "Service discovery loses the exporter.", delivered: []string{"IcwsNotWatched critical"}, may: []string{"IcwsWatchedBudgetBurn warning"}},
	{name: "server-vanished", what: "A server is taken out of the configuration.", delivered: []string{"IcwsNotWatched critical"}, may: []string{"IcwsWatchedBudgetBurn warning"}},
	{name: "crash-loop", what: "The exporter is started again and again.", delivered: []string{"IcwsExporterRestarting warning"}},
}

// world is everything that runs: exporters that watch simulated servers, Prometheus
// with the rules in short time, and an Alertmanager with the example's configuration.
type world struct {
	dir, binary, prometheus string
	sites                   []*site          // of the exporter that watches most of them
	own                     map[string]*site // of the other exporters, by incident
	inbox                   *inbox

	main, killed, refused, vanishing, crashing *process

	began, ended     time.Time         // all incidents, but for those of sites that repeat
	addresses        map[string]string // of the exporters, by job
	shards, vanished *targets
	other            *otherProgram
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), inbox: &inbox{}, own: map[string]*site{}, addresses: map[string]string{}, shards: &targets{}, vanished: &targets{}, other: &otherProgram{}}
	prometheus := program(t, "PROMETHEUS", "prometheus")
	alertmanager := program(t, "ALERTMANAGER", "prometheus-alertmanager", "alertmanager")
	w.binary = filepath.Join(w.dir, "icws_exporter")
	if out, err := exec.Command("go", "build", "-o", w.binary, "icws_exporter").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	for _, i := range incidents {
		for _, transport := range i.transports() {
			w.sites = append(w.sites, newSite(t, w.dir, i, transport))
		}
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
	for _, i := range exporterIncidents {
		w.writeOwn(t, i.name, 64)
	}
	w.writeOwn(t, "configuration-refused", 2)
	w.killed = w.exporter(t, "icws-exporter-killed", "exporter-killed.yaml")
	w.refused = w.exporter(t, "icws-configuration-refused", "configuration-refused.yaml")
	w.exporter(t, "icws-shard-not-started", "shard-not-started.yaml", "--shard.total=2", "--shard.ordinal=0")
	w.shards.set(w.addresses["icws-shard-not-started"])
	w.exporter(t, "icws-target-vanished", "target-vanished.yaml")
	w.vanished.set(w.addresses["icws-target-vanished"])
	w.writeVanishing(t, true)
	w.vanishing = w.exporter(t, "icws-server-vanished", "server-vanished.yaml")
	w.crashing = w.exporter(t, "icws-crash-loop", "crash-loop.yaml")
	other := httptest.NewServer(w.other)
	t.Cleanup(other.Close)
	w.addresses["icws-other-program"] = other.Listener.Addr().String()
}

// writeVanishing writes a configuration with one server more, or without it.
func (w *world) writeVanishing(t *testing.T, more bool) {
	t.Helper()
	w.writeOwn(t, "server-vanished", 64)
	if !more {
		return
	}
	if w.own["second"] == nil {
		w.own["second"] = newSite(t, w.dir, incident{name: "second"}, "sse")
	}
	text := fmt.Sprintf(defaults, 64) + w.own["server-vanished"].configuration(false) + w.own["second"].configuration(false)
	writeFile(t, filepath.Join(w.dir, "server-vanished.yaml"), text)
}

// writeOwn writes the configuration of an exporter with a server of its own.
func (w *world) writeOwn(t *testing.T, name string, groups int) {
	t.Helper()
	if w.own[name] == nil {
		w.own[name] = newSite(t, w.dir, incident{name: name}, "sse")
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
		"http://pager.example.com/icws", hook.URL, "http://tickets.example.com/icws", hook.URL, "http://dead-mans-switch.example.com/icws", hook.URL,
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
		rules := build.Shorten(text(t, file), times, 5*time.Second, longest)
		// A heart beats as slowly as in real time. That many servers fail at once is
		// another matter than each of them.
		rules = strings.ReplaceAll(rules, "icws_probe_heartbeat_timestamp_seconds[20s]", "icws_probe_heartbeat_timestamp_seconds[60s]")
		changed, err := build.Overrides{Thresholds: map[string]string{"fleet_count": "1000"}}.Apply(allRulesText(t, file, rules)...)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(w.dir, file), changed[slices.Index(RuleFiles, file)])
	}
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [icws.*.rules]\n" +
		"alerting: {alertmanagers: [{static_configs: [{targets: ['" + w.addresses["alertmanager"] + "']}]}]}\nscrape_configs:\n"
	config = strings.Replace(config, "icws.*.rules", strings.Join(RuleFiles, ", "), 1)
	for _, job := range slices.Sorted(maps.Keys(w.addresses)) {
		switch job {
		case "alertmanager":
		case "icws-shard-not-started", "icws-target-vanished":
			discovered := w.shards
			if job == "icws-target-vanished" {
				discovered = w.vanished
			}
			discovery := httptest.NewServer(discovered)
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

// allRulesText are the texts of all rule files, one of them changed.
func allRulesText(t *testing.T, changed, as string) (texts []string) {
	t.Helper()
	for _, file := range RuleFiles {
		if file == changed {
			texts = append(texts, as)
		} else {
			texts = append(texts, text(t, file))
		}
	}
	return texts
}

// What goes wrong is delivered as exactly the alerts of docs/incidents.md, and they end
// when it is over; where nothing is wrong, nothing fires for an hour, in short time.
func TestIncidents(t *testing.T) {
	w := newWorld(t)
	time.Sleep(warmUp)
	if up := query(t, w.prometheus, `icws_up{job="icws"} == 1`); len(up) != len(w.sites)+1 /* site-agrees */ {
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
	w.began = time.Now()
	w.killed.end(syscall.SIGKILL)
	w.vanished.set()
	w.writeVanishing(t, false)
	_ = w.vanishing.Process.Signal(syscall.SIGHUP)
	writeFile(t, filepath.Join(w.dir, "configuration-refused.yaml"), "servers: [{name: ]")
	_ = w.refused.Process.Signal(syscall.SIGHUP)
	w.other.set(true)
	began := time.Now()
	for second := range int(lasting / time.Second) {
		if second%12 == 6 && second < 60 {
			w.crashing.end(syscall.SIGTERM)
			w.crashing = w.exporter(t, "icws-crash-loop", "crash-loop.yaml")
		}
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
	w.ended = time.Now()
	for _, s := range w.sites {
		if s.end != nil {
			s.end(s)
		}
	}
	w.vanished.set(w.addresses["icws-target-vanished"])
	w.writeVanishing(t, true)
	_ = w.vanishing.Process.Signal(syscall.SIGHUP)
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
			server = "steady-sse"
		}
		if job := labels["job"]; w.addresses[job] != "" && name != "IcwsNotWatched" {
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
	if wrong := w.inbox.neverSent(); len(wrong) > 0 {
		t.Errorf("resolved, and never sent: %v", wrong)
	}
	delivered, _ := w.inbox.of()
	fired := firing(t, w.prometheus, false)
	seen := map[string]incident{}
	for _, s := range w.sites {
		seen[s.label] = s.incident
	}
	for _, i := range exporterIncidents {
		seen[i.name] = i
	}
	for label, i := range seen {
		muted := maps.Clone(fired[label])
		maps.DeleteFunc(muted, func(alert string, _ bool) bool { return delivered[label][alert] || slices.Contains(i.may, alert) })
		got := maps.Clone(delivered[label])
		maps.DeleteFunc(got, func(alert string, _ bool) bool { return slices.Contains(i.may, alert) })
		for what, sets := range map[string][2][]string{
			"delivered": {slices.Sorted(maps.Keys(got)), i.delivered},
			"muted":     {slices.Sorted(maps.Keys(muted)), i.muted},
		} {
			if !slices.Equal(sets[0], slices.Sorted(slices.Values(sets[1]))) {
				t.Errorf("%s: %s are %v, want %v; its log:\n%s", label, what, sets[0], sets[1], w.main.logOf(label))
			}
		}
		delete(delivered, label)
		delete(fired, label)
	}
	delete(fired, "")
	// The exporter logs errors about the servers that need a person, and one server of
	// a site goes with the incident.
	for _, of := range []string{"icws", "site-agrees"} {
		delete(delivered, of)
		delete(fired, of)
	}
	if len(delivered) > 0 || len(fired) > 0 {
		t.Errorf("alerts of no incident: delivered %v, fired %v", delivered, fired)
	}
	w.document(t)
}

// inTime is how long a page may take, in the time of the rules; the machine of the
// test gets as much again for what is not made faster with the rules.
const inTime = 6 * time.Minute

// minutes is how long a page took, or its end, in the time of the rules.
func (w *world) minutes(t *testing.T, label string, i incident) string {
	t.Helper()
	var parts []string
	for _, alert := range i.delivered {
		if !strings.HasSuffix(alert, " critical") || i.begin == nil && strings.Contains(label, "-soon") {
			continue
		}
		page := w.inbox.first(label, alert, "firing").Sub(w.began) * times
		end := w.inbox.first(label, alert, "resolved").Sub(w.ended) * times
		slow := strings.Contains(label, "vanished") || label == "flapping-sse" || label == "flapping-poll" || strings.HasPrefix(label, "shard-")
		if !slow && (page > 2*inTime || end > 2*inTime) {
			t.Errorf("%s: %s was delivered after %s and resolved after %s", label, alert, page, end)
		}
		parts = append(parts, fmt.Sprintf("%.0f, %.0f", page.Minutes(), max(0, end.Minutes())))
	}
	return list(parts, "–")
}

// document compares docs/incidents.md with what was seen, all but the minutes, which
// differ from run to run, or writes it.
func (w *world) document(t *testing.T) {
	t.Helper()
	const file = "../docs/incidents.md"
	document := w.incidentsDocument(t)
	if *update && !t.Failed() {
		if err := os.WriteFile(file, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil || withoutMinutes(string(content)) != withoutMinutes(document) {
		t.Errorf("%s is not what was seen (%v); write it with -update. Seen:\n%s", file, err, document)
	}
}

// withoutMinutes removes the last column of tables.
func withoutMinutes(text string) string {
	return regexp.MustCompile(`(?m)\| [^|]* \|$`).ReplaceAllString(text, "")
}

func (w *world) incidentsDocument(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `# Incidents and their alerts

Written by TestIncidents: a real Prometheus with these rules, %d times faster, scrapes exporters that watch simulated
servers, and a real Alertmanager with the configuration of the example delivers to a webhook. Each incident must bring
about exactly these alerts, with the event stream and with polling, and each must end when the incident is over. Nothing
may be resolved that was never sent.

A page is critical, a ticket is not. Muted alerts fire as well; the inhibition keeps them from being delivered. The last
column has the minutes from the fault to the page, and from the end of the fault to the end of the page, as measured; a
page that takes its time to be sure, of something that vanished or of many short outages, takes longer than 6.
A probe that hangs (IcwsNotWatched) cannot be provoked from outside.

| incident | what goes wrong | page | ticket | muted | minutes |
|---|---|---|---|---|---|
`, times)
	row := func(label string, i incident) {
		var pages, tickets []string
		for _, alert := range i.delivered {
			name, severity, _ := strings.Cut(alert, " ")
			if severity == "critical" {
				pages = append(pages, name)
			} else {
				tickets = append(tickets, name)
			}
		}
		for _, alert := range i.may {
			name, _, _ := strings.Cut(alert, " ")
			tickets = append(tickets, "perhaps "+name)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", label, i.what, list(pages, "–"), list(tickets, "–"), list(i.muted, "–"), w.minutes(t, label, i))
	}
	for _, s := range w.sites {
		row(s.label, s.incident)
	}
	for _, i := range exporterIncidents {
		row(i.name, i)
	}
	return b.String()
}

func list(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}
