package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"icws_exporter/exporter/collect"
)

// metric is what a name in a query stands for.
type metric struct {
	*collect.Family
	bucket bool
}

// metricNamed finds a name in the metric table and among the foreign metrics.
func metricNamed(name string) (metric, bool) {
	for _, f := range append(collect.Families(), foreign...) {
		switch {
		case f.Name == name:
			return metric{f, false}, true
		case f.Type == collect.Histogram && f.Name+"_bucket" == name:
			return metric{f, true}, true
		}
	}
	return metric{}, false
}

// labels are all labels that the series have when Prometheus has scraped them.
func (m metric) labels() []string {
	labels := []string{"job", "instance"}
	for _, l := range m.Labels {
		labels = append(labels, l.Name)
	}
	if m.PerServer() {
		labels = append(labels, "server")
	}
	if m.bucket {
		labels = append(labels, "le")
	}
	return labels
}

// isCounter reports whether the values only ever grow, so that only their growth
// says something.
func (m metric) isCounter() bool {
	return m.Type == collect.Counter || m.Type == collect.Histogram
}

// isScalar reports whether the expression is a number without labels.
func (n *node) isScalar() bool {
	switch n.kind {
	case "number", "text":
		return true
	case "call":
		return n.name == "time"
	case "binary":
		return n.args[0].isScalar() && n.args[1].isScalar()
	}
	return false
}

// result returns the labels that every series of the result has, and an error for
// a label that its series do not have, and for two sides that can never match.
func (n *node) result() ([]string, error) {
	switch n.kind {
	case "number", "text":
		return nil, nil
	case "series":
		m, ok := metricNamed(n.name)
		if !ok {
			return nil, fmt.Errorf("no metric is named %s", n.name)
		}
		for _, with := range n.matchers {
			if err := m.accepts(with); err != nil {
				return nil, err
			}
		}
		return m.labels(), nil
	case "aggregate":
		return n.aggregated()
	case "call":
		return n.called()
	}
	return n.matched()
}

// accepts says what is wrong with a matcher: a label that the metric does not
// have, or values that a closed label never has.
func (m metric) accepts(with matcher) error {
	if !slices.Contains(m.labels(), with.label) {
		return fmt.Errorf("%s has no label %s", m.Name, with.label)
	}
	for _, l := range m.Labels {
		if l.Name != with.label || l.Values == nil || strings.HasPrefix(with.value, "$") {
			continue
		}
		for _, value := range strings.Split(with.value, "|") {
			pattern := regexp.MustCompile("^(" + value + ")$")
			if !slices.ContainsFunc(l.Values, pattern.MatchString) {
				return fmt.Errorf("%s of %s is never %q", with.label, m.Name, value)
			}
		}
	}
	return nil
}

func (n *node) aggregated() ([]string, error) {
	labels, err := n.args[len(n.args)-1].result()
	if err != nil {
		return nil, err
	}
	for _, l := range n.labels {
		if !slices.Contains(labels, l) {
			return nil, fmt.Errorf("%s by (%s): its series have only %v", n.name, l, labels)
		}
	}
	if n.name == "topk" || n.name == "bottomk" {
		return labels, nil // the series are those that go in
	}
	result := slices.Clone(n.labels)
	if n.name == "count_values" {
		result = append(result, n.args[0].name)
	}
	return result, nil
}

func (n *node) called() ([]string, error) {
	switch n.name {
	case "time":
		return nil, nil
	case "label_replace":
		labels, err := n.args[0].result()
		if source := n.args[3].name; err == nil && source != "" && !slices.Contains(labels, source) {
			err = fmt.Errorf("label_replace from %s: its series have only %v", source, labels)
		}
		return append(slices.Clone(labels), n.args[1].name), err
	}
	labels, err := n.args[len(n.args)-1].result()
	if n.name == "histogram_quantile" {
		labels = without(labels, "le")
	}
	return labels, err
}

func (n *node) matched() ([]string, error) {
	left, err := n.args[0].result()
	if err != nil {
		return nil, err
	}
	right, err := n.args[1].result()
	switch {
	case err != nil:
		return nil, err
	case n.args[0].isScalar():
		return right, nil
	case n.args[1].isScalar():
		return left, nil
	}
	key := without(left, n.labels...)
	if n.matching == "on" {
		key = n.labels
		for _, l := range append(slices.Clone(key), n.include...) {
			if !slices.Contains(right, l) || !slices.Contains(left, l) && !slices.Contains(n.include, l) {
				return nil, fmt.Errorf("%s on %s: one side has only %v, the other %v", n.name, l, left, right)
			}
		}
	} else if n.name != "or" && !sameSet(key, without(right, n.labels...)) {
		return nil, fmt.Errorf("the sides of %s never match: %v and %v", n.name, left, right)
	}
	switch {
	case n.name == "or":
		return slices.DeleteFunc(slices.Clone(left), func(l string) bool { return !slices.Contains(right, l) }), nil
	case n.name == "and" || n.name == "unless" || n.many:
		return append(slices.Clone(left), n.include...), nil
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
