package queries

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

// The rules of Grafana's dashboard linter (grafana/dashboard-linter), under their
// names, on the committed files, without any exclusion.

// linterRules return what is wrong with a dashboard; nothing when it keeps the rule.
var linterRules = map[string]func(dashboard) []string{
	"template-datasource-rule": func(d dashboard) []string {
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
	"template-job-rule":      func(d dashboard) []string { return templateRule(d, "job") },
	"template-instance-rule": func(d dashboard) []string { return templateRule(d, "instance") },
	"template-label-promql-rule": forVariables(func(v variable) string {
		call := regexp.MustCompile(`^(?:label_values\((.+), ([a-z]+)\)|query_result\((.+)\))$`).FindStringSubmatch(v.query())
		if call == nil {
			return "is neither label_values(series, label) nor query_result(query)"
		}
		label := call[2]
		if label == "" { // the result is a text, in which the expression finds a label
			label = regexp.MustCompile(`^/(\w+)="`).FindStringSubmatch(v.Regex)[1]
		}
		e, err := parse(call[1] + call[3])
		if err != nil {
			return err.Error()
		}
		if labels, err := exported().result(e); err != nil || !slices.Contains(labels, label) {
			return fmt.Sprintf("has no label %s of %v: %v", label, labels, err)
		}
		return ""
	}),
	"template-on-time-change-reload-rule": forVariables(func(v variable) string {
		if v.Refresh != 2 {
			return "is not refreshed when the time range changes"
		}
		return ""
	}),
	"panel-datasource-rule": forPanels(func(p panel) string {
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
	"panel-title-description-rule": forPanels(func(p panel) string {
		if p.Title == "" || len(p.Description) < 10 {
			return "has no title or no description"
		}
		return ""
	}),
	"panel-units-rule": forPanels(func(p panel) string {
		known := []string{"none", "percentunit", "s", "dateTimeFromNow", "bytes", "Bps", "hex", "d", "m", "suffix: /min", "suffix: /5 min"}
		if !slices.Contains(known, p.FieldConfig.Defaults.Unit) {
			return "has the unit " + p.FieldConfig.Defaults.Unit
		}
		return ""
	}),
	"panel-no-targets-rule": forPanels(func(p panel) string {
		if len(p.Targets) == 0 {
			return "has no query"
		}
		return ""
	}),
	// All our queries go to Prometheus: the two rules about LogQL have nothing to
	// look at, as long as this holds.
	"target-logql-rule":      forPanels(onlyPrometheus),
	"target-logql-auto-rule": forPanels(onlyPrometheus),
	"target-promql-rule": forQueries(func(text string) string {
		if _, err := parse(text); err != nil {
			return err.Error()
		}
		return ""
	}),
	"target-rate-interval-rule": forQueries(func(text string) string {
		for _, window := range regexp.MustCompile(`\brate\([^\[]*\[([^\]]*)\]`).FindAllStringSubmatch(text, -1) {
			if window[1] != "$__rate_interval" {
				return "has a rate over " + window[1]
			}
		}
		return ""
	}),
	// What need not name a job or an exporter may have none: the linter knows no such metrics.
	"target-job-rule":      forSeries(func(s selected) string { return lacks(s, "job") }),
	"target-instance-rule": forSeries(func(s selected) string { return lacks(s, "instance") }),
	"target-counter-agg-rule": forSeries(func(s selected) string {
		if strings.Contains(s.Name, ":") {
			return "" // recorded: a gauge
		}
		return exported().misread(s)
	}),
	"uneditable-dashboard": func(d dashboard) []string {
		if d.Editable {
			return []string{"is editable"}
		}
		return nil
	},
}

func templateRule(d dashboard, name string) []string {
	for _, v := range d.Templating.List {
		if v.Name != name {
			continue
		}
		label := strings.ToUpper(name[:1]) + name[1:]
		// The linter wants .+ of both. The job is that of the rules of alerts/: other
		// targets of Prometheus have up, too.
		all := map[string]string{"job": "icws.*", "instance": ".+"}[name]
		if v.Datasource.UID != "${datasource}" || v.Type != "query" || v.Label != label || !v.Multi || v.AllValue != all {
			return []string{fmt.Sprintf("variable %+v", v)}
		}
		return nil
	}
	return []string{"no variable " + name}
}

func lacks(s selected, label string) string {
	for _, l := range s.LabelMatchers {
		if l.Name == label && l.Type == labels.MatchRegexp && (l.Value == "$"+label || l.Value == "$"+label+"|") {
			return ""
		}
	}
	return fmt.Sprintf(`%s lacks %s=~"$%[2]s"`, s.Name, label)
}

func onlyPrometheus(p panel) string {
	for _, t := range p.Targets {
		if t.Datasource.Type != "prometheus" {
			return "asks " + t.Datasource.Type
		}
	}
	return ""
}

func forVariables(rule func(variable) string) func(dashboard) []string {
	return func(d dashboard) []string {
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

func forPanels(rule func(panel) string) func(dashboard) []string {
	return func(d dashboard) []string {
		var wrong []string
		for _, p := range d.everyPanel() {
			if problem := rule(p); problem != "" {
				wrong = append(wrong, p.Title+" "+problem)
			}
		}
		return wrong
	}
}

func forQueries(rule func(text string) string) func(dashboard) []string {
	return forPanels(func(p panel) string {
		for _, t := range p.Targets {
			if problem := rule(t.Expr); problem != "" {
				return problem + ": " + t.Expr
			}
		}
		return ""
	})
}

func forSeries(rule func(s selected) string) func(dashboard) []string {
	return forQueries(func(text string) string {
		e, err := parse(text)
		if err != nil {
			return err.Error()
		}
		for _, s := range selections(e) {
			if problem := rule(s); problem != "" {
				return problem
			}
		}
		return ""
	})
}

func TestDashboardsKeepTheRulesOfTheLinter(t *testing.T) {
	if len(linterRules) != 17 {
		t.Errorf("%d rules", len(linterRules))
	}
	for name, rule := range linterRules {
		for _, d := range readDashboards(t) {
			for _, problem := range rule(d) {
				t.Errorf("%s: %s: %s", d.Title, name, problem)
			}
		}
	}
}
