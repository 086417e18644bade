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
	if slices.Contains(ofNoExporter, f) {
		// What names no job or no exporter is about all of them.
		matchers = []matcher{like("job", "$job|"), like("instance", "$instance|")}
	}
	if f.PerServer() || slices.ContainsFunc(f.Labels, func(l collect.Label) bool { return l.Name == "server" }) {
		matchers = append(matchers, like("server", "$server"))
	}
	for _, l := range f.Labels {
		switch {
		case l.Name == "group" && l.GrowsFull != collect.One:
			matchers = append(matchers, like("group", "$group|")) // only in full detail
		case l.Name == "group":
			matchers = append(matchers, like("group", "$group"))
		}
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

// few is the time over which events are counted: long enough for whole numbers.
const few = "5m"

// lately is how much a counter grew in the last five minutes.
func lately(counter *collect.Family, with ...matcher) expr {
	return call("increase", series(counter, with...)+"["+few+"]")
}

// events are how many events there were in five minutes, as whole numbers: increase
// extrapolates.
func events(e expr) expr { return call("round", e) }

// eventsBy is a line of events in five minutes for each value of a label.
func eventsBy(counter *collect.Family, label string, with ...matcher) target {
	return line(events(sum(lately(counter, with...), label)), "{{"+label+"}}")
}

// flowBy is a line of a steady flow per minute for each value of a label.
func flowBy(counter *collect.Family, label string) target {
	return line(perMinute(sum(lately(counter), label)), "{{"+label+"}}")
}

// perMinute is how much of a steady flow there was in a minute.
func perMinute(e expr) expr { return e + " / 5" }

// inRange is how much a counter grew in the time range of the dashboard.
func inRange(counter *collect.Family, with ...matcher) expr {
	return call("increase", series(counter, with...)+"[$__range]")
}

// quantile is a quantile of the observations within a window, by labels: of the
// classic buckets, or of the native ones where Prometheus keeps only those.
func quantile(q float64, histogram *collect.Family, window expr, by ...string) expr {
	var with []matcher
	if histogram == collect.MetricDelivery {
		with = append(with, ofStatuses)
	}
	classic := call("increase", selector(histogram, histogram.Name+"_bucket", with)+"["+window+"]")
	native := call("increase", series(histogram, with...)+"["+window+"]")
	// >= 0 leaves out NaN: what nobody asked for has no line and no legend.
	return expr(fmt.Sprintf("histogram_quantile(%g, %s) >= 0 or histogram_quantile(%g, %s) >= 0",
		q, sum(classic, append(slices.Clone(by), "le")...), q, sum(native, by...)))
}

// ofStatuses matches the subscription that decides whether a server is up.
var ofStatuses = is("subscription", "status-messages")

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

// notScraped is 1 for what an exporter watched within the last day that cannot be
// scraped now.
func notScraped(by ...string) expr {
	return maximum("1 + 0 * "+call("last_over_time", series(collect.MetricUp)+"[1d]")+" and on (job, instance) ("+series(up)+" == 0)", by...)
}

// ofExporters keeps the series of a metric that is not ours to the targets that give
// us metrics. Every target of Prometheus has such metrics.
func ofExporters(e expr) expr {
	return expr(fmt.Sprintf("%s and on (job, instance) (%s or %s)", e,
		series(collect.MetricExporterBuildInfo), series(collect.MetricUp)))
}

// forEach gives every server and exporter a value: NaN where e has none, so that
// a table has the column.
func forEach(e expr) expr {
	return e + " or on (instance, server) NaN * " + maximum(series(collect.MetricUp), "instance", "server")
}

// share is part / whole.
func share(part, whole expr) expr { return part + " / " + whole }

// orNone is 0 when e returns nothing.
func orNone(e expr) expr { return e + " or vector(0)" }

func sum(e expr, by ...string) expr     { return aggregate("sum", e, by) }
func maximum(e expr, by ...string) expr { return aggregate("max", e, by) }
func minimum(e expr, by ...string) expr { return aggregate("min", e, by) }
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
