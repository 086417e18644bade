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
)

// process is a program that runs until the test ends.
type process struct {
	*exec.Cmd
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
	p := &process{Cmd: command}
	p.Stdout, p.Stderr = p, p
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = p.Wait()
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("%q wrote at the end:\n%s", command.Args, p.written()[max(0, len(p.written())-500):])
		}
	})
	return p
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

// The alert stands for those of alerts/, which take minutes to fire.
const prometheusRules = `groups:
  - name: icws
    rules:
      - {alert: IcwsServerDown, expr: icws_up == 0, labels: {severity: critical, service: icws}}
`

const prometheusConfig = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: icws
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs: [{targets: ['%s']}]
`

// startPrometheus starts the program that PROMETHEUS names, or prometheus of PATH.
func startPrometheus(t *testing.T, targets []string) prometheus {
	t.Helper()
	binary := os.Getenv("PROMETHEUS")
	if binary == "" {
		binary = "prometheus"
	}
	if _, err := exec.LookPath(binary); err != nil {
		t.Fatalf("this test needs Prometheus, in PATH or in the variable PROMETHEUS: %v", err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"rules.yaml":      prometheusRules,
		"prometheus.yaml": fmt.Sprintf(prometheusConfig, strings.Join(targets, "', '")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
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

// labelValues runs the query of a variable.
func (p prometheus) labelValues(t *testing.T, query string) []string {
	t.Helper()
	call := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(query)
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
