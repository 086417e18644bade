//go:build e2e

package main

import (
	"encoding/pem"
	"fmt"
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

// TestEveryQueryReturnsData has a real Prometheus scrape exporters that live through
// every incident of the demo, each in a process of its own, and runs every query
// there as Grafana would. The calm one has the intervals and the patience of every
// configuration, so that a busy machine is no incident. In calm, exactly the queries that say so return nothing;
// the incidents then make each of them return something.
func TestEveryQueryReturnsData(t *testing.T) {
	deadline := time.Now().Add(patience)
	binary := buildExporter(t)
	calm := startDemo(t, binary)
	targets := []string{calm}
	for _, incident := range incidents(t, binary) {
		targets = append(targets, startDemo(t, binary, "--scenario="+incident))
	}
	secure, address := startServe(t, binary)
	targets = append(targets, address)
	prometheus := startPrometheus(t, targets)

	everything := choice{"job": all1, "instance": all1, "server": {".*"}, "group": all1}
	for _, d := range all() {
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				prometheus.eventually(t, deadline, "values of $"+v.Name, func() bool {
					return len(prometheus.labelValues(t, everything.into(v.Definition))) > 0
				})
			}
		}
	}
	// Enough scrapes for every rate.
	prometheus.eventually(t, deadline, "a calm half minute", func() bool {
		return prometheus.returns(t, choice{}.into(`count_over_time(icws_up{instance="`+calm+`"}[1m]) > 30`), false)
	})
	chosen := choice{
		"job": {"icws"}, "instance": {calm}, "server": {"chicago", "lab"},
		"group": prometheus.labelValues(t, `label_values(icws_statuses{instance="`+calm+`"}, group)`),
	}
	if len(chosen["group"]) < 2 {
		t.Fatalf("groups: %v", chosen["group"])
	}
	waiting, always := map[string]query{}, map[string]query{}
	for _, d := range all() {
		for _, q := range queries(d) {
			waiting[q.where] = q
			if q.quiet == "" {
				always[q.where] = q
			}
		}
	}
	prometheus.wantAll(t, deadline, chosen, always) // within a minute: then delivery is checked
	for _, q := range waiting {
		if q.quiet != "" && prometheus.runs(t, chosen, q) {
			t.Errorf("%s returns something in calm, although %q: %s", q.where, q.quiet, chosen.into(string(q.Expr)))
		}
	}
	// Two things that the demo does not have.
	secure.Send(`{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":true,"statusMessagesRemoved":["nobody"]}`)
	secure.Inject(icwssim.Fault{Operation: icwssim.OpSubscribe, Drop: true})
	for where := range unprovoked {
		if _, ok := waiting[where]; !ok {
			t.Errorf("there is no query %q", where)
		}
		delete(waiting, where)
	}
	prometheus.wantAll(t, deadline, everything, waiting)
}

// wantAll wants each of the queries to return something before the deadline.
func (p prometheus) wantAll(t *testing.T, deadline time.Time, c choice, waiting map[string]query) {
	t.Helper()
	for len(waiting) > 0 {
		for where, q := range waiting {
			if p.runs(t, c, q) {
				p.wantLegends(t, c, q)
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
	return strings.Split(names[1], ", ")
}

// startDemo starts a demo and returns its address.
func startDemo(t *testing.T, binary string, flags ...string) string {
	t.Helper()
	p := startProcess(t, exec.Command(binary, append([]string{"demo", "--web.listen-address=127.0.0.1:0"}, flags...)...))
	return p.find(t, `Open +http://(127\.0\.0\.1:\d+)/`)
}

// startServe starts an exporter that watches a server over TLS whose password
// expires, and has it refuse a configuration. It returns the server and the address
// of the exporter.
func startServe(t *testing.T, binary string) (*icwssim.Server, string) {
	t.Helper()
	days := 5
	sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: "demo", DaysUntilPasswordExpiration: &days})
	server := httptest.NewTLSServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	dir := t.TempDir()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := fmt.Sprintf("servers:\n  - {name: secure, check_interval: 10s, delivery_timeout: 3s, site: us, url: '%s', user: svc-prom, password_env: PW, "+
		"http: {tls_config: {ca_file: ca.pem}}}\n", server.URL)
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
	replaced := []string{"$__rate_interval", "4s", "$__range", "120s", "$__interval", "1s"}
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
