package incidents

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

// unitTests is a file for promtool test rules.
type unitTests struct {
	name       string
	RuleFiles  []string       `yaml:"rule_files"`
	Interval   model.Duration `yaml:"evaluation_interval"`
	GroupOrder []string       `yaml:"group_eval_order"`
	Tests      []*unitTest
}

// unitTest is one test of a file, with what is computed once for all mutants.
type unitTest struct {
	file        *unitTests
	Name        string
	Interval    model.Duration
	InputSeries []struct{ Series, Values string } `yaml:"input_series"`
	AlertTests  []struct {
		Alertname string
		At        model.Duration `yaml:"eval_time"`
		Expected  []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
	ExprTests []exprTest `yaml:"promql_expr_test"`

	given, recorded *memory
	of              map[string]bool // the rules that it is about
	evaluate        sync.Once
}

type exprTest struct {
	Expr     string
	At       model.Duration `yaml:"eval_time"`
	Expected []struct {
		Labels string
		Value  float64
	} `yaml:"exp_samples"`
}

var promQL = parser.NewParser(parser.Options{})

// What the unit tests of the rules say holds. promtool would evaluate every rule at each step, which takes
// ten times as long: here are those alone that a test is about, and what they are made of.
func TestUnitTests(t *testing.T) {
	shipped := loadRules(t)
	for _, file := range loadUnitTests(t) {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			for _, u := range file.Tests {
				in := newMemory()
				in.given = u.given
				if problem := u.run(in, shipped, u.about(shipped)); problem != "" {
					t.Errorf("%s: %s", u.Name, problem)
				}
			}
		})
	}
}

// loadRules reads the rule files.
func loadRules(t *testing.T) ruleSet {
	t.Helper()
	shipped := ruleSet{}
	for _, file := range ruleFiles {
		text, err := os.ReadFile(file)
		if err == nil {
			shipped, err = shipped.with(filepath.Base(file), string(text))
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return shipped
}

// loadUnitTests reads the files of alerts/tests.
func loadUnitTests(t *testing.T) (all []*unitTests) {
	t.Helper()
	names, err := filepath.Glob("../tests/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file := &unitTests{name: filepath.Base(name)}
		strict := yaml.NewDecoder(bytes.NewReader(text)) // as promtool: what is misspelt would not be checked
		strict.KnownFields(true)
		if err := strict.Decode(file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, test := range file.Tests {
			test.file, test.given, test.recorded = file, newMemory(), newMemory()
			for _, in := range test.InputSeries {
				ls, values, err := promQL.ParseSeriesDesc(in.Series + " " + in.Values)
				if err != nil {
					t.Fatalf("%s: %s: %v", name, in.Series, err)
				}
				for i, v := range values {
					if !v.Omitted {
						test.given.add(ls, int64(i)*time.Duration(test.Interval).Milliseconds(), v.Value, v.Histogram)
					}
				}
			}
			test.recorded.given = test.given
		}
		all = append(all, file)
	}
	return all
}

// ruleSet are the groups of the rule files, by the name of the file.
type ruleSet map[string][]rulefmt.RuleGroup

// with is the same with another text of one file, or the reason why that is none.
func (s ruleSet) with(file, text string) (ruleSet, error) {
	groups, errs := rulefmt.Parse([]byte(text), false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return nil, errs[0]
	}
	changed := maps.Clone(s)
	changed[file] = groups.Groups
	return changed, nil
}

func nameOf(r rulefmt.Rule) string { return r.Alert + r.Record }

// everything are the names of all rules.
func everything(s ruleSet) map[string]bool {
	names := map[string]bool{}
	for _, groups := range s {
		for _, g := range groups {
			for _, r := range g.Rules {
				names[nameOf(r)] = true
			}
		}
	}
	return names
}

// madeOf are the names of a rule and of all rules that are made of it.
func (s ruleSet) madeOf(name string) map[string]bool {
	names := map[string]bool{name: true}
	for range 5 { // as deep as rules are
		for _, groups := range s {
			for _, g := range groups {
				for _, r := range g.Rules {
					for known := range names {
						if strings.Contains(known, ":") && strings.Contains(r.Expr, known) {
							names[nameOf(r)] = true
						}
					}
				}
			}
		}
	}
	return names
}

// about are the names of the rules of which a test says something, and of what they are made of.
func (u *unitTest) about(s ruleSet) map[string]bool {
	names, all := map[string]bool{}, everything(s)
	for name := range all {
		if u.concerns(map[string]bool{name: true}) {
			names[name] = true
		}
	}
	for range 5 { // as deep as rules are
		for _, groups := range s {
			for _, g := range groups {
				for _, r := range g.Rules {
					for part := range all {
						if names[nameOf(r)] && strings.Contains(part, ":") && strings.Contains(r.Expr, part) {
							names[part] = true
						}
					}
				}
			}
		}
	}
	return names
}

// gives reports whether the test has a series that an expression reads, or a rule may make one. A rule without
// has no result, unless it is one that needs none.
func (u *unitTest) gives(expr parser.Expr) (any bool) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			any = any || strings.Contains(n.Name, ":") || len(u.given.byName[n.Name]) > 0
		case *parser.Call:
			any = any || n.Func.Name == "absent" || n.Func.Name == "vector"
		}
		return nil
	})
	return any
}

// shipped runs the test with the shipped rules, once: what they record is what the other rules of a
// mutant record.
func (u *unitTest) shipped(t *testing.T, set ruleSet) {
	u.evaluate.Do(func() {
		u.of = u.about(set)
		if problem := u.run(u.recorded, set, u.of); problem != "" {
			t.Errorf("%s: %s fails with the shipped rules: %s", u.file.name, u.Name, problem)
		}
	})
}

// concerns reports whether a test says something about rules of these names.
func (u *unitTest) concerns(names map[string]bool) bool {
	for _, a := range u.AlertTests {
		if names[a.Alertname] {
			return true
		}
	}
	return slices.ContainsFunc(u.ExprTests, func(e exprTest) bool { return e.concerns(names) })
}

// pages are the alerts that wake somebody.
var pages = []string{"IcwsServerDown", "IcwsCatalogueUnusable", "IcwsRequestsFailing", "IcwsNotWatched", "IcwsAvailabilityBudgetBurn"}

var namesAlert = regexp.MustCompile(`alertname="(\w+)"`)

func (e exprTest) concerns(names map[string]bool) bool {
	if m := namesAlert.FindStringSubmatch(e.Expr); m != nil {
		return names[m[1]]
	}
	if strings.Contains(e.Expr, "ALERTS") {
		return !strings.Contains(e.Expr, `severity="critical"`) || slices.ContainsFunc(pages, func(page string) bool { return names[page] })
	}
	for name := range names {
		if strings.Contains(e.Expr, name) {
			return true
		}
	}
	return false
}

// until is when the last check is.
func (u *unitTest) until() (last time.Duration) {
	for _, a := range u.AlertTests {
		last = max(last, time.Duration(a.At))
	}
	for _, e := range u.ExprTests {
		last = max(last, time.Duration(e.At))
	}
	return last
}

// run evaluates the rules with these names, as promtool does, and returns the first that is not as
// the test expects. What the others make is that of the shipped ones.
func (u *unitTest) run(in *memory, set ruleSet, names map[string]bool) (problem string) {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: promQL,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Duration(u.file.Interval).Milliseconds() },
	})
	groups := u.groups(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(engine, in), AppendableV2: in, Context: context.Background(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: slog.New(slog.DiscardHandler), Parser: promQL,
	}, set, names)
	interval, last := time.Duration(u.file.Interval), u.until()
	for passed := time.Duration(0); passed <= last; passed += interval {
		now := time.Unix(0, 0).UTC().Add(passed)
		for _, g := range groups {
			g.Eval(context.Background(), now)
			for _, r := range g.Rules() {
				if r.LastError() != nil {
					return fmt.Sprintf("at %s: %s: %v", passed, r.Name(), r.LastError())
				}
			}
		}
		if problem := u.alertsAt(passed, interval, groups, names); problem != "" {
			return problem
		}
	}
	for _, e := range u.ExprTests {
		if problem := e.check(engine, in, names); problem != "" {
			return problem
		}
	}
	return ""
}

// groups are the rules with these names, in the order of the file.
func (u *unitTest) groups(options *rules.ManagerOptions, set ruleSet, names map[string]bool) (groups []*rules.Group) {
	rules.NewManager(options) // it sets the defaults
	for _, file := range u.file.RuleFiles {
		for _, g := range set[filepath.Base(file)] {
			var of []rules.Rule
			for _, r := range g.Rules {
				expr, err := promQL.ParseExpr(r.Expr)
				switch ls := labels.FromMap(r.Labels); {
				case err != nil || !names[nameOf(r)] || !u.gives(expr): // an error was found when it was parsed first
				case r.Alert != "":
					of = append(of, rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor), ls,
						labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, options.Logger))
				default:
					of = append(of, rules.NewRecordingRule(r.Record, expr, ls))
				}
			}
			if len(of) > 0 {
				groups = append(groups, rules.NewGroup(rules.GroupOptions{Name: g.Name, File: file, Interval: time.Duration(u.Interval), Rules: of, Opts: options}))
			}
		}
	}
	slices.SortStableFunc(groups, func(a, b *rules.Group) int {
		return slices.Index(u.file.GroupOrder, a.Name()) - slices.Index(u.file.GroupOrder, b.Name())
	})
	return groups
}

// alertsAt checks what fires at the moments of the test since the last evaluation but one.
func (u *unitTest) alertsAt(passed, interval time.Duration, groups []*rules.Group, names map[string]bool) (problem string) {
	for _, test := range u.AlertTests {
		if at := time.Duration(test.At); at < passed || at >= passed+interval || !names[test.Alertname] {
			continue
		}
		var got, want []string
		for _, g := range groups {
			for _, r := range g.Rules() {
				a, alerts := r.(*rules.AlertingRule)
				if !alerts || a.Name() != test.Alertname {
					continue
				}
				for _, active := range a.ActiveAlerts() {
					if active.State == rules.StateFiring {
						got = append(got, active.Labels.String()+active.Annotations.String())
					}
				}
			}
		}
		for _, e := range test.Expected {
			ls := labels.NewBuilder(labels.FromMap(e.Labels)).Set(labels.AlertName, test.Alertname).Labels()
			want = append(want, ls.String()+labels.FromMap(e.Annotations).String())
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			return fmt.Sprintf("at %s fires\n%s\nwant\n%s", passed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	return ""
}

// check compares the result of an expression.
func (e exprTest) check(engine *promql.Engine, in *memory, names map[string]bool) (problem string) {
	if !e.concerns(names) {
		return ""
	}
	q, err := engine.NewInstantQuery(context.Background(), in, nil, e.Expr, time.Unix(0, 0).UTC().Add(time.Duration(e.At)))
	if err != nil {
		return fmt.Sprintf("%s: %v", e.Expr, err)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	var got, want []string
	switch v := result.Value.(type) {
	case promql.Vector:
		for _, s := range v {
			got = append(got, fmt.Sprint(s.Metric, s.F))
		}
	case promql.Scalar:
		got = append(got, fmt.Sprint(labels.EmptyLabels(), v.V))
	default:
		return fmt.Sprintf("%s: %v, %v", e.Expr, result.Value, result.Err)
	}
	for _, x := range e.Expected {
		ls, err := promQL.ParseMetric(x.Labels)
		if err != nil {
			return fmt.Sprintf("%s: %v", x.Labels, err)
		}
		want = append(want, fmt.Sprint(ls, x.Value))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Sprintf("%s at %s is %s, want %s", e.Expr, e.At, got, want)
	}
	return ""
}
