package main

import (
	"fmt"
	"slices"
	"strings"

	"icws_exporter/exporter/collect"
)

// expr is a PromQL expression.
type expr string

// matcher is a label matcher besides those of the dashboard's variables.
type matcher struct{ label, operator, value string }

// is matches one value of a label.
func is(label, value string) matcher { return matcher{label, "=", value} }

// isNot matches all values of a label but one.
func isNot(label, value string) matcher { return matcher{label, "!=", value} }

// like matches the values of a label by a regular expression.
func like(label, pattern string) matcher { return matcher{label, "=~", pattern} }

// series selects the series of a family that the variables of the dashboard choose.
func series(f *collect.Family, with ...matcher) expr { return selector(f, f.Name, with) }

func selector(f *collect.Family, name string, with []matcher) expr {
	matchers := []matcher{like("job", "$job"), like("instance", "$instance")}
	if f.PerServer() || f == alerts || f == alertsForState || f == budgetOfMonth {
		matchers = append(matchers, like("server", "$server"))
	}
	if slices.ContainsFunc(f.Labels, func(l collect.Label) bool { return l.Name == "group" }) {
		matchers = append(matchers, like("group", "$group"))
	}
	var text []string
	for _, m := range append(matchers, with...) {
		text = append(text, m.label+m.operator+`"`+m.value+`"`)
	}
	return expr(name + "{" + strings.Join(text, ", ") + "}")
}

// rate is how fast a counter grows, per second.
func rate(counter *collect.Family, with ...matcher) expr {
	return call("rate", series(counter, with...)+"[$__rate_interval]")
}

// perMinute is how fast a counter grows, per minute. Graphs of what happens seldom
// show this and not a count: Grafana's windows overlap, and counts would add up to
// too much.
func perMinute(counter *collect.Family, with ...matcher) expr {
	return "60 * " + rate(counter, with...)
}

// happened leaves out what did not happen, so that a legend has no line for it.
func happened(e expr) expr { return e + " > 0" }

// inRange is how much a counter grew in the time range of the dashboard.
func inRange(counter *collect.Family, with ...matcher) expr {
	return call("increase", series(counter, with...)+"[$__range]")
}

// quantile is a quantile of the observations within a window, by labels: of the
// classic buckets, or of the native ones where Prometheus keeps only those.
func quantile(q float64, histogram *collect.Family, window expr, by ...string) expr {
	native := call("increase", series(histogram)+"["+window+"]")
	classic := call("increase", selector(histogram, histogram.Name+"_bucket", nil)+"["+window+"]")
	// >= 0 leaves out NaN: what nobody asked for has no line and no legend.
	return expr(fmt.Sprintf("histogram_quantile(%g, %s) >= 0 or histogram_quantile(%[1]g, %s) >= 0",
		q, sum(classic, append(slices.Clone(by), "le")...), sum(native, by...)))
}

// buckets are the observations of a histogram by bucket, for a heatmap.
func buckets(histogram *collect.Family, with ...matcher) expr {
	return sum(call("increase", selector(histogram, histogram.Name+"_bucket", with)+"[$__rate_interval]"), "le")
}

// present is the number of the present state of a state set in the order of the
// metric table, by labels: what a state timeline and a coloured cell need.
func present(set *collect.Family, by ...string) expr {
	label := set.Labels[0]
	var states []string
	for i, state := range label.Values {
		states = append(states, fmt.Sprintf("%d * (%s == 1)", i, series(set, is(label.Name, state))))
	}
	return maximum(expr(strings.Join(states, " or ")), by...)
}

// ofExporters keeps the series of a metric that is not ours to the targets that give
// us metrics. Every target of Prometheus has such metrics.
func ofExporters(e expr) expr {
	return expr(fmt.Sprintf("%s and on (job, instance) (%s or %s)", e,
		series(collect.MetricExporterBuildInfo), series(collect.MetricUp)))
}

// ofSeenExporters does so with the targets that gave us metrics at any time of the
// dashboard's range: those that cannot be scraped now as well.
func ofSeenExporters(e expr) expr {
	return expr(fmt.Sprintf("%s and on (job, instance) (last_over_time(%s[$__range]) or last_over_time(%s[$__range]))", e,
		series(collect.MetricExporterBuildInfo), series(collect.MetricUp)))
}

// forEach gives every server and exporter a value: NaN where e has none, so that
// the columns of a table have the same rows.
func forEach(e expr) expr {
	return e + " or on (instance, server) NaN * " + maximum(series(collect.MetricUp), "instance", "server")
}

// stats is how many values a stat shows at most: more of them nobody can read.
const stats = 4

// highest and lowest keep as many values as a stat shows.
func highest(e expr) expr { return expr(fmt.Sprintf("topk(%d, %s)", stats, e)) }
func lowest(e expr) expr  { return expr(fmt.Sprintf("bottomk(%d, %s)", stats, e)) }

// share is part / whole.
func share(part, whole expr) expr { return part + " / " + whole }

func sum(e expr, by ...string) expr     { return aggregate("sum", e, by) }
func maximum(e expr, by ...string) expr { return aggregate("max", e, by) }
func minimum(e expr, by ...string) expr { return aggregate("min", e, by) }
func average(e expr, by ...string) expr { return aggregate("avg", e, by) }
func count(e expr, by ...string) expr   { return aggregate("count", e, by) }

func aggregate(operator string, e expr, by []string) expr {
	if len(by) == 0 {
		return call(operator, e)
	}
	return expr(fmt.Sprintf("%s by (%s) (%s)", operator, strings.Join(by, ", "), e))
}

func call(function string, e expr) expr { return expr(function) + "(" + e + ")" }

// moment turns a Unix time in seconds into the milliseconds of Grafana.
func moment(e expr) expr { return "1000 * " + e }

// age is how many seconds ago a Unix time was.
func age(e expr) expr { return "time() - " + e }
