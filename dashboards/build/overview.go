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
			newRow("Now",
				of(4, notUp().wide(3), watched().wide(3), exportersDown().wide(4), serversWithAlerts().wide(5), codesNow().wide(9)),
				of(10, fleetTable()),
				of(8, firing().wide(12), troubles().wide(12))),
			newRow("Over time",
				of(10, fleetStates().wide(12), alarmingCodes().wide(12)),
				of(8, errorShare().wide(12), deliveryByServer().wide(12))),
			newRow("Service level", of(9, serviceLevel())),
			collapsedRow("Users", of(8, usersByServer().wide(12), usersByGroup().wide(12)), of(8, usersOfServers().wide(columns))),
		},
	})
}

func notUp() *panel {
	return stat("Servers not up", "Servers whose icws_up is 0: the exporter does not follow them at this moment. "+
		"The table below says why. A server whose exporter cannot be scraped is not counted.", "none",
		now(orNone(sum(series(collect.MetricUp)+" == bool 0")), "not up")).
		steps("green", from(1, "red")).runbook("IcwsServerDown")
}

func watched() *panel {
	return stat("Servers watched", "Servers that the scraped exporters watch.", "none",
		now(orNone(count(maximum(series(collect.MetricUp), "job", "server"))), "servers")).plain()
}

func exportersDown() *panel {
	return stat("Targets not scraped", "Targets of the job that cannot be scraped now. Nothing is known of their servers.", "none",
		now(orNone(count(series(up)+" == 0")), "not scraped")).
		steps("green", from(1, "red")).runbook("IcwsNotWatched")
}

// serversWithAlerts counts servers, not alerts: one of them often mutes others.
func serversWithAlerts() *panel {
	with := func(severity string) expr {
		return orNone(count(count(firingAlerts(is("severity", severity)), "job", "server")))
	}
	return stat("Servers with a page or a ticket", "Servers about which an alert fires now that wakes somebody (page) or opens a "+
		"ticket. An alert that names no server counts as one.", "none",
		now(with("critical"), "page"), now(with("warning"), "ticket")).
		steps("green", from(1, "orange")).stepsOf("page", "green", from(1, "red"))
}

func firingAlerts(with ...matcher) expr {
	return series(alertsActive, append([]matcher{is("service", "icws"), is("alertstate", "firing")}, with...)...)
}

func codesNow() *panel {
	code := func(code string) target {
		return line(orNone(events(sum(lately(collect.MetricResponses, is("code", code))))), code)
	}
	return stat("401, 410 and 500 in five minutes", "Answers that need a look, of the last five minutes. 401: sessions ended or the log-on "+
		"was refused. 410: the server version has removed an interface. 500: the server failed.", unitEvents,
		code("401"), code("410"), code("500")).
		option(func(o *statOptions) { o.GraphMode = "area" }).
		whole().steps("green", from(1, "orange"), from(20, "red")).runbook("IcwsRequestErrors")
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
	return expr(fmt.Sprintf("%d + ", firstReason)) + present(collect.MetricDownReason, by...) + onlyWhere(noReason, notScraped(by...), by)
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

var happeningLooks = map[string]look{
	"0": {"–", transparent},
	"1": {"410 gone", "purple"},
	"2": {"switching over", "orange"},
	"3": {"missed changes", "orange"},
	"4": {"401", "orange"},
	"5": {"switched over", "semi-dark-blue"},
}

func fleetTable() *panel {
	answers := sum(inRange(collect.MetricResponses), byServer...)
	bad := sum(inRange(collect.MetricResponses, like("code", "4..|5..")), byServer...)
	return table("Fleet", "One line per server and exporter, those in trouble first. State says what the exporter does; Why, why the server is "+
		"not up; Now, what happened in the last five minutes: a switchover, 401, changes that no message announced, an operation answered "+
		"with 410. Delivery: 95 of 100 lists of this time range came faster. Errors: 4xx and 5xx among the answers of this time range.",
		[]sortBy{{DisplayName: "Why", Desc: true}, {DisplayName: "State", Desc: true}, {DisplayName: "Now", Desc: true}},
		[]key{serverKey(110), {label: "instance", name: "Exporter", last: true}},
		column{name: "State", query: stateOf(byServer...), looks: stateLooksOf(), width: 205},
		column{name: "Why", query: reasonOf(byServer...) + onlyWhere(0, maximum(series(collect.MetricUp), byServer...), byServer),
			looks: together(reasonLooks(), numbered(0, []look{{"–", transparent}})), width: 128},
		column{name: "Since", query: moment(maximum(series(collect.MetricProbeStateSince), byServer...)), unit: "dateTimeFromNow", width: 140},
		column{name: "Next attempt", query: moment(maximum(series(collect.MetricNextAttempt), byServer...)), unit: "dateTimeFromNow", width: 140,
			zero: "–"},
		column{name: "Now", query: happening(byServer...), looks: happeningLooks, width: 115},
		column{name: "Subscription", query: minimum(series(collect.MetricSubscriptionUp, ofStatuses), byServer...), looks: numbered(0, deliversLooks), width: 110},
		column{name: "Last contact", query: forEach(age(maximum(series(collect.MetricSubscriptionLastContact, ofStatuses), byServer...))), unit: "s", width: 110,
			thresholds: newThresholds("text", from(60, "orange"), from(180, "red"))},
		column{name: "Delivery", query: forEach(quantile(0.95, collect.MetricDelivery, "$__range", byServer...)), unit: "s", decimals: 1, width: 80,
			thresholds: newThresholds("text", from(2, "orange"), from(10, "red"))},
		column{name: "Statuses", query: forEach(maximum(series(collect.MetricCatalogueEntries), byServer...)), unit: "none", width: 75,
			links: []dataLink{{Title: "Its statuses", URL: to(uidCatalogue)}}},
		column{name: "Errors", query: share(bad, answers), unit: "percentunit", width: 60, decimals: 1,
			thresholds: newThresholds("text", from(0.01, "orange"), from(0.1, "red"))},
	).wide(columns).runbook("IcwsServerDown")
}

func fleetStates() *panel {
	return timeline("State of each server", "What the exporter did with each server, and since when; with several exporters the worst of "+
		"their states. Green follows it, yellow waits after a failure, red spares a failing server, purple is held until somebody acts. "+
		"Not scraped: nobody looks.",
		stateLooksOf(), line(stateOf("server"), "{{server}}"))
}

// alertTable shows the alerts that fire, the worst first and of those the newest.
func alertTable(title, description string, keys ...key) *panel {
	by := []string{"alertname", "server"}
	var ranks []string
	looks := map[string]look{}
	for i, s := range severities {
		ranks = append(ranks, fmt.Sprintf("%d + 0 * %s", i, firingAlerts(is("severity", s.label))))
		looks[fmt.Sprint(i)] = s.look
	}
	active := series(alertsForState, is("service", "icws"), isNot("severity", "none")) + " and ignoring (alertstate) " + firingAlerts()
	p := table(title, description+" Click one for its runbook. Empty as well when Prometheus does not load the rules of alerts/.",
		[]sortBy{{DisplayName: "Severity"}, {DisplayName: "Since", Desc: true}},
		append([]key{{label: "alertname", name: "Alert", width: 190, links: []dataLink{{
			TargetBlank: true, Title: "Runbook", URL: "${runbooks}/${__data.fields.alertname}.md",
		}}}}, keys...),
		column{name: "Severity", query: minimum(expr(strings.Join(ranks, " or ")), by...), looks: looks, width: 85, quiet: "No alert fires"},
		column{name: "Since", unit: "dateTimeFromNow", width: 140, quiet: "No alert fires", query: moment(maximum(active, by...))})
	return p.elseSay("No alert fires")
}

func firing() *panel {
	return alertTable("Firing alerts", "Alerts that fire now, and since when their condition holds. Those that name no server or no exporter are always here.",
		serverKey(0))
}

// troubleKinds are the counters that say why, in words, the worst kind first.
func troubleKinds(grew func(*collect.Family, ...matcher) expr) []string {
	kind := func(what string, counter *collect.Family, label string, with ...matcher) string {
		counted := sum(grew(counter, with...), "server", label) + " > 0.5"
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
	kinds := troubleKinds(inRange)
	down := sum(call("avg_over_time", series(collect.MetricDownReason, isNot("reason", "starting"))+"[$__range]"), "server", "reason") + " > 0"
	// A worse kind wins whatever its number: it counts a million times as much.
	var weighted []string
	for i, k := range append([]string{fmt.Sprintf(`label_replace(%s, "what", "not up", "", "")`, down)}, kinds...) {
		weighted = append(weighted, fmt.Sprintf("%g * %s", math.Pow(1e6, float64(len(kinds)-i)), k))
	}
	worst := fmt.Sprintf("topk by (server) (1, %s)", maximum(expr(strings.Join(weighted, " or ")), "server", "what", "reason"))
	number := sum(maximum(expr(strings.Join(kinds, " or ")), "server", "what", "reason"), "server")
	recent := sum(rate(collect.MetricResponses, like("code", "4..|5..")), "server") + " + " +
		sum(rate(collect.MetricRequestFailures, isNot("reason", "canceled")), "server") + " + " +
		sum(rate(collect.MetricSubscriptionLosses), "server")
	last := "max_over_time((time() * (" + recent + " > bool 0) > 0)[$__range:$__interval])"
	return table("What went wrong in this time range", "One line per server: why it was not up most of the time, or else the worst that failed and its most frequent reason; when a request failed last, and how often anything did.",
		[]sortBy{{DisplayName: "Last", Desc: true}},
		[]key{serverKey(120), {label: "what", name: "What", width: 145}, {label: "reason", name: "Reason"}},
		column{query: expr(worst), hidden: true, quiet: "Nothing went wrong"},
		column{name: "Last", unit: "dateTimeFromNow", width: 140, query: moment(last), quiet: "Nothing went wrong"},
		column{name: "Times", unit: "none", width: 75, query: number, quiet: "Nothing went wrong"},
	).elseSay("Nothing went wrong")
}

func alarmingCodes() *panel {
	return eventCounts("401, 410 and 500", "Answers that need a look, over all servers. Fleet says which server they are of.",
		line(events(sum(lately(collect.MetricResponses, like("code", "401|410|500")), "code")), "{{code}}")).
		colored("401", "orange", "410", "purple", "500", "red").runbook("IcwsRequestErrors")
}

// failing are the answers and requests that count as errors, by labels, with a
// window function such as rate.
func failing(grew func(*collect.Family, ...matcher) expr, by ...string) expr {
	return "(" + sum(grew(collect.MetricResponses, like("code", "5..|401")), by...) + " + " +
		sum(grew(collect.MetricRequestFailures, isNot("reason", "canceled")), by...) + ")"
}

func requests(grew func(*collect.Family, ...matcher) expr, by ...string) expr {
	return "(" + sum(grew(collect.MetricResponses), by...) + " + " + sum(grew(collect.MetricRequestFailures), by...) + ")"
}

func errorShare() *panel {
	return timeseries("Requests in error by server", "Share of the requests of five minutes that were answered with 5xx or 401 or not at all. "+
		"Requests that the exporter gave up itself are no errors.", "percentunit",
		line(share(failing(lately, "server"), requests(lately, "server")), "{{server}}")).
		between(0, 1).runbook("IcwsRequestErrors")
}

func deliveryByServer() *panel {
	return timeseries("Delivery by server, 95th percentile", "Time from asking a server for its statuses until all of them had come: 95 of 100 in the quarter of an hour before each point were faster.", "s",
		line(quantile(0.95, collect.MetricDelivery, "15m", "server"), "{{server}}")).runbook("IcwsLatencyBudgetBurn")
}

// serviceLevel is what the rules of alerts/ record, over the windows that they have:
// parts of five minutes, one a minute, so that the sum of a time is in minutes.
func serviceLevel() *panel {
	minutes := func(f *collect.Family, window string) expr {
		return maximum(call("sum_over_time", series(f)+expr("["+window+"]")), "server")
	}
	const quiet = "Prometheus does not load the rules of alerts/"
	budget := (1 - availabilityTarget) * 30 * 24 * 60
	return table("Service level by server", fmt.Sprintf("Minutes in which a server was down, of the last hour, day and 30 days; what is left of the %.0f minutes "+
		"that the objective of %g %% grants in 30 days; and, apart from it, minutes in which we chose not to try, or nobody looked. "+
		"The rules of alerts/ record it: without them it is empty.", budget, availabilityTarget*100),
		[]sortBy{{DisplayName: "Budget left"}},
		[]key{serverKey(0)},
		column{name: "Down, 1 hour", query: minutes(unavailable, "1h"), unit: "m", decimals: 1, width: 140,
			thresholds: newThresholds("text", from(1, "orange"), from(30, "red"))},
		column{name: "Down, 1 day", query: minutes(unavailable, "1d"), unit: "m", decimals: 1, width: 140,
			thresholds: newThresholds("text", from(7.2, "orange"), from(60, "red"))},
		column{name: "Down, 30 days", query: expr(fmt.Sprintf("%.5g * (1 - %s)", budget, maximum(series(budgetLeft), "server"))), unit: "m", decimals: 0, width: 140},
		column{name: "Budget left", query: "clamp(" + minimum(series(budgetLeft), "server") + ", 0, 1)", unit: "percentunit", width: 140,
			thresholds: newThresholds("red", from(0.001, "orange"), from(0.5, "green"))},
		column{name: "Not tried, 1 hour", query: minutes(unwatched, "1h"), unit: "m", decimals: 1, width: 150},
		column{name: "Not tried, 1 day", query: minutes(unwatched, "1d"), unit: "m", decimals: 1, width: 150},
	).wide(columns).elseSay(quiet).runbook("IcwsAvailabilityBudgetBurn")
}

// switchovers marks when a session moved to another host: at the time at which the
// session there began.
func switchovers() annotation {
	return annotation{
		Name: "Switchovers", Datasource: chosenDatasource, Enable: true, IconColor: "purple", Step: "15s", TagKeys: "server",
		TitleFormat: "Switchover of {{server}}", TextFormat: "The session moved to another host.", UseValueForTime: "on",
		Expr: moment(maximum(series(collect.MetricSessionEstablished), "server")) +
			" and on (server) (" + sum(call("increase", series(collect.MetricSwitchovers)+"[2m]"), "server") + " > 0)",
		quiet: "No switchover",
	}
}
