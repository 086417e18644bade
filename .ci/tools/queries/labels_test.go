package queries

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"icws_exporter/exporter/collect"
)

// metric is what a name in a query stands for.
type metric struct {
	labels  []string
	values  map[string][]string // of the labels that are closed
	counter bool                // only its growth says something
	ours    bool
}

// target are the labels that Prometheus gives a series for its target.
var target = []string{"job", "instance"}

// foreign are metrics that Prometheus and client_golang make.
var foreign = map[string]metric{
	"up": {labels: target}, "scrape_duration_seconds": {labels: target}, "scrape_samples_scraped": {labels: target},
	"ALERTS":           {labels: append([]string{"alertname", "alertstate", "severity", "service", "server"}, target...)},
	"ALERTS_FOR_STATE": {labels: append([]string{"alertname", "severity", "service", "server"}, target...)},
	"go_goroutines":    {labels: target}, "go_memstats_heap_alloc_bytes": {labels: target},
	"process_resident_memory_bytes": {labels: target}, "process_start_time_seconds": {labels: target},
	"process_open_fds": {labels: target}, "process_max_fds": {labels: target},
	"process_cpu_seconds_total": {labels: target, counter: true},
	// With it an operator declares maintenance.
	"icws_maintenance": {labels: []string{"server"}},
}

// metrics are all that a query may refer to, by name.
type metrics map[string]metric

// exported are the metrics of the exporter's table, and the foreign ones.
func exported() metrics {
	all := metrics{}
	for name, m := range foreign {
		all[name] = m
	}
	for _, f := range collect.Families() {
		m := metric{labels: slices.Clone(target), values: map[string][]string{}, ours: true}
		if f.PerServer() {
			m.labels = append(m.labels, "server")
		}
		for _, l := range f.Labels {
			m.labels = append(m.labels, l.Name)
			if l.Values != nil {
				m.values[l.Name] = l.Values
			}
		}
		m.counter = f.Type == collect.Counter || f.Type == collect.Histogram
		all[f.Name] = m
		if f.Type == collect.Histogram {
			all[f.Name+"_count"] = m
			m.labels = append(slices.Clone(m.labels), "le")
			all[f.Name+"_bucket"] = m
		}
	}
	return all
}

// accepts says what is wrong with a matcher: a label that the metric does not have,
// or values that a closed label never has.
func (m metric) accepts(name string, with *labels.Matcher) error {
	if with.Type == labels.MatchRegexp && strings.HasSuffix(with.Value, "|") {
		return nil // a series without the label matches too
	}
	if !slices.Contains(m.labels, with.Name) {
		return fmt.Errorf("%s has no label %s", name, with.Name)
	}
	values := m.values[with.Name]
	if values == nil || strings.HasPrefix(with.Value, "$") || with.Value == "" {
		return nil
	}
	wanted := []string{regexp.QuoteMeta(with.Value)}
	if with.Type == labels.MatchRegexp || with.Type == labels.MatchNotRegexp {
		wanted = strings.Split(with.Value, "|")
	}
	for _, value := range wanted {
		if !slices.ContainsFunc(values, regexp.MustCompile("^(?:"+value+")$").MatchString) {
			return fmt.Errorf("%s of %s is never %q", with.Name, name, value)
		}
	}
	return nil
}

// result returns the labels that every series of the result has, and an error for a
// label that its series do not have, and for two sides that can never match.
func (all metrics) result(e parser.Expr) ([]string, error) {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return all.result(n.Expr)
	case *parser.UnaryExpr:
		return all.result(n.Expr)
	case *parser.SubqueryExpr:
		return all.result(n.Expr)
	case *parser.MatrixSelector:
		return all.result(n.VectorSelector)
	case *parser.VectorSelector:
		m, ok := all[n.Name]
		if !ok {
			return nil, fmt.Errorf("no metric is named %s", n.Name)
		}
		for _, with := range n.LabelMatchers {
			if with.Name == labels.MetricName {
				continue
			}
			if err := m.accepts(n.Name, with); err != nil {
				return nil, err
			}
		}
		return m.labels, nil
	case *parser.AggregateExpr:
		return all.aggregated(n)
	case *parser.Call:
		return all.called(n)
	case *parser.BinaryExpr:
		return all.matched(n)
	}
	return nil, nil // a number or a text
}

func (all metrics) aggregated(n *parser.AggregateExpr) ([]string, error) {
	inner, err := all.result(n.Expr)
	if err != nil {
		return nil, err
	}
	kept := n.Grouping
	if n.Without {
		kept = without(inner, n.Grouping...)
	}
	for _, l := range kept {
		if !slices.Contains(inner, l) {
			return nil, fmt.Errorf("%s by (%s): its series have only %v", n.Op, l, inner)
		}
	}
	switch n.Op {
	case parser.TOPK, parser.BOTTOMK:
		return inner, nil // the series are those that go in
	case parser.COUNT_VALUES:
		return append(slices.Clone(kept), n.Param.(*parser.StringLiteral).Val), nil
	}
	return kept, nil
}

func (all metrics) called(n *parser.Call) ([]string, error) {
	text := func(i int) string { return n.Args[i].(*parser.StringLiteral).Val }
	switch n.Func.Name {
	case "time", "vector", "scalar", "absent":
		return nil, nil
	case "label_replace":
		inner, err := all.result(n.Args[0])
		if source := text(3); err == nil && source != "" && !slices.Contains(inner, source) {
			err = fmt.Errorf("label_replace from %s: its series have only %v", source, inner)
		}
		return append(without(inner, text(1)), text(1)), err
	}
	for _, a := range n.Args {
		if t := a.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeMatrix {
			continue
		}
		inner, err := all.result(a)
		if n.Func.Name == "histogram_quantile" {
			inner = without(inner, "le")
		}
		return inner, err
	}
	return nil, nil
}

func (all metrics) matched(n *parser.BinaryExpr) ([]string, error) {
	left, err := all.result(n.LHS)
	if err != nil {
		return nil, err
	}
	right, err := all.result(n.RHS)
	switch {
	case err != nil:
		return nil, err
	case n.LHS.Type() == parser.ValueTypeScalar:
		return right, nil
	case n.RHS.Type() == parser.ValueTypeScalar:
		return left, nil
	}
	m := n.VectorMatching
	if m.Card == parser.CardOneToMany {
		left, right = right, left // the result has the labels of the many
	}
	key := without(left, m.MatchingLabels...)
	if m.On {
		key = m.MatchingLabels
		for _, l := range slices.Concat(key, m.Include) {
			if !slices.Contains(right, l) || !slices.Contains(left, l) && !slices.Contains(m.Include, l) {
				return nil, fmt.Errorf("%s on %s: one side has only %v, the other %v", n.Op, l, left, right)
			}
		}
	} else if n.Op != parser.LOR && !sameSet(key, without(right, m.MatchingLabels...)) {
		return nil, fmt.Errorf("the sides of %s never match: %v and %v", n.Op, left, right)
	}
	switch {
	case n.Op == parser.LOR && n.RHS.Type() == parser.ValueTypeVector && len(right) == 0:
		return left, nil // or vector(0), for nothing at all
	case n.Op == parser.LOR:
		return slices.DeleteFunc(slices.Clone(left), func(l string) bool { return !slices.Contains(right, l) }), nil
	case n.Op == parser.LAND || n.Op == parser.LUNLESS || m.Card != parser.CardOneToOne:
		return slices.Concat(without(left, m.Include...), m.Include), nil
	}
	return key, nil
}

func without(labels []string, not ...string) []string {
	return slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(not, l) })
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// dashboardVariables are those of Grafana that stand for a duration.
var dashboardVariables = strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$__interval", "15s")

// parse parses an expression whose Grafana variables are still in it.
func parse(text string) (parser.Expr, error) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(dashboardVariables.Replace(text))
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	return e, nil
}

// selected is a series that an expression refers to, and the function that its range
// is the argument of; empty for none.
type selected struct {
	*parser.VectorSelector
	function string
}

// selections are the series that an expression refers to.
func selections(e parser.Expr) (found []selected) {
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		one := selected{VectorSelector: s}
		for _, around := range slices.Backward(path) {
			if _, isRange := around.(*parser.MatrixSelector); isRange {
				continue
			}
			if call, isCall := around.(*parser.Call); isCall {
				one.function = call.Func.Name
			}
			break
		}
		found = append(found, one)
		return nil
	})
	return found
}

// misread says how a counter is read for its value, or a gauge for its growth.
func (all metrics) misread(s selected) string {
	growth := slices.Contains([]string{"rate", "increase"}, s.function)
	if m := all[s.Name]; m.counter != growth {
		return fmt.Sprintf("%s is read through %q", s.Name, s.function)
	}
	return ""
}
