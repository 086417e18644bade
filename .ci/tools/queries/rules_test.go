package queries

import (
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"icws_exporter/alerts"
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
