//go:build e2e

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"icws_exporter/alerts"
	"icws_exporter/alerts/build"
)

// process is a program that runs until the test ends.
type process struct {
	*exec.Cmd
	exited chan struct{}
	mu     sync.Mutex
	output bytes.Buffer
}

// Write collects what the program says.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(text)
}

func startProcess(t *testing.T, command *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: command, exited: make(chan struct{})}
	p.Stdout, p.Stderr = p, p
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.Wait()
	}()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("%q wrote at the end:\n%s", command.Args, p.written()[max(0, len(p.written())-500):])
		}
	})
	return p
}

// end kills the program, unless it has ended, and waits for its end.
func (p *process) end() {
	_ = p.Process.Kill()
	<-p.exited
}

// written is what the program wrote.
func (p *process) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// find waits for output that matches and returns the first group.
func (p *process) find(t *testing.T, pattern string) string {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if match := expression.FindStringSubmatch(p.written()); match != nil {
			return match[1]
		}
	}
	t.Fatalf("%q never wrote %s:\n%s", p.Args, pattern, p.written())
	return ""
}

type prometheus struct{ url string }

// startPrometheus starts the program that PROMETHEUS names, or prometheus of PATH,
// with the rules of alerts/ in short time. The targets are by job.
func startPrometheus(t *testing.T, classic bool, targets map[string][]string) prometheus {
	t.Helper()
	binary := os.Getenv("PROMETHEUS")
	if binary == "" {
		binary = "prometheus"
	}
	if _, err := exec.LookPath(binary); err != nil {
		t.Fatalf("this test needs Prometheus, in PATH or in the variable PROMETHEUS: %v", err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ['*.rules.yaml']\nscrape_configs:\n"
	for job, of := range targets {
		config += fmt.Sprintf("  - {job_name: %s, scrape_native_histograms: true, always_scrape_classic_histograms: %t, static_configs: [{targets: ['%s']}]}\n",
			job, classic, strings.Join(of, "', '"))
	}
	write("prometheus.yaml", config)
	for i, file := range alerts.RuleFiles {
		text, _ := alerts.Text(file)
		// A heart beats as slowly as in real time.
		write(fmt.Sprintf("%d.rules.yaml", i), strings.ReplaceAll(build.Shorten(text, 15, 5*time.Second),
			"icws_probe_heartbeat_timestamp_seconds[20s]", "icws_probe_heartbeat_timestamp_seconds[60s]"))
	}
	p := startProcess(t, exec.Command(binary, "--config.file="+filepath.Join(dir, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0"))
	address := p.find(t, `Listening on.*?(127\.0\.0\.1:\d+)`)
	p.find(t, `(Server is ready to receive web requests)`)
	return prometheus{"http://" + address}
}

// get asks the API. An error of a query ends the test.
func (p prometheus) get(t *testing.T, path string, parameters url.Values, data any) {
	t.Helper()
	response, err := http.PostForm(p.url+"/api/v1/"+path, parameters)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s %v: %v %s", path, parameters, err, answer.Error)
	}
}

// values runs the query of a variable, and returns what it offers in its order.
func (p prometheus) values(t *testing.T, query string) []string {
	t.Helper()
	if call := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(query); call != nil {
		response, err := http.Get(p.url + "/api/v1/label/" + call[2] + "/values?match[]=" + url.QueryEscape(call[1]))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer struct {
			Error string
			Data  []string
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Error != "" {
			t.Fatalf("%s: %v %s", query, err, answer.Error)
		}
		return answer.Data
	}
	var offered []string
	for _, s := range p.asks(t, strings.TrimSuffix(strings.TrimPrefix(query, "query_result("), ")"), false) {
		offered = append(offered, s.Metric["server"]+s.Metric["url"])
	}
	return offered
}

// runs runs a query as its panel does and reports whether it returned a number. The
// two halves of a quantile, of classic and of native histograms, both have to.
func (p prometheus) runs(t *testing.T, c choice, q query) bool {
	t.Helper()
	for _, part := range strings.Split(string(q.Expr), " or histogram_quantile") {
		if !strings.HasPrefix(part, "histogram_quantile") && strings.HasPrefix(part, "(") && part != string(q.Expr) {
			part = "histogram_quantile" + part
		}
		if !p.returns(t, c.into(part), !q.Instant) {
			return false
		}
	}
	return true
}

// found is one series of a result.
type found struct {
	Metric map[string]string
	Value  []any
	Values [][]any
}

// number is the value now.
func (f found) number() float64 {
	if len(f.Value) != 2 {
		return math.NaN()
	}
	v, _ := strconv.ParseFloat(f.Value[1].(string), 64)
	return v
}

// asks runs a query over the last two minutes, or now.
func (p prometheus) asks(t *testing.T, text string, overTime bool) []found {
	t.Helper()
	end := time.Now()
	path, parameters := "query", url.Values{"query": {text}, "time": {unix(end)}}
	if overTime {
		path = "query_range"
		parameters = url.Values{"query": {text}, "start": {unix(end.Add(-2 * time.Minute))}, "end": {unix(end)}, "step": {"1"}}
	}
	var data struct{ Result []found }
	p.get(t, path, parameters, &data)
	return data.Result
}

// returns reports whether a query returns a number.
func (p prometheus) returns(t *testing.T, text string, overTime bool) bool {
	t.Helper()
	for _, series := range p.asks(t, text, overTime) {
		for _, sample := range append(series.Values, series.Value) {
			if len(sample) == 2 {
				if v, err := strconv.ParseFloat(sample[1].(string), 64); err == nil && !math.IsNaN(v) {
					return true
				}
			}
		}
	}
	return false
}

// wantLegends wants the series of a graph to be told apart by their legend.
func (p prometheus) wantLegends(t *testing.T, c choice, q query) {
	t.Helper()
	if q.Format != "time_series" {
		return
	}
	seen := map[string]bool{}
	for _, series := range p.asks(t, c.into(string(q.Expr)), !q.Instant) {
		legend := placeholder.ReplaceAllStringFunc(q.LegendFormat, func(name string) string {
			return series.Metric[strings.Trim(name, "{}")]
		})
		if seen[legend] {
			t.Errorf("%s has two series with the legend %q", q.where, legend)
		}
		seen[legend] = true
	}
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// eventually polls until the condition holds.
func (p prometheus) eventually(t *testing.T, deadline time.Time, what string, holds func() bool) {
	t.Helper()
	for ; !holds(); time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}
