package queries

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"

	"icws_exporter/alerts"
	"icws_exporter/exporter/collect"
)

// rule is one rule of a rule file.
type rule struct {
	Record, Alert, Expr string
	Annotations         map[string]string
}

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	for _, file := range alerts.RuleFiles {
		text, _ := alerts.Text(file)
		var content struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Load([]byte(text), &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range content.Groups {
			all = append(all, g.Rules...)
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d rules", len(all))
	}
	return all
}

// withRecorded are the exported metrics and the recorded ones, whose labels follow
// from their rules: in the order of the files, as Prometheus evaluates them.
func withRecorded(t *testing.T) metrics {
	t.Helper()
	known := exported()
	for _, r := range readRules(t) {
		if r.Record == "" {
			continue
		}
		e, err := parse(r.Expr)
		if err != nil {
			t.Fatalf("%s: %v", r.Record, err)
		}
		labels, err := known.result(e)
		if err != nil {
			t.Fatalf("%s: %v", r.Record, err)
		}
		known[r.Record] = metric{labels: labels}
	}
	return known
}

// ofTheExporter are the labels that a server has from the target by which it is
// watched. They change when it moves.
var ofTheExporter = []string{"instance", "pod", "container", "endpoint", "node", "service"}

// Rules bear a scrape every minute, a server that moves to another exporter, and the
// labels of a cluster.
func TestRulesKeepTheHouseRules(t *testing.T) {
	const shortest, longest = 4 * time.Minute, time.Hour // of what is scraped; recorded parts make up what is longer
	for _, r := range readRules(t) {
		e, err := parse(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		where := r.Alert + r.Record
		parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
			switch n := n.(type) {
			case *parser.MatrixSelector:
				if n.Range < shortest {
					t.Errorf("%s: a range of %s is too short for a scrape every minute", where, n.Range)
				}
				if name := n.VectorSelector.(*parser.VectorSelector).Name; n.Range > longest && !strings.Contains(name, ":") {
					t.Errorf("%s: a range of %s of %s is too long: record its parts", where, n.Range, name)
				}
			case *parser.SubqueryExpr:
				if n.Range < shortest {
					t.Errorf("%s: a range of %s is too short for a scrape every minute", where, n.Range)
				}
			case *parser.AggregateExpr:
				if len(n.Grouping) > 0 && !n.Without {
					t.Errorf("%s: by %v loses the labels of a cluster; use without", where, n.Grouping)
				}
				for _, label := range ofTheExporter {
					if slices.Contains(n.Grouping, "instance") && !slices.Contains(n.Grouping, label) {
						t.Errorf("%s: without %v keeps %s, which changes when a server moves", where, n.Grouping, label)
					}
				}
				if slices.Contains(n.Grouping, "job") {
					t.Errorf("%s: loses the label job", where)
				}
			case *parser.BinaryExpr:
				if m := n.VectorMatching; m != nil && (m.On && r.Record != "job_server:icws_unavailable:avg5m" || slices.Contains(m.MatchingLabels, "job")) {
					t.Errorf("%s: on %v loses the labels of a cluster; use ignoring", where, m.MatchingLabels)
				}
			}
			return nil
		})
	}
}

// The series of the unit tests of the rules are ones that there are.
func TestUnitTestsUseWhatExists(t *testing.T) {
	files, err := filepath.Glob("../../../alerts/tests/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	known := withRecorded(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Tests []struct {
				InputSeries []struct{ Series string } `yaml:"input_series"`
			}
		}
		if err := yaml.Load(text, &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range content.Tests {
			for _, s := range test.InputSeries {
				e, err := parse(s.Series)
				if err != nil {
					t.Errorf("%s: %v", file, err)
					continue
				}
				selector := e.(*parser.VectorSelector)
				if m, ok := known[selector.Name]; !ok {
					t.Errorf("%s: no metric is named %s", file, selector.Name)
				} else if m.ours {
					m.labels = slices.Concat(m.labels, ofTheExporter, []string{"cluster"})
					for _, with := range selector.LabelMatchers {
						if err := m.accepts(selector.Name, with); with.Name != labels.MetricName && err != nil {
							t.Errorf("%s: %v", file, err)
						}
					}
				}
			}
		}
	}
}

// Every metric, label and label value of a rule and of a query of its runbook exists,
// and counters are only read for their growth.
func TestRulesReferToWhatExists(t *testing.T) {
	known := withRecorded(t)
	check := func(where, text string) {
		e, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			return
		}
		if _, err := known.result(e); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		for _, s := range selections(e) {
			if problem := known.misread(s); problem != "" {
				t.Errorf("%s: %s", where, problem)
			}
		}
	}
	queriesOf := 0
	for _, r := range readRules(t) {
		check(r.Alert+r.Record, r.Expr)
		for _, annotation := range r.Annotations {
			for _, m := range regexp.MustCompile("printf `([^`]*{[^`]*)`").FindAllStringSubmatch(annotation, -1) {
				check(r.Alert, strings.ReplaceAll(m[1], "%q", `"x"`))
			}
		}
	}
	for _, name := range alerts.Runbooks() {
		text, _ := alerts.Runbook(name)
		for _, query := range alerts.Queries(text) {
			queriesOf++
			check("the runbook of "+name, query)
		}
	}
	if queriesOf < 10 {
		t.Errorf("only %d queries in the runbooks", queriesOf)
	}
}

// beginLater are label values whose series begin with their first event, which increase() does not see, with
// the reason why that does no harm.
var beginLater = map[string]string{
	"unsubscribe": "two requests of it in a session", "stream": "once the transport is known",
	"switchover_status": "it is asked for once a minute at most: what fails fails again, and a 410 has its gauge",
	"403":               "a right or a proxy that refuses goes on refusing", "404": "as 403", "501": "as 403", "5xx": "as 403",
	"dns": "only in full detail", "refused": "only in full detail", "reset": "only in full detail", "tls": "only in full detail",
	"too_large": "only in full detail", "decode": "only in full detail", "other": "only in full detail",
}

// Whatever a rule counts is there at 0 before it happens.
func TestWhatRulesCountStartsAtZero(t *testing.T) {
	var there []labels.Labels
	set := collect.New(collect.Options{})
	set.Add("chicago", "us")
	set.Render(collect.Text, false, func(page []byte) {
		for line := range strings.Lines(string(page)) {
			series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if ls, err := parser.NewParser(parser.Options{}).ParseMetric(series); err == nil && value == "0" {
				there = append(there, ls)
			}
		}
	})
	known, counted := exported(), 0
	for _, r := range readRules(t) {
		e, err := parse(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range selections(e) {
			if m := known[s.Name]; !m.counter || !m.ours || !strings.HasSuffix(s.Name, "_total") {
				continue
			}
			for _, want := range known[s.Name].named(s.LabelMatchers) {
				counted++
				if !slices.ContainsFunc(there, func(ls labels.Labels) bool {
					return !slices.ContainsFunc(want, func(m *labels.Matcher) bool { return !m.Matches(ls.Get(m.Name)) })
				}) {
					t.Errorf("%s%s counts %v, which is not there before it happens", r.Alert, r.Record, want)
				}
			}
		}
	}
	if counted < 100 {
		t.Errorf("only %d series are counted", counted)
	}
}

// named are the combinations of label values that matchers name, of which none begins later.
func (m metric) named(matchers []*labels.Matcher) [][]*labels.Matcher {
	all := [][]*labels.Matcher{nil}
	for _, with := range matchers {
		values := []string{with.Value}
		if m.values[with.Name] != nil {
			values = slices.DeleteFunc(slices.Clone(m.values[with.Name]), func(v string) bool { return !with.Matches(v) || beginLater[v] != "" })
		}
		var more [][]*labels.Matcher
		for _, one := range all {
			for _, v := range values {
				more = append(more, append(slices.Clone(one), labels.MustNewMatcher(labels.MatchEqual, with.Name, v)))
			}
		}
		all = more
	}
	return all
}

// A recorded series that nothing reads costs for nothing.
func TestRecordedSeriesAreRead(t *testing.T) {
	read := map[string]bool{}
	for _, r := range readRules(t) {
		e, err := parse(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range selections(e) {
			read[s.Name] = true
		}
	}
	for _, d := range readDashboards(t) {
		for _, q := range queries(t, d) {
			for _, s := range selections(q.Expr) {
				read[s.Name] = true
			}
		}
	}
	for _, r := range readRules(t) {
		offered := strings.HasSuffix(r.Record, "left30d") // for the dashboards of others
		if r.Record != "" && !read[r.Record] && !offered {
			t.Errorf("nothing reads %s", r.Record)
		}
	}
}
