package main

import (
	"fmt"

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

// availabilityTarget is the share of the time in which a server is to be up; the
// error budget is the rest.
const availabilityTarget = 0.995

func overview() dashboard {
	return newDashboard(subject{
		uid: uidOverview, title: "ICWS / Overview", job: collect.MetricUp, perServer: true,
		description: "Which ICWS server is in trouble, since when and why. Click a server to get to the cause.",
		annotations: []annotation{switchovers()},
		rows: []row{
			newRow("Now", of(4,
				notUp().wide(4), watched().wide(3), exportersDown().wide(4), alertsFiring().wide(4),
				codesInRange().wide(9))),
			newRow("Servers",
				of(10, fleetTable()),
				of(10, fleetStates())),
			newRow("Why",
				of(9, firing().wide(10), troubles().wide(14)),
				of(9, alarmingCodes().wide(12), codesByClass().wide(12))),
			newRow("Service level",
				of(5, availability().wide(5), errorBudget().wide(5), requestsInTrouble().wide(5), deliveryNow().wide(5), differing().wide(4)),
				of(9, serviceLevel().wide(12), errorShare().wide(12))),
		},
	})
}

func notUp() *panel {
	return stat("Servers not up", "Servers whose icws_up is 0: the exporter does not follow them at this moment. "+
		"The table below says why. A server whose exporter cannot be scraped is not counted.", "none",
		now(sum(series(collect.MetricUp)+" == bool 0"), "not up")).
		steps("green", from(1, "red")).runbook("IcwsServerDown")
}

func watched() *panel {
	return stat("Servers watched", "Servers that the scraped exporters watch.", "none",
		now(count(series(collect.MetricUp)), "servers")).plain()
}

func exportersDown() *panel {
	return stat("Targets not scraped", "Targets that gave metrics in this time range and cannot be scraped now. "+
		"Nothing is known of their servers, which are missing from the other panels.", "none",
		now(sum(ofSeenExporters(series(up)+" == bool 0")), "not scraped")).
		steps("green", from(1, "red")).runbook("IcwsNotWatched")
}

func alertsFiring() *panel {
	return stat("Alerts firing", "Alerts that fire now about the chosen servers and exporters, by severity, "+
		"and, while All exporters are chosen, those about a server or a job, which name none. The watchdog, which always fires, "+
		"is not counted.", "none",
		now(count(firingAlerts(), "severity"), "{{severity}}").unless("none")).
		steps("green", from(1, "orange")).colored("critical", "red", "info", "blue")
}

func firingAlerts() expr {
	return series(alerts, is("service", "icws"), isNot("severity", "none"), is("alertstate", "firing"))
}

func codesInRange() *panel {
	code := func(code string) target {
		return now(sum(inRange(collect.MetricResponses, is("code", code))), code)
	}
	return stat("401, 410 and 500 in this time range", "Answers of the servers that need a look. 401: sessions ended or the log-on "+
		"was refused. 410: the server version has removed an interface. 500: the server failed.", "none",
		code("401"), code("410"), code("500")).
		decimals(0).steps("green", from(1, "orange"), from(100, "red")).runbook("IcwsRequestErrors")
}

func fleetTable() *panel {
	by := []string{"instance", "server"}
	answers := sum(inRange(collect.MetricResponses), by...)
	shareOf := func(codes string) expr {
		return share(sum(inRange(collect.MetricResponses, like("code", codes)), by...), answers)
	}
	bad := newThresholds("text", from(0.01, "orange"), from(0.1, "red"))
	return table("Fleet", "One line per server and exporter, those in trouble first. State says what the exporter does and so why a "+
		"server is not up; Since, how long; Next attempt, when it tries again. 4xx and 5xx are shares of the answers in this time range.",
		sortBy{DisplayName: "Up"},
		[]key{serverKey(130), {label: "instance", name: "Exporter", last: true}},
		column{name: "Up", query: maximum(series(collect.MetricUp), by...), looks: upLooks, width: 60},
		column{name: "State", query: present(collect.MetricProbeState, by...), looks: looksOf(collect.MetricProbeState), width: 165},
		column{name: "Since", query: moment(maximum(series(collect.MetricProbeStateSince), by...)), unit: "dateTimeFromNow", width: 100},
		column{name: "Next attempt", query: moment(maximum(series(collect.MetricNextAttempt), by...)), unit: "dateTimeFromNow", width: 100,
			zero: "–"},
		column{name: "Subscription", query: minimum(series(collect.MetricSubscriptionUp), by...), looks: deliversLooks, width: 95},
		column{name: "Breaker", query: present(collect.MetricBreakerState, by...), looks: looksOf(collect.MetricBreakerState), width: 80},
		column{name: "Last contact", query: forEach(age(maximum(series(collect.MetricSubscriptionLastContact), by...))), unit: "s", width: 95,
			thresholds: newThresholds("text", from(60, "orange"), from(180, "red"))},
		column{name: "Statuses", query: forEach(maximum(series(collect.MetricCatalogueEntries), by...)), unit: "none", width: 75,
			links: []dataLink{{Title: "Its statuses", URL: to(uidCatalogue)}}},
		column{name: "4xx", query: shareOf("4.."), unit: "percentunit", width: 65, decimals: 1, thresholds: bad},
		column{name: "5xx", query: shareOf("5.."), unit: "percentunit", width: 65, decimals: 1, thresholds: bad},
		column{name: "Switchovers", query: sum(inRange(collect.MetricSwitchovers), by...), unit: "none", width: 95,
			thresholds: newThresholds("text", from(1, "orange"))},
		column{name: "Certificate", query: forEach("(" + minimum(series(collect.MetricTLSCertificateNotAfter), by...) + " - time()) / 86400"),
			unit: "d", width: 90, thresholds: newThresholds("red", from(7, "orange"), from(30, "text")), quiet: "Certificate: no server is reached over TLS"},
	).wide(columns).runbook("IcwsServerDown")
}

func fleetStates() *panel {
	return timeline("State of each server", "What the exporter did with each server, and since when; with several exporters the worst of "+
		"their states. Green follows it, yellow waits after a failure, red spares a failing server, purple is held until somebody acts. "+
		"A gap: nothing was scraped.",
		looksOf(collect.MetricProbeState), line(present(collect.MetricProbeState, "server"), "{{server}}")).wide(columns)
}

func firing() *panel {
	active := series(alertsForState, is("service", "icws")) + " and ignoring (alertstate) " + firingAlerts()
	return table("Firing alerts", "Alerts that fire now, and since when their condition holds. Click one for its runbook. "+
		"Those about a server or a job name no exporter: choose All of them. Empty as well when Prometheus does not load the rules of alerts/.",
		sortBy{DisplayName: "Since"},
		[]key{
			{label: "alertname", name: "Alert", width: 180, links: []dataLink{{
				TargetBlank: true, Title: "Runbook", URL: "${runbooks}/${__data.fields.alertname}.md",
			}}},
			{label: "severity", name: "Severity", width: 80, looks: severityLooks},
			serverKey(0),
		},
		column{name: "Since", unit: "dateTimeFromNow", width: 120, quiet: "No alert fires",
			query: moment(maximum(active, "alertname", "severity", "server"))})
}

// troubles are the counters that say why, in words.
func troubles() *panel {
	kind := func(what string, counter *collect.Family, label string, with ...matcher) expr {
		counted := sum(inRange(counter, with...), "server", label) + " > 0.5"
		return expr(fmt.Sprintf(`label_replace(label_replace(%s, "reason", "$1", %q, "(.+)"), "what", %q, "", "")`, counted, label, what))
	}
	all := kind("session not opened", collect.MetricSessionOpenFailures, "reason") +
		" or " + kind("session ended", collect.MetricSessionCloses, "reason", like("reason", "unauthorized|server_closed|network|switchover")) +
		" or " + kind("subscription lost", collect.MetricSubscriptionLosses, "reason") +
		" or " + kind("request failed", collect.MetricRequestFailures, "reason", isNot("reason", "canceled")) +
		" or " + kind("delivery check", collect.MetricDeliveryChecks, "result", like("result", "drift|timeout|failed")) +
		" or " + kind("error code", collect.MetricResponses, "code", like("code", "4..|5.."))
	return table("What went wrong in this time range", "Everything that failed, by server and reason, the most frequent first. "+
		"Click the server for when it was.",
		sortBy{DisplayName: "Times", Desc: true},
		[]key{
			serverKey(150),
			{label: "what", name: "What", width: 150},
			{label: "reason", name: "Reason"},
		},
		column{name: "Times", unit: "none", width: 80, quiet: "Nothing went wrong",
			query: maximum(all, "server", "what", "reason")})
}

func alarmingCodes() *panel {
	return bars("401, 410 and 500 by server", "Answers per minute that need a look.",
		line(happened(sum(perMinute(collect.MetricResponses, like("code", "401|410|500")), "server", "code")), "{{server}} {{code}}").
			unless("No 401, 410 or 500")).
		colored("401", "orange", "410", "purple", "500", "red").runbook("IcwsRequestErrors")
}

func codesByClass() *panel {
	class := fmt.Sprintf(`label_replace(%s, "class", "$1", "code", "(.).*")`, rate(collect.MetricResponses))
	return timeseries("Answers by class", "HTTP answers of the chosen servers, by the first digit of their code.", "reqps",
		line(happened(sum(expr(class), "class")), "{{class}}xx")).
		colored("2xx", "green", "3xx", "blue", "4xx", "orange", "5xx", "red")
}

// The service level, over the time range of the dashboard.

func upShare() expr { return call("avg_over_time", series(collect.MetricUp)+"[$__range]") }

func budgetLeft(available expr) expr {
	return expr(fmt.Sprintf("1 - (1 - %s) / (1 - %g)", available, availabilityTarget))
}

func availability() *panel {
	return stat("Availability", fmt.Sprintf("Share of this time range in which the servers were up, on average. The objective is %g %%.",
		availabilityTarget*100), "percentunit",
		now(average(upShare()), "available")).
		decimals(2).steps("red", from(availabilityTarget, "green")).runbook("IcwsAvailabilityBudgetBurn")
}

func errorBudget() *panel {
	return stat("Error budget left", fmt.Sprintf("What is left of the %g %% of this time range in which the servers may be down. "+
		"Negative: the objective is missed.", (1-availabilityTarget)*100), "percentunit",
		now(budgetLeft(average(upShare())), "left")).
		decimals(0).steps("red", from(0, "orange"), from(0.5, "green")).runbook("IcwsAvailabilityBudgetBurn")
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

func requestsInTrouble() *panel {
	return stat("Requests in error", "Share of the requests in this time range that were answered with 5xx or 401 or not at all. "+
		"Requests that the exporter gave up itself are no errors.", "percentunit",
		now(share(failing(inRange), requests(inRange)), "in error")).
		decimals(2).steps("green", from(0.01, "orange"), from(0.1, "red")).runbook("IcwsRequestErrors")
}

func deliveryNow() *panel {
	return stat("Delivery, 95th percentile", "Time from asking a server for its statuses until all of them had come: 95 of 100 in this "+
		"time range were faster.", "s",
		now(quantile(0.95, collect.MetricDelivery, "$__range"), "95 %")).
		decimals(2).steps("green", from(2, "orange"), from(10, "red")).runbook("IcwsLatencyBudgetBurn")
}

func serviceLevel() *panel {
	return table("Service level by server", "Availability in this time range, what is left of its error budget and of that of 30 days, as the alerts count it, and the share of requests in error.",
		sortBy{DisplayName: "Available"},
		[]key{serverKey(0)},
		column{name: "Available", query: average(upShare(), "server"), unit: "percentunit", decimals: 2, width: 110,
			thresholds: newThresholds("red", from(availabilityTarget, "green"))},
		column{name: "Budget left", query: budgetLeft(average(upShare(), "server")), unit: "percentunit", width: 110,
			thresholds: newThresholds("red", from(0, "orange"), from(0.5, "green"))},
		column{name: "Of 30 days", query: minimum(series(budgetOfMonth), "server"), unit: "percentunit", width: 110,
			thresholds: newThresholds("red", from(0, "orange"), from(0.5, "green")), quiet: "Of 30 days: Prometheus does not load the rules of alerts/"},
		column{name: "In error", query: share(failing(inRange, "server"), requests(inRange, "server")), unit: "percentunit", decimals: 2, width: 110,
			thresholds: newThresholds("green", from(0.01, "orange"), from(0.1, "red"))},
	).wide(12)
}

func errorShare() *panel {
	return timeseries("Share of requests in error by server", "Requests that were answered with 5xx or 401 or not at all.", "percentunit",
		line(share(failing(rate, "server"), requests(rate, "server")), "{{server}}")).
		between(0, 1).runbook("IcwsRequestErrors")
}

// switchovers marks when a session moved to another host.
func switchovers() annotation {
	return annotation{
		Name: "Switchovers", Datasource: chosenDatasource, Enable: true, IconColor: "purple", Step: "60s", TagKeys: "server",
		TitleFormat: "Switchover of {{server}}", TextFormat: "The session moved to another host.",
		Expr:  sum("increase("+series(collect.MetricSwitchovers)+"[2m])", "server") + " > 0",
		quiet: "No switchover",
	}
}
