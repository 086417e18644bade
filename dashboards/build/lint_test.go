package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules of Grafana's dashboard linter (grafana/dashboard-linter), under their
// names, on the committed files, without any exclusion.

// linted is what the linter reads of a dashboard.
type linted struct {
	Title      string
	Editable   bool
	Templating struct{ List []lintedVariable }
	Panels     []lintedPanel
}

type lintedVariable struct {
	Name, Label, Type, AllValue string
	Multi                       bool
	Refresh                     int
	Query                       any
	Datasource                  struct{ Type, UID string }
}

// query is the text of a query variable.
func (v lintedVariable) query() string {
	if text, ok := v.Query.(string); ok {
		return text
	}
	return v.Query.(map[string]any)["query"].(string)
}

type lintedPanel struct {
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	Targets                  []struct {
		Datasource         struct{ Type, UID string }
		Expr, LegendFormat string
	}
	FieldConfig struct {
		Defaults struct {
			Unit     string
			Mappings []any
		}
	}
}

func readLinted(t *testing.T) []linted {
	t.Helper()
	var all []linted
	for _, uid := range []string{uidOverview, uidServer, uidCatalogue, uidExporter} {
		text, err := os.ReadFile("../" + uid + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var d linted
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// linterRules return what is wrong with a dashboard; nothing when it keeps the rule.
var linterRules = map[string]func(linted) []string{
	"template-datasource-rule": func(d linted) []string {
		var wrong []string
		found := 0
		for _, v := range d.Templating.List {
			if v.Type == "datasource" {
				found++
				if v.Name != "datasource" || v.Label != "Data source" || v.query() != "prometheus" {
					wrong = append(wrong, fmt.Sprintf("data source variable %+v", v))
				}
			}
		}
		if found != 1 {
			wrong = append(wrong, fmt.Sprintf("%d data source variables", found))
		}
		return wrong
	},
	"template-job-rule":      func(d linted) []string { return templateRule(d, "job") },
	"template-instance-rule": func(d linted) []string { return templateRule(d, "instance") },
	"template-label-promql-rule": forVariables(func(v lintedVariable) string {
		call := regexp.MustCompile(`^label_values\((.+), ([a-z]+)\)$`).FindStringSubmatch(v.query())
		if call == nil {
			return "is not label_values(series, label)"
		}
		series, err := parsePromQL(call[1])
		if err != nil {
			return err.Error()
		}
		labels, err := series.result()
		if err != nil || !slices.Contains(labels, call[2]) {
			return fmt.Sprintf("has no label %s: %v", call[2], err)
		}
		return ""
	}),
	"template-on-time-change-reload-rule": forVariables(func(v lintedVariable) string {
		if v.Refresh != 2 {
			return "is not refreshed when the time range changes"
		}
		return ""
	}),
	"panel-datasource-rule": forPanels(func(p lintedPanel) string {
		if p.Datasource.UID != "${datasource}" {
			return "has the data source " + p.Datasource.UID
		}
		for _, t := range p.Targets {
			if t.Datasource.UID != "${datasource}" {
				return "has a query of the data source " + t.Datasource.UID
			}
		}
		return ""
	}),
	"panel-title-description-rule": forPanels(func(p lintedPanel) string {
		if p.Title == "" || len(p.Description) < 10 {
			return "has no title or no description"
		}
		return ""
	}),
	"panel-units-rule": forPanels(func(p lintedPanel) string {
		known := []string{"none", "percentunit", "s", "dateTimeFromNow", "bytes", "Bps", "reqps", "cpm", "hex", "d"}
		if !slices.Contains(known, p.FieldConfig.Defaults.Unit) {
			return "has the unit " + p.FieldConfig.Defaults.Unit
		}
		return ""
	}),
	"panel-no-targets-rule": forPanels(func(p lintedPanel) string {
		if len(p.Targets) == 0 {
			return "has no query"
		}
		return ""
	}),
	// All our queries go to Prometheus: the two rules about LogQL have nothing to
	// look at, as long as this holds.
	"target-logql-rule":      forPanels(onlyPrometheus),
	"target-logql-auto-rule": forPanels(onlyPrometheus),
	"target-promql-rule": forQueries(func(query string, _ *node, err error) string {
		if err != nil {
			return err.Error()
		}
		return ""
	}),
	"target-rate-interval-rule": forSeries(func(s *node, parents []*node) string {
		if s.window == "" || s.window == "$__rate_interval" {
			return ""
		}
		if f := parents[len(parents)-1].name; f == "rate" || f == "irate" {
			return "has a rate over " + s.window
		}
		return ""
	}),
	"target-job-rule":      forSeries(func(s *node, _ []*node) string { return lacks(s, "job") }),
	"target-instance-rule": forSeries(func(s *node, _ []*node) string { return lacks(s, "instance") }),
	"target-counter-agg-rule": forSeries(func(s *node, parents []*node) string {
		m, ok := metricNamed(s.name)
		if !ok {
			return "is no metric"
		}
		grows := len(parents) > 0 && slices.Contains([]string{"rate", "increase"}, parents[len(parents)-1].name)
		if m.isCounter() != grows {
			return "is a counter outside of rate and increase, or a gauge inside"
		}
		return ""
	}),
	"uneditable-dashboard": func(d linted) []string {
		if d.Editable {
			return []string{"is editable"}
		}
		return nil
	},
}

func templateRule(d linted, name string) []string {
	for _, v := range d.Templating.List {
		if v.Name != name {
			continue
		}
		label := strings.ToUpper(name[:1]) + name[1:]
		// The linter wants .+ of both; an alert about a server names no exporter.
		all := map[string]string{"job": ".+", "instance": ".*"}[name]
		if v.Datasource.UID != "${datasource}" || v.Type != "query" || v.Label != label || !v.Multi || v.AllValue != all {
			return []string{fmt.Sprintf("variable %+v", v)}
		}
		return nil
	}
	return []string{"no variable " + name}
}

func lacks(s *node, label string) string {
	if !slices.Contains(s.matchers, matcher{label, "=~", "$" + label}) {
		return fmt.Sprintf(`lacks %s=~"$%[1]s"`, label)
	}
	return ""
}

func onlyPrometheus(p lintedPanel) string {
	for _, t := range p.Targets {
		if t.Datasource.Type != "prometheus" {
			return "asks " + t.Datasource.Type
		}
	}
	return ""
}

func forVariables(rule func(lintedVariable) string) func(linted) []string {
	return func(d linted) []string {
		var wrong []string
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			if problem := rule(v); problem != "" {
				wrong = append(wrong, "$"+v.Name+" "+problem)
			}
		}
		return wrong
	}
}

func forPanels(rule func(lintedPanel) string) func(linted) []string {
	return func(d linted) []string {
		var wrong []string
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			if problem := rule(p); problem != "" {
				wrong = append(wrong, p.Title+" "+problem)
			}
		}
		return wrong
	}
}

func forQueries(rule func(query string, root *node, err error) string) func(linted) []string {
	return forPanels(func(p lintedPanel) string {
		for _, t := range p.Targets {
			root, err := parsePromQL(t.Expr)
			if problem := rule(t.Expr, root, err); problem != "" {
				return problem + ": " + t.Expr
			}
		}
		return ""
	})
}

func forSeries(rule func(s *node, parents []*node) string) func(linted) []string {
	return forQueries(func(_ string, root *node, err error) string {
		if err != nil {
			return err.Error()
		}
		var problem string
		root.walk(func(n *node, parents []*node) {
			if n.kind == "series" && problem == "" {
				if p := rule(n, parents); p != "" {
					problem = n.name + " " + p
				}
			}
		})
		return problem
	})
}

func TestDashboardsKeepTheRulesOfTheLinter(t *testing.T) {
	if len(linterRules) != 17 {
		t.Errorf("%d rules", len(linterRules))
	}
	for name, rule := range linterRules {
		for _, d := range readLinted(t) {
			for _, problem := range rule(d) {
				t.Errorf("%s: %s: %s", d.Title, name, problem)
			}
		}
	}
}
