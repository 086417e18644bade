package main

import (
	"fmt"

	"icws_exporter/exporter/collect"
)

func server() dashboard {
	return newDashboard(subject{
		uid: uidServer, title: "ICWS / Server", servers: oneServer(),
		description: "What happened to one IC server, and what it answered. The one in most trouble is the first in the list.",
		annotations: []annotation{switchovers(), reloads(), refusedReloads()},
		rows: []row{
			newRow("Now",
				of(5, stateNow().wide(9), sinceNow().wide(5), nextAttempt().wide(5), lastContact().wide(5)),
				of(7, states().wide(15), serverAlerts().wide(9)),
				of(8, codesByServer().wide(12), requestFailures().wide(12)),
				of(8, latencyQuantiles().wide(12), deliveryQuantiles().wide(12))),
			collapsedRow("Session and subscription",
				of(8, opens().wide(12), closes().wide(12)),
				of(8, losses().wide(12), checks().wide(12))),
			collapsedRow("Hosts and operations",
				of(6, hosts().wide(12), operationsGone().wide(12))),
			collapsedRow("Traffic",
				of(8, requestRate().wide(8), messages().wide(8), received().wide(8))),
			collapsedRow("Users and licences",
				of(8, usersByGroup().wide(12), usersByFlag().wide(12)),
				of(8, usersOnPhone().wide(8), userChanges().wide(8), groupsOfUsers().wide(8)),
				of(7, usersOfServers().wide(15), licences().wide(9))),
			collapsedRow("Facts", of(5, facts()), of(5, expiries())),
		},
	})
}

func stateNow() *panel {
	return stat("State", "What the exporter does with the server now, and under it the reason while the server is not up.", "none",
		now(stateOf("server"), "state"),
		now(reasonOf("server"), "reason").unless("No reason: the server is up")).
		option(func(o *statOptions) { o.TextMode, o.Orientation = "value", "horizontal" }).
		mapped(together(stateLooksOf(), reasonLooks())).runbook("IcwsServerDown")
}

func sinceNow() *panel {
	return stat("In this state since", "Since when the exporter is in its present state with the server.", "dateTimeFromNow",
		now(moment(maximum(series(collect.MetricProbeStateSince))), "since")).plain()
}

func nextAttempt() *panel {
	p := stat("Next attempt", "When the exporter tries again. It does not before, so as to spare the server and the user.", "dateTimeFromNow",
		now(moment(maximum(series(collect.MetricNextAttempt))), "next")).plain()
	return p.steps("orange").quietly().word("0", "not waiting")
}

func lastContact() *panel {
	return stat("Last contact", "How long ago the last poll was answered or the last byte of the stream came.", "s",
		now(age(maximum(series(collect.MetricSubscriptionLastContact, ofStatuses))), "contact")).
		whole().steps("green", from(60, "orange"), from(180, "red"))
}

// The numbers of the looks in the timeline of a server, beside those of states and
// reasons.
const (
	firstSession      = 200
	firstSubscription = 210
	firstBreaker      = 220
	firstHost         = 230
	firstWord         = 240
	firstTransport    = 250
)

// numberFrom moves the numbers of e, so that looks do not mix.
func numberFrom(first int, e expr) expr { return expr(fmt.Sprintf("%d + ", first)) + e }

func states() *panel {
	return timeline("States", "What the exporter did with the server, why it was not up, whether it had a session, whether each subscription delivered, "+
		"the circuit breaker, which spares a failing server, and which host serves. Yellow waits after a failure, red is broken, purple is held until somebody acts. "+
		"A gap: nothing was scraped, or there is no reason.",
		together(stateLooksOf(), reasonLooks(), numbered(firstSession, sessionLooks), numbered(firstSubscription, deliversLooks),
			numbered(firstBreaker, looksOf(collect.MetricBreakerState)), numbered(firstHost, activeLooks)),
		line(stateOf("server"), "state"),
		line(reasonOf("server"), "why not up").unless("It was up"),
		line(numberFrom(firstSession, minimum(series(collect.MetricSessionUp), "server")), "session"),
		line(numberFrom(firstSubscription, minimum(series(collect.MetricSubscriptionUp), "server", "subscription")), "{{subscription}}"),
		line(numberFrom(firstBreaker, present(collect.MetricBreakerState, "server")), "breaker"),
		line(numberFrom(firstHost, maximum(series(collect.MetricActiveHost), "server", "host")), "{{host}}")).
		runbook("IcwsServerDown")
}

func serverAlerts() *panel {
	return alertTable("Alerts of this server", "Alerts about this server that fire now, and since when their condition holds.",
		key{label: "server", name: "Server", unseen: true})
}

func codesByServer() *panel {
	return eventCounts("Errors by code", "Answers with 4xx and 5xx.",
		line(events(sum(lately(collect.MetricResponses, like("code", "4..|5..")), "code")), "{{code}}")).
		colored("401", "orange", "403", "dark-yellow", "410", "purple", "429", "dark-orange", "500", "red", "502", "semi-dark-red", "503", "dark-red", "504", "dark-purple").
		runbook("IcwsRequestErrors")
}

func requestFailures() *panel {
	return eventCounts("Requests without an answer", "Requests that failed on the way, by reason. Connection: it was not made or was cut. Protocol: the answer made no sense.",
		line(events(sum(lately(collect.MetricRequestFailures), "reason")), "{{reason}}")).
		colored("timeout", "orange", "connection", "red", "protocol", "purple").runbook("IcwsRequestErrors")
}

func latencyQuantiles() *panel {
	return timeseries("Latency by operation, 95th percentile", "95 of 100 requests of the five minutes before each point were faster. The stream counts until its headers came.", "s",
		line(quantile(0.95, collect.MetricRequestDuration, few, "operation"), "{{operation}}")).runbook("IcwsLatencyBudgetBurn")
}

func deliveryQuantiles() *panel {
	return timeseries("Delivery, 50th and 95th percentile", "How long it took from asking for the statuses until all of them had come. Of the quarter of an hour before each point: half of the checks were faster than the first, 95 of 100 faster than the second.", "s",
		line(quantile(0.5, collect.MetricDelivery, "15m", "server"), "50 %"),
		line(quantile(0.95, collect.MetricDelivery, "15m", "server"), "95 %")).
		colored("50 %", "blue", "95 %", "orange").runbook("IcwsLatencyBudgetBurn")
}

func opens() *panel {
	return eventCounts("Attempts to open a session", "Attempts, and those that failed on every host, by reason.",
		line(events(sum(lately(collect.MetricSessionOpens), "server")), "attempts"),
		line(events(sum(lately(collect.MetricSessionOpenFailures), "reason")), "failed: {{reason}}")).
		colored("attempts", "blue", "auth", "purple", "unavailable", "orange", "server_error", "red", "network", "dark-red").
		runbook("IcwsServerDown")
}

func closes() *panel {
	return eventCounts("Sessions that ended", "Established sessions that ended, by reason; those that the server did not end when it should, and those that could not be ended at all.",
		line(events(sum(lately(collect.MetricSessionCloses), "reason")), "{{reason}}"),
		line(sum(series(collect.MetricSessionsOwed), "server"), "owed"),
		line(events(sum(lately(collect.MetricSessionsAbandoned), "server")), "never ended")).
		colored("unauthorized", "orange", "server_closed", "red", "network", "dark-red", "switchover", "purple", "reload", "blue", "shutdown", "text",
			"owed", "dark-orange", "never ended", "semi-dark-red").
		runbook("IcwsSessionUnstable")
}

func losses() *panel {
	return eventCounts("Subscriptions that were lost", "Subscriptions that ended or stopped delivering, by reason.",
		line(events(sum(lately(collect.MetricSubscriptionLosses), "reason")), "{{reason}}")).
		colored("unauthorized", "orange", "gone", "purple", "faulted", "red", "not_delivering", "dark-red", "displaced", "dark-purple").
		runbook("IcwsSessionUnstable")
}

func checks() *panel {
	return eventCounts("Delivery checks", "Checks that the subscription really delivers, by result. Drift: messages came, but the copy had been wrong. Timeout: a list that was asked for did not come.",
		line(events(sum(lately(collect.MetricDeliveryChecks), "result")), "{{result}}")).
		colored("ok", "green", "drift", "orange", "timeout", "red", "failed", "dark-red", "skipped", "text", "renewed", "blue").runbook("IcwsServerDown")
}

func hosts() *panel {
	return timeline("Hosts and transport", "Whether each configured host answers the question for its version, asked every five minutes without a session: "+
		"a dead standby is seen here before the switchover. How messages are fetched, and what the server says of the subscription; most servers say nothing.",
		together(numbered(firstHost, upLooks), numbered(firstTransport, looksOf(collect.MetricTransport)), numbered(firstWord, looksOf(collect.MetricSubscriptionState))),
		line(numberFrom(firstHost, minimum(series(collect.MetricHostUp), "host")), "{{host}}"),
		line(numberFrom(firstTransport, present(collect.MetricTransport, "server")), "transport"),
		line(numberFrom(firstWord, present(collect.MetricSubscriptionState, "subscription")), "server on {{subscription}}")).
		runbook("IcwsStandbyDown")
}

func operationsGone() *panel {
	return timeline("Operations that are gone", "Operations that the server answered with 410: its version has removed them, and the exporter leaves them alone.",
		numbered(0, goneLooks), line(maximum(series(collect.MetricOperationGone), "operation"), "{{operation}}")).runbook("IcwsRequestErrors")
}

func requestRate() *panel {
	return timeseries("Answers by operation", "How many requests the server answered in a minute, by what was asked.", unitPerMinute,
		line(perMinute(sum(lately(collect.MetricResponses), "operation")), "{{operation}}"))
}

func messages() *panel {
	return timeseries("Messages and pings", "Messages in a minute by kind, pings of the event stream, and messages that could not be decoded.", unitPerMinute,
		line(perMinute(sum(lately(collect.MetricMessages), "kind")), "{{kind}}"),
		line(perMinute(sum(lately(collect.MetricStreamHeartbeats), "server")), "ping"),
		line(perMinute(sum(lately(collect.MetricMessageDecodeFailures), "server")), "undecodable")).
		colored("full", "blue", "delta", "green", "ping", "text", "undecodable", "red")
}

func received() *panel {
	return timeseries("Received", "Bytes of the answers and of the event stream.", "Bps",
		line(sum(rate(collect.MetricReceivedBytes), "server"), "received"))
}

func facts() *panel {
	return table("Facts", "What is known of the server and its session.",
		[]sortBy{{DisplayName: "Server"}},
		[]key{
			serverKey(120),
			{label: "site", name: "Site", width: 100},
			{label: "product", name: "Product"},
			{label: "release", name: "Release", width: 120},
			{label: "instance", name: "Exporter", last: true},
		},
		column{query: maximum(series(collect.MetricServerInfo), "instance", "server", "site", "product", "release"), hidden: true},
		column{name: "Session since", unit: "dateTimeFromNow", width: 140,
			query: forEach(moment(maximum(series(collect.MetricSessionEstablished), byServer...)))},
		column{name: "Subscribed since", unit: "dateTimeFromNow", width: 140,
			query: forEach(moment(maximum(series(collect.MetricSubscriptionEstablished, ofStatuses), byServer...)))},
		column{name: "Last message", unit: "dateTimeFromNow", width: 140,
			query: forEach(moment(maximum(series(collect.MetricSubscriptionLastMessage, ofStatuses), byServer...)))},
		column{name: "Clock ahead", unit: "s", decimals: 1, width: 110, query: forEach(maximum(series(collect.MetricServerClockOffset), byServer...))},
	).wide(columns)
}

func expiries() *panel {
	days := func(f *collect.Family) expr {
		return forEach("(" + minimum(series(f), byServer...) + " - time()) / 86400")
	}
	// Orange when the alert fires.
	soon := func(name string) *thresholds {
		warning := alertThreshold(name)
		return newThresholds("red", from(warning/3, "orange"), from(warning, "text"))
	}
	return table("Switchover pair and what expires", "The days left turn orange when the alert about them fires.",
		[]sortBy{{DisplayName: "Server"}},
		[]key{serverKey(120), {label: "instance", name: "Exporter", last: true}},
		column{name: "Switchover", width: 110, looks: numbered(0, booleans(look{"no", transparent}, look{"in progress", "orange"})),
			query: forEach(maximum(series(collect.MetricSwitchoverActive), byServer...))},
		column{name: "Standby", width: 170, looks: numbered(0, looksOf(collect.MetricSwitchoverBackupState)),
			query: forEach(present(collect.MetricSwitchoverBackupState, byServer...))},
		column{name: "Hosts refused", unit: "none", width: 120, thresholds: newThresholds("text", from(1, "orange")),
			query: sum(inRange(collect.MetricAlternateHostsRejected), byServer...)},
		column{name: "Certificate", unit: "d", width: 110, thresholds: soon("certificate_days"), query: days(collect.MetricTLSCertificateNotAfter),
			quiet: "Certificate: no server is reached over TLS"},
		column{name: "Password", unit: "d", width: 110, thresholds: soon("password_days"), query: days(collect.MetricPasswordExpiry),
			quiet: "Password: no server said when it expires"},
	).wide(columns).runbook("IcwsExpiring")
}

// reloads marks when a new configuration was accepted.
func reloads() annotation {
	return annotation{
		Name: "Reloads", Datasource: chosenDatasource, Enable: true, IconColor: "blue", Step: "15s", TagKeys: "instance",
		TitleFormat: "Configuration of {{instance}}", TextFormat: "A configuration was accepted.", UseValueForTime: "on",
		Expr: moment(series(collect.MetricExporterConfigLastReloadSuccess)),
	}
}

// refusedReloads marks while the last configuration was refused: Grafana drops
// values that are not above 0.
func refusedReloads() annotation {
	return annotation{
		Name: "Refused reloads", Datasource: chosenDatasource, Enable: true, IconColor: "red", Step: "15s", TagKeys: "instance",
		TitleFormat: "Configuration of {{instance}} refused", TextFormat: "The last good one stays in effect.",
		Expr: series(collect.MetricExporterConfigLastReloadSuccessful) + " == bool 0",
	}
}
