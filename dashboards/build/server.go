package main

import (
	"fmt"

	"icws_exporter/exporter/collect"
)

func server() dashboard {
	return newDashboard(subject{
		uid: uidServer, title: "ICWS / Server", job: collect.MetricUp, perServer: true,
		description: "What happened to one ICWS server, and what it answered. Choose one server at the top, or some to compare.",
		annotations: []annotation{switchovers(), reloads(), refusedReloads()},
		rows: []row{
			newRow("Now",
				of(4, stateNow().wide(5), sinceNow().wide(4), nextAttempt().wide(4), lastContact().wide(4), deliveryStateNow().wide(4), cataloguesNow().wide(3))),
			newRow("States",
				of(5, probeStates().wide(8), downReasons().wide(8), breakerStates().wide(8)),
				of(5, sessionStates().wide(12), activeHosts().wide(12)),
				of(5, subscriptionStates().wide(8), serverWord().wide(8), transports().wide(8))),
			newRow("Requests and answers",
				of(9, codesByServer().wide(12), requestFailures().wide(12)),
				of(9, requestRate().wide(8), latencyHeatmap().wide(8), latencyQuantiles().wide(8))),
			newRow("Session and subscription",
				of(8, opens().wide(8), closes().wide(8), losses().wide(8)),
				of(8, operationsGone().wide(12), hostsUp().wide(12))),
			newRow("Delivery",
				of(9, deliveryHeatmap().wide(8), deliveryQuantiles().wide(8), checks().wide(8)),
				of(8, messages().wide(12), received().wide(12))),
			newRow("Facts", of(8, facts())),
		},
	})
}

// ofMany says which servers a stat shows when more are chosen than it has room for.
func ofMany(which string) string {
	return fmt.Sprintf(" Of many servers it shows %d, those %s.", stats, which)
}

func stateNow() *panel {
	return stat("State", "What the exporter does with the server now, and so why it is not up."+ofMany("in the worst states"), "none",
		now(highest(present(collect.MetricProbeState, "server")), "{{server}}")).
		mapped(looksOf(collect.MetricProbeState)).runbook("IcwsServerDown")
}

func sinceNow() *panel {
	return stat("In this state since", "Since when the exporter is in its present state with the server."+ofMany("whose state changed last"), "dateTimeFromNow",
		now(highest(moment(maximum(series(collect.MetricProbeStateSince), "server"))), "{{server}}")).plain()
}

func nextAttempt() *panel {
	return stat("Next attempt", "When the exporter tries again. It does not before, so as to spare the server or the account."+ofMany("that wait longest"), "dateTimeFromNow",
		now(highest(moment(maximum(series(collect.MetricNextAttempt), "server"))+" > 0"), "{{server}}").unless("not waiting")).
		steps("orange")
}

func lastContact() *panel {
	return stat("Last contact", "How long ago the last poll was answered or the last byte of the stream came."+ofMany("that are silent longest"), "s",
		now(highest(age(maximum(series(collect.MetricSubscriptionLastContact), "server"))), "{{server}}")).
		decimals(0).steps("green", from(60, "orange"), from(180, "red"))
}

func deliveryStateNow() *panel {
	return stat("Subscription", "Whether the subscription to status messages is registered and delivers."+ofMany("that have lost it"), "none",
		now(lowest(minimum(series(collect.MetricSubscriptionUp), "server")), "{{server}}")).
		mapped(deliversLooks).runbook("IcwsSessionUnstable")
}

func cataloguesNow() *panel {
	return stat("Numbers", "Stale: the copy of the statuses was not compared with the server for too long, so its numbers are withheld."+ofMany("that are stale"), "none",
		now(highest(maximum(series(collect.MetricCatalogueStale), "server")), "{{server}}")).
		mapped(staleLooks).runbook("IcwsServerDown")
}

func downReasons() *panel {
	return timeline("Why it was down", "The reason in one word while the server was not up; nothing while it was.",
		looksOf(collect.MetricDownReason), line(present(collect.MetricDownReason, "server"), "{{server}}").unless("up")).
		runbook("IcwsServerDown")
}

func probeStates() *panel {
	return timeline("State over time", "What the exporter did with the server. Yellow waits after a failure, red spares a failing server, purple is held "+
		"until somebody acts.", looksOf(collect.MetricProbeState),
		line(present(collect.MetricProbeState, "server"), "{{server}}"))
}

func breakerStates() *panel {
	return timeline("Circuit breaker", "Open after several failures: the exporter leaves the server alone. Half open: one request tries.",
		looksOf(collect.MetricBreakerState), line(present(collect.MetricBreakerState, "server"), "{{server}}")).runbook("IcwsServerDown")
}

func sessionStates() *panel {
	return timeline("Session", "Whether the exporter has a session with the server.", sessionLooks,
		line(minimum(series(collect.MetricSessionUp), "server"), "{{server}}")).runbook("IcwsSessionUnstable")
}

func activeHosts() *panel {
	return timeline("Active host", "Which host of the server serves the session. A change is a switchover.", activeLooks,
		line(maximum(series(collect.MetricActiveHost), "server", "host"), "{{server}} {{host}}")).runbook("IcwsSwitchover")
}

func subscriptionStates() *panel {
	return timeline("Subscription delivers", "Whether the subscription is registered and a check showed that it delivers.", deliversLooks,
		line(minimum(series(collect.MetricSubscriptionUp), "server"), "{{server}}")).runbook("IcwsServerDown")
}

func serverWord() *panel {
	return timeline("What the server says of the subscription", "Suspended: messages are held back. Faulted: the server ended it. Most servers say nothing.",
		looksOf(collect.MetricSubscriptionState), line(present(collect.MetricSubscriptionState, "server"), "{{server}}"))
}

func transports() *panel {
	return timeline("Transport", "How messages are fetched. Polling of a server that can stream: a proxy holds the stream back.",
		looksOf(collect.MetricTransport), line(present(collect.MetricTransport, "server"), "{{server}}"))
}

func codesByServer() *panel {
	return bars("Errors by code", "Answers per minute with 4xx and 5xx.",
		line(happened(sum(perMinute(collect.MetricResponses, like("code", "4..|5..")), "server", "code")), "{{server}} {{code}}").
			unless("No 4xx and no 5xx")).
		colored("401", "orange", "403", "yellow", "410", "purple", "500", "red", "503", "dark-red").runbook("IcwsRequestErrors")
}

func requestFailures() *panel {
	return bars("Requests without an answer", "Requests per minute that failed on the way, by reason. Connection: it was not made or was cut. Protocol: the answer made no sense.",
		line(happened(sum(perMinute(collect.MetricRequestFailures), "server", "reason")), "{{server}} {{reason}}").
			unless("Every request was answered")).
		colored("timeout", "orange", "connection", "red", "protocol", "purple")
}

func requestRate() *panel {
	return timeseries("Answers per minute by operation", "How many requests the server answered, by what was asked.", "cpm",
		line(happened(sum(perMinute(collect.MetricResponses), "server", "operation")), "{{server}} {{operation}}"))
}

func latencyHeatmap() *panel {
	return heatmap("Latency of requests", "How long requests took, without the stream, which is open all the time. The stronger the colour, the more requests.",
		buckets(collect.MetricRequestDuration, isNot("operation", "stream")))
}

func latencyQuantiles() *panel {
	return timeseries("Latency by operation, 95th percentile", "95 of 100 requests were faster.", "s",
		line(quantile(0.95, collect.MetricRequestDuration, "$__rate_interval", "server", "operation"), "{{server}} {{operation}}")).runbook("IcwsLatencyBudgetBurn")
}

func opens() *panel {
	return bars("Attempts to open a session", "Attempts per minute, and those that failed on every host, by reason.",
		line(happened(sum(perMinute(collect.MetricSessionOpens), "server")), "{{server}} attempts").
			unless("No session had to be opened"),
		line(happened(sum(perMinute(collect.MetricSessionOpenFailures), "server", "reason")), "{{server}} failed: {{reason}}").
			unless("No attempt failed")).
		colored("attempts", "blue", "auth", "purple", "unavailable", "orange", "server_error", "red", "network", "dark-red").
		runbook("IcwsServerDown")
}

func closes() *panel {
	return bars("Sessions that ended", "Established sessions per minute that ended, by reason; those that the server did not end when it should, and those that could not be ended at all.",
		line(happened(sum(perMinute(collect.MetricSessionCloses), "server", "reason")), "{{server}} {{reason}}").
			unless("No session ended"),
		line(happened(sum(series(collect.MetricSessionsOwed), "server")), "{{server}} owed").
			unless("No session is owed"),
		line(happened(sum(perMinute(collect.MetricSessionsAbandoned), "server")), "{{server}} could not be ended").
			unless("Every session could be ended")).
		colored("unauthorized", "orange", "server_closed", "red", "network", "dark-red", "switchover", "purple", "reload", "blue", "shutdown", "text",
			"owed", "light-orange", "ended", "light-red").
		runbook("IcwsSessionUnstable")
}

func losses() *panel {
	return bars("Subscriptions that were lost", "Subscriptions per minute that ended or stopped delivering, by reason.",
		line(happened(sum(perMinute(collect.MetricSubscriptionLosses), "server", "reason")), "{{server}} {{reason}}").
			unless("No subscription was lost")).
		colored("unauthorized", "orange", "gone", "purple", "faulted", "red", "not_delivering", "dark-red", "displaced", "light-purple").
		runbook("IcwsSessionUnstable")
}

func operationsGone() *panel {
	return timeline("Operations that are gone", "Operations that the server answered with 410: its version has removed them, and the exporter leaves them alone.",
		goneLooks, line(happened(maximum(series(collect.MetricOperationGone), "server", "operation")), "{{server}} {{operation}}").
			unless("No operation is gone")).runbook("IcwsRequestErrors")
}

func hostsUp() *panel {
	return timeline("Hosts that answer", "Whether each configured host answers the question for its version, asked every five minutes without a session. "+
		"A dead standby is seen here before the switchover.", upLooks,
		line(minimum(series(collect.MetricHostUp), "server", "host"), "{{server}} {{host}}")).runbook("IcwsStandbyDown")
}

func deliveryHeatmap() *panel {
	return heatmap("Delivery", "How long it took from asking for the statuses until all of them had come. The stronger the colour, the more checks.", buckets(collect.MetricDelivery))
}

func deliveryQuantiles() *panel {
	return timeseries("Delivery, 50th and 95th percentile", "Of the quarter of an hour before each point: half of the checks were faster than the first, 95 of 100 faster than the second.", "s",
		line(quantile(0.5, collect.MetricDelivery, "15m", "server"), "{{server}} 50 %"),
		line(quantile(0.95, collect.MetricDelivery, "15m", "server"), "{{server}} 95 %")).runbook("IcwsLatencyBudgetBurn")
}

func checks() *panel {
	return bars("Delivery checks", "Checks per minute that the subscription really delivers, by result. Drift: messages came, but the copy had been wrong.",
		line(happened(sum(perMinute(collect.MetricDeliveryChecks), "server", "result")), "{{server}} {{result}}")).
		colored("ok", "green", "drift", "orange", "timeout", "red", "failed", "dark-red", "skipped", "text").runbook("IcwsServerDown")
}

func messages() *panel {
	return timeseries("Messages and pings per minute", "Messages by kind, pings of the event stream, and messages that could not be decoded.", "cpm",
		line(sum(perMinute(collect.MetricMessages), "server", "kind"), "{{server}} {{kind}}"),
		line(sum(perMinute(collect.MetricStreamHeartbeats), "server"), "{{server}} ping"),
		line(sum(perMinute(collect.MetricMessageDecodeFailures), "server"), "{{server}} undecodable")).
		colored("full", "blue", "delta", "green", "ping", "text", "undecodable", "red")
}

func received() *panel {
	return timeseries("Received", "Bytes of the answers and of the event stream.", "Bps",
		line(sum(rate(collect.MetricReceivedBytes), "server"), "{{server}}"))
}

func facts() *panel {
	by := []string{"instance", "server"}
	days := func(f *collect.Family) expr { return forEach("(" + minimum(series(f), by...) + " - time()) / 86400") }
	soon := newThresholds("red", from(7, "orange"), from(30, "text"))
	return table("Facts", "What is known of the server and its session.",
		sortBy{DisplayName: "Server"},
		[]key{
			serverKey(130),
			{label: "site", name: "Site", width: 80},
			{label: "product", name: "Product"},
			{label: "release", name: "Release"},
			{label: "instance", name: "Exporter", last: true},
		},
		column{query: maximum(series(collect.MetricServerInfo), "instance", "server", "site", "product", "release"), hidden: true},
		column{name: "Session since", unit: "dateTimeFromNow", width: 120,
			query: forEach(moment(maximum(series(collect.MetricSessionEstablished), by...)))},
		column{name: "Subscribed since", unit: "dateTimeFromNow", width: 125,
			query: forEach(moment(maximum(series(collect.MetricSubscriptionEstablished), by...)))},
		column{name: "Last message", unit: "dateTimeFromNow", width: 120,
			query: forEach(moment(maximum(series(collect.MetricSubscriptionLastMessage), by...)))},
		column{name: "Switchover", width: 95, looks: booleans(look{"no", "transparent"}, look{"in progress", "orange"}),
			query: forEach(maximum(series(collect.MetricSwitchoverActive), by...))},
		column{name: "Standby", width: 130, looks: looksOf(collect.MetricSwitchoverBackupState),
			query: forEach(present(collect.MetricSwitchoverBackupState, by...))},
		column{name: "Hosts refused", unit: "none", width: 110, thresholds: newThresholds("text", from(1, "orange")),
			query: sum(inRange(collect.MetricAlternateHostsRejected), by...)},
		column{name: "Clock ahead", unit: "s", decimals: 1, width: 100, query: forEach(maximum(series(collect.MetricServerClockOffset), by...))},
		column{name: "Certificate", unit: "d", width: 90, thresholds: soon, query: days(collect.MetricTLSCertificateNotAfter),
			quiet: "Certificate: no server is reached over TLS"},
		column{name: "Password", unit: "d", width: 90, thresholds: soon, query: days(collect.MetricPasswordExpiry),
			quiet: "Password: no server said when it expires"},
	).wide(columns).runbook("IcwsExpiring")
}

// reloads marks when a new configuration was accepted.
func reloads() annotation {
	return annotation{
		Name: "Reloads", Datasource: chosenDatasource, Enable: true, IconColor: "blue", Step: "60s", TagKeys: "instance",
		TitleFormat: "Configuration of {{instance}}", TextFormat: "A configuration was accepted.", UseValueForTime: "on",
		Expr: moment(series(collect.MetricExporterConfigLastReloadSuccess)),
	}
}

// refusedReloads marks while the last configuration was refused.
func refusedReloads() annotation {
	return annotation{
		Name: "Refused reloads", Datasource: chosenDatasource, Enable: true, IconColor: "red", Step: "60s", TagKeys: "instance",
		TitleFormat: "Configuration of {{instance}} refused", TextFormat: "The last good one stays in effect.",
		Expr:  series(collect.MetricExporterConfigLastReloadSuccessful) + " == 0",
		quiet: "No configuration was refused",
	}
}
