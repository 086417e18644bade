package incidents

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"icws_exporter/alerts"
)

// ruleFiles are the shipped ones.
var ruleFiles = func() (files []string) {
	for _, name := range alerts.RuleFiles {
		files = append(files, filepath.Join("..", name))
	}
	return files
}()

const (
	warmUp   = 20 * time.Minute
	patience = 4 * time.Hour // for the alerts to end
	after    = 10 * time.Minute
)

// world is what runs for one incident: simulated servers, exporters that watch them,
// and what a Prometheus and an Alertmanager consist of. Its time is that of a bubble.
type world struct {
	t          *testing.T
	n          *network
	dir        string
	sites      []*site
	exporters  []*process
	monitor    *monitor
	dispatcher *dispatcher

	began, ended time.Time // the incident
	release      func()    // the log that hangs
}

// job is the job of the exporters.
const job = "icws"

func newWorld(t *testing.T, i incident) *world {
	t.Helper()
	w := &world{t: t, n: newNetwork(), dir: t.TempDir()}
	names := i.servers
	if names == nil {
		names = []string{i.name}
	}
	for _, name := range names {
		for _, transport := range i.transports() {
			w.sites = append(w.sites, newSite(t, w.n, w.dir, i, name, transport))
		}
	}
	for ordinal := range max(1, i.shards, i.replicas) {
		p := newProcess(w.n, w.dir, fmt.Sprintf("exporter-%d.example.com:10018", ordinal))
		if i.shards > 1 {
			p.shard.Ordinal, p.shard.Total = ordinal, i.shards
		}
		w.exporters = append(w.exporters, p)
		t.Cleanup(p.stop)
	}
	w.configure()
	for ordinal, p := range w.exporters {
		if ordinal >= i.notStarted {
			p.start(t)
		}
	}
	w.dispatcher = startDispatcher(t)
	w.monitor = startMonitor(t, filepath.Join(w.dir, "data"), w.n, w.dispatcher, i.takesZeros)
	protocols := "[OpenMetricsText1.0.0, PrometheusText0.0.4]"
	if i.takesZeros {
		protocols = "[PrometheusProto]"
	}
	w.monitor.watch(t, []string{job}, protocols)
	w.discover(w.exporters[i.notStarted:]...)
	return w
}

// configure writes the configuration of all exporters.
func (w *world) configure() {
	text := "servers:\n"
	for _, s := range w.sites {
		text += s.configuration()
	}
	if !strings.Contains(text, "name:") {
		text = "servers: []\n"
	}
	for _, p := range w.exporters {
		p.configure(w.t, text)
	}
}

// reload has all exporters read what configure wrote.
func (w *world) reload() {
	for _, p := range w.exporters {
		p.reload(w.t)
	}
}

// discover has service discovery find these exporters.
func (w *world) discover(found ...*process) {
	addresses := []string{}
	for _, p := range found {
		addresses = append(addresses, p.address)
	}
	w.monitor.discover(map[string][]string{job: addresses})
}

// alertsBy are names of alerts with their severity, by the server that they are about;
// those of an exporter are under "".
type alertsBy map[string]map[string]bool

func (a alertsBy) add(labels map[string]string) {
	if labels["severity"] == "none" {
		return
	}
	if a[labels["server"]] == nil {
		a[labels["server"]] = map[string]bool{}
	}
	a[labels["server"]][describe(labels)] = true
}

func (a alertsBy) String() string {
	var all []string
	for server, names := range a {
		for name := range names {
			all = append(all, strings.TrimSpace(server+" "+name))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func describe(labels map[string]string) string {
	text := labels["alertname"] + " " + labels["severity"]
	if detail := labels["why"] + labels["what"] + labels["scope"] + labels["kind"] + labels["window"]; detail != "" && detail != "server" {
		text += " " + detail
	}
	return text
}

// firing are the alerts that fire, or that ever did.
func (w *world) firing(ever bool) alertsBy {
	expr := `ALERTS{alertstate="firing"}`
	if ever {
		expr = "max_over_time(" + expr + "[1d])"
	}
	found := alertsBy{}
	for _, labels := range w.monitor.query(w.t, expr) {
		found.add(labels)
	}
	return found
}

// delivered are the alerts that were delivered, and those whose end was not.
func (w *world) delivered() (all, open alertsBy) {
	all = alertsBy{}
	last := map[string]delivery{}
	for _, d := range w.dispatcher.inbox.all() {
		all.add(d.labels)
		last[fmt.Sprint(d.labels)] = d
	}
	open = alertsBy{}
	for d := range maps.Values(last) {
		if !d.resolved {
			open.add(d.labels)
		}
	}
	return all, open
}

// happen has the incident take its course, and end.
func (w *world) happen(i incident) {
	time.Sleep(warmUp)
	if early := w.firing(true); len(early) > 0 && !i.fromTheStart {
		w.t.Errorf("fired before the incident: %v", early)
	}
	w.began = time.Now()
	lasting := cmp.Or(i.lasting, 20*time.Minute)
	for passed := time.Duration(0); passed < lasting; passed += cmp.Or(i.every, lasting) {
		time.Sleep(time.Until(w.began.Add(passed)))
		for _, s := range w.sites {
			if i.begin != nil {
				i.begin(s)
			}
		}
		if i.happen != nil {
			i.happen(w)
		}
	}
	time.Sleep(time.Until(w.began.Add(lasting)))
	w.followThoseThatFire(i)
	w.ended = time.Now()
	for _, s := range w.sites {
		if i.end != nil {
			i.end(s)
		}
	}
	if i.over != nil {
		i.over(w)
	}
	if i.endless {
		return
	}
	quiet := time.Now()
	for time.Since(quiet) < after {
		time.Sleep(interval)
		if _, open := w.delivered(); len(open) > 0 || len(w.firing(false)) > 0 {
			quiet = time.Now()
			if time.Since(w.ended) > patience {
				w.t.Errorf("still there: firing %v; delivered without its end %v", w.firing(false), open)
				return
			}
		}
	}
}
