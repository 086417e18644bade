package main

import (
	"fmt"
	"math"
	"strings"

	"icws_exporter/exporter/collect"
)

// The uids never change: bookmarks, alerts and the links between the dashboards
// use them.
const (
	uidOverview  = "icws-overview"
	uidServer    = "icws-server"
	uidCatalogue = "icws-catalogue"
	uidExporter  = "icws-exporter"
)

func overview() dashboard {
	return newDashboard(subject{
		uid: uidOverview, title: "ICWS / Overview",
		description: "Which IC server is in trouble, since when and why. Click a server to get to the cause.",
		annotations: []annotation{switchovers()},
		rows: []row{
			newRow("Now", of(4, fleetNow()...), of(10, fleetTable()), of(8, alertTable("Firing alerts",
				"Alerts that fire now, and since when their condition holds. Those that name no server or no exporter are always here.",
				serverKey(0)), troubles())),
			newRow("Over time", fleetOverTime()...),
			newRow("Service level", of(9, serviceLevel())),
			collapsedRow("Users", of(8, usersByServer(), usersByGroup()), of(8, usersOfServers())),
		},
	})
}

// fleetNow are the numbers at the top.
func fleetNow() []*panel {
	// Servers, not alerts: one of them often mutes others.
	with := func(severity string) expr {
		return orNone(count(count(firingAlerts(is("severity", severity)), "job", "server")))
	}
	code := func(code string) target {
		return line(orNone(events(sum(lately(collect.MetricResponses, is("code", code))))), code)
	}
	codes := stat("401, 410 and 500 in five minutes", "Answers that need a look, of the last five minutes. 401: sessions ended or the log-on "+
		"was refused. 410: the server version has removed an interface. 500: the server failed.", unitEvents,
		code("401"), code("410"), code("500")).
		whole().steps("green", from(1, "orange"), from(20, "red")).runbook("IcwsRequestErrors").wide(9)
	codes.Options["graphMode"] = "area"
	return []*panel{
		stat("Servers not up", "Servers whose icws_up is 0: the exporter does not follow them at this moment. "+
			"The table below says why. A server whose exporter cannot be scraped is not counted.", "none",
			now(orNone(sum(series(collect.MetricUp)+" == bool 0")), "not up")).
			steps("green", from(1, "red")).runbook("IcwsServerDown").wide(3),
		stat("Servers watched", "Servers that the scraped exporters watch.", "none",
			now(orNone(count(maximum(series(collect.MetricUp), "job", "server"))), "servers")).plain().wide(3),
		exportersDown(),
		stat("Servers with a page or a ticket", "Servers about which an alert fires now that wakes somebody (page) or opens a "+
			"ticket. An alert that names no server counts as one.", "none",
			now(with("critical"), "page"), now(with("warning"), "ticket")).
			steps("green", from(1, "orange")).overridden("byName", "page", property{"thresholds", newThresholds("green", from(1, "red"))}).wide(5),
		codes,
	}
}

func exportersDown() *panel {
	return stat("Targets not scraped", "Targets of the job that cannot be scraped now. Nothing is known of their servers.", "none",
		now(orNone(count(series(up)+" == 0")), "not scraped")).
		steps("green", from(1, "red")).runbook("IcwsNotWatched").wide(4)
}

func firingAlerts(with ...matcher) expr {
	return series(alertsActive, append([]matcher{is("service", "icws"), is("alertstate", "firing")}, with...)...)
}

// byServer are the labels by which Fleet has its rows.
var byServer = []string{"instance", "server"}

// Numbers of looks that stand beside those of states.
const (
	noState     = 99 // of what cannot be scraped
	firstReason = 100
	noReason    = 199
)

// stateOf is the number of the state of each server, noState when nobody looks.
func stateOf(by ...string) expr {
	return present(collect.MetricProbeState, by...) + onlyWhere(noState, notScraped(by...), by)
}

// onlyWhere gives a number to what e names and the query before does not.
func onlyWhere(number int, e expr, by []string) expr {
	return expr(fmt.Sprintf(" or on (%s) %d * %s", strings.Join(by, ", "), number, e))
}

func stateLooksOf() map[string]look {
	return together(numbered(0, looksOf(collect.MetricProbeState)), numbered(noState, []look{{"not scraped", "dark-red"}}))
}

// reasonOf is the number of the reason of each server that is not up.
func reasonOf(by ...string) expr {
	return numberFrom(firstReason, present(collect.MetricDownReason, by...)+onlyWhere(noReason, notScraped(by...), by))
}

func reasonLooks() map[string]look {
	return together(numbered(firstReason, looksOf(collect.MetricDownReason)), numbered(noReason, []look{{"exporter down", "dark-red"}}))
}

// happening is the most urgent of what goes on with a server although it may be up.
func happening(by ...string) expr {
	kind := func(number int, e expr) string { return fmt.Sprintf("%d * (%s > bool 0)", number, e) }
	all := []string{
		kind(5, sum(lately(collect.MetricSwitchovers), by...)),
		kind(4, sum(lately(collect.MetricResponses, is("code", "401")), by...)),
		kind(3, sum(lately(collect.MetricCatalogueDrift), by...)),
		kind(2, maximum(series(collect.MetricSwitchoverActive), by...)),
		kind(1, maximum(series(collect.MetricOperationGone), by...)),
	}
	for i := range all {
		all[i] = fmt.Sprintf(`label_replace(%s, "kind", "%d", "", "")`, all[i], i)
	}
	return maximum(expr(strings.Join(all, " or ")), by...)
}

var happeningLooks = []look{
	{"–", transparent},
	{"410 gone", "purple"},
	{"switching over", "orange"},
	{"missed changes", "orange"},
	{"401", "orange"},
	{"switched over", "semi-dark-blue"},
}

func fleetTable() *panel {
	answers := sum(inRange(collect.MetricResponses), byServer...)
	bad := sum(inRange(collect.MetricResponses, like("code", "4..|5..")), byServer...)
	next := when("Next attempt", maximum(series(collect.MetricNextAttempt), byServer...))
	next.zero = "–"
	statuses := number("Statuses", 75, forEach(maximum(series(collect.MetricCatalogueEntries), byServer...)))
	statuses.links = []dataLink{{Title: "Its statuses", URL: to(uidCatalogue)}}
	return table("Fleet", "One line per server and exporter, those in trouble first. State says what the exporter does; Why, why the server is "+
		"not up; Now, what happened in the last five minutes: a switchover, 401, changes that no message announced, an operation answered "+
		"with 410. Delivery: 95 of 100 lists of this time range came faster. Errors: 4xx and 5xx among the answers of this time range.",
		[]sortBy{{DisplayName: "Why", Desc: true}, {DisplayName: "State", Desc: true}, {DisplayName: "Now", Desc: true}},
		[]key{serverKey(110), exporterKey},
		words("State", 205, stateLooksOf(), stateOf(byServer...)),
		words("Why", 128, together(reasonLooks(), numbered(0, []look{{"–", transparent}})),
			reasonOf(byServer...)+onlyWhere(0, maximum(series(collect.MetricUp), byServer...), byServer)),
		when("Since", maximum(series(collect.MetricProbeStateSince), byServer...)),
		next,
		words("Now", 115, numbered(0, happeningLooks), happening(byServer...)),
		words("Subscription", 110, numbered(0, deliversLooks), minimum(series(collect.MetricSubscriptionUp, ofStatuses), byServer...)),
		column{name: "Last contact", query: forEach(age(maximum(series(collect.MetricSubscriptionLastContact, ofStatuses), byServer...))), unit: "s", width: 110}.
			steps("text", from(60, "orange"), from(180, "red")),
		column{name: "Delivery", query: forEach(quantile(0.95, collect.MetricDelivery, "$__range", byServer...)), unit: "s", decimals: 1, width: 80}.
			steps("text", from(2, "orange"), from(10, "red")),
		statuses,
		column{name: "Errors", query: share(bad, answers), unit: "percentunit", width: 60, decimals: 1}.
			steps("text", from(0.01, "orange"), from(0.1, "red")),
	).runbook("IcwsServerDown")
}

func fleetOverTime() []panelLine {
	return []panelLine{
		of(10,
			timeline("State of each server", "What the exporter did with each server, and since when; with several exporters the worst of "+
				"their states. Green follows it, yellow waits after a failure, red spares a failing server, purple is held until somebody acts. "+
				"Not scraped: nobody looks.",
				stateLooksOf(), line(stateOf("server"), "{{server}}"))),
		of(8,
			timeseries("Requests in error by server", "Share of the requests of five minutes that were answered with 5xx or 401 or not at all. "+
				"Requests that the exporter gave up itself are no errors.", "percentunit",
				line(share(failing("server"), requests("server")), "{{server}}")).
				share().runbook("IcwsRequestErrors"),
			timeseries("Delivery by server, 95th percentile", "Time from asking a server for its statuses until all of them had come: "+
				"95 of 100 in the quarter of an hour before each point were faster.", "s",
				line(quantile(0.95, collect.MetricDelivery, "15m", "server"), "{{server}}")).runbook("IcwsLatencyBudgetBurn")),
	}
}

// alertTable shows the alerts that fire, the worst first and of those the newest.
func alertTable(title, description string, keys ...key) *panel {
	const quiet = "No alert fires"
	by := []string{"alertname", "server"}
	var ranks []string
	for i, s := range severities {
		ranks = append(ranks, fmt.Sprintf("%d + 0 * %s", i, firingAlerts(is("severity", s))))
	}
	active := series(alertsForState, is("service", "icws"), isNot("severity", "none")) + " and ignoring (alertstate) " + firingAlerts()
	return table(title, description+" Click one for its runbook. Empty as well when Prometheus does not load the rules of alerts/.",
		[]sortBy{{DisplayName: "Severity"}, {DisplayName: "Since", Desc: true}},
		append([]key{{label: "alertname", name: "Alert", width: 190, links: []dataLink{{
			TargetBlank: true, Title: "Runbook", URL: "${runbooks}/${__data.fields.alertname}.md",
		}}}}, keys...),
		words("Severity", 85, numbered(0, severityLooks), minimum(expr(strings.Join(ranks, " or ")), by...)).unless(quiet),
		when("Since", maximum(active, by...)).unless(quiet)).elseSay(quiet)
}

// troubleKinds are the counters that say why, in words, the worst kind first.
func troubleKinds() []string {
	kind := func(what string, counter *collect.Family, label string, with ...matcher) string {
		counted := sum(inRange(counter, with...), "server", label) + " > 0.5"
		return fmt.Sprintf(`label_replace(label_replace(%s, "reason", "$1", %q, "(.+)"), "what", %q, "", "")`, counted, label, what)
	}
	return []string{
		kind("session not opened", collect.MetricSessionOpenFailures, "reason"),
		kind("subscription lost", collect.MetricSubscriptionLosses, "reason"),
		kind("delivery check", collect.MetricDeliveryChecks, "result", like("result", "drift|timeout|failed")),
		kind("session ended", collect.MetricSessionCloses, "reason", like("reason", "unauthorized|server_closed|network|switchover")),
		kind("request failed", collect.MetricRequestFailures, "reason", isNot("reason", "canceled")),
		kind("answered", collect.MetricResponses, "code", like("code", "4..|5..")),
	}
}

func troubles() *panel {
	const quiet = "Nothing went wrong"
	kinds := troubleKinds()
	down := sum(call("avg_over_time", series(collect.MetricDownReason, isNot("reason", "starting"))+"[$__range]"), "server", "reason") + " > 0"
	// A worse kind wins whatever its number: it counts a million times as much.
	var weighted []string
	for i, k := range append([]string{fmt.Sprintf(`label_replace(%s, "what", "not up", "", "")`, down)}, kinds...) {
		weighted = append(weighted, fmt.Sprintf("%g * %s", math.Pow(1e6, float64(len(kinds)-i)), k))
	}
	worst := fmt.Sprintf("topk by (server) (1, %s)", maximum(expr(strings.Join(weighted, " or ")), "server", "what", "reason"))
	times := sum(maximum(expr(strings.Join(kinds, " or ")), "server", "what", "reason"), "server")
	recent := sum(rate(collect.MetricResponses, like("code", "4..|5..")), "server") + " + " +
		sum(rate(collect.MetricRequestFailures, isNot("reason", "canceled")), "server") + " + " +
		sum(rate(collect.MetricSubscriptionLosses), "server")
	return table("What went wrong in this time range", "One line per server: why it was not up most of the time, or else the worst that failed and its most frequent reason; when a request failed last, and how often anything did.",
		[]sortBy{{DisplayName: "Last", Desc: true}},
		[]key{serverKey(120), {label: "what", name: "What", width: 145}, {label: "reason", name: "Reason"}},
		labels(expr(worst)).unless(quiet),
		when("Last", "max_over_time((time() * ("+recent+" > bool 0) > 0)[$__range:$__interval])").unless(quiet),
		number("Times", 75, times).unless(quiet),
	).elseSay(quiet)
}

// failing are the answers and requests of five minutes that count as errors.
func failing(by string) expr {
	return "(" + sum(lately(collect.MetricResponses, like("code", "5..|401")), by) + " + " +
		sum(lately(collect.MetricRequestFailures, isNot("reason", "canceled")), by) + ")"
}

func requests(by string) expr {
	return "(" + sum(lately(collect.MetricResponses), by) + " + " + sum(lately(collect.MetricRequestFailures), by) + ")"
}

// serviceLevel is what the rules of alerts/ record, over the windows that they have:
// parts of five minutes, one a minute, so that the sum of a time is in minutes.
func serviceLevel() *panel {
	minutes := func(name string, width int, f *collect.Family, window string) column {
		sum := maximum(call("sum_over_time", series(f)+expr("["+window+"]")), "server")
		return column{name: name, query: sum, unit: "m", decimals: 1, width: width}
	}
	budget := (1 - availabilityTarget) * 30 * 24 * 60
	return table("Service level by server", fmt.Sprintf("Minutes in which a server was down, of the last hour, day and 30 days; what is left of the %.0f minutes "+
		"that the objective of %g %% grants in 30 days; and, apart from it, minutes in which we chose not to try, or nobody looked. "+
		"The rules of alerts/ record it: without them it is empty.", budget, availabilityTarget*100),
		[]sortBy{{DisplayName: "Budget left"}},
		[]key{serverKey(0)},
		minutes("Down, 1 hour", 140, unavailable, "1h").steps("text", from(1, "orange"), from(30, "red")),
		minutes("Down, 1 day", 140, unavailable, "1d").steps("text", from(7.2, "orange"), from(60, "red")),
		column{name: "Down, 30 days", query: expr(fmt.Sprintf("%.5g * (1 - %s)", budget, maximum(series(budgetLeft), "server"))), unit: "m", width: 140},
		column{name: "Budget left", query: "clamp(" + minimum(series(budgetLeft), "server") + ", 0, 1)", unit: "percentunit", width: 140}.
			steps("red", from(0.001, "orange"), from(0.5, "green")),
		minutes("Not tried, 1 hour", 150, unwatched, "1h"),
		minutes("Not tried, 1 day", 150, unwatched, "1d"),
	).elseSay("Prometheus does not load the rules of alerts/").runbook("IcwsAvailabilityBudgetBurn")
}

// switchovers marks when a session moved to another host: at the time at which the
// session there began.
func switchovers() annotation {
	a := mark("Switchovers", "purple", "server", "Switchover of {{server}}", "The session moved to another host.",
		moment(maximum(series(collect.MetricSessionEstablished), "server"))+
			" and on (server) ("+sum(call("increase", series(collect.MetricSwitchovers)+"[2m]"), "server")+" > 0)")
	a.quiet = "No switchover"
	return a
}
