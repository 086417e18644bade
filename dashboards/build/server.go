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
			newRow("Now", of(5, stateNow()...), of(7, states(), serverAlerts()), of(8, errorsOfServer()...), of(8, quantiles()...)),
			collapsedRow("Session and subscription", lives()...),
			collapsedRow("Hosts and operations", of(6, hosts(),
				timeline("Operations that are gone", "Operations that the server answered with 410: its version has removed them, and the exporter leaves them alone.",
					numbered(0, []look{{"used", "green"}, {"410: left alone", "purple"}}),
					line(maximum(series(collect.MetricOperationGone), "operation"), "{{operation}}")).runbook("IcwsRequestErrors"))),
			collapsedRow("Traffic", of(8, traffic()...)),
			collapsedRow("Users and licences",
				of(8, usersByGroup(), usersByFlag()),
				of(8, usersOnPhone(), userChanges(), groupsOfUsers()),
				of(7, usersOfServers().wide(15), licences().wide(9))),
			collapsedRow("Facts", of(5, facts()), of(5, expiries())),
		},
	})
}

func stateNow() []*panel {
	state := stat("State", "What the exporter does with the server now, and under it the reason while the server is not up.", "none",
		now(stateOf("server"), "state"),
		now(reasonOf("server"), "reason").unless("No reason: the server is up")).
		mapped(together(stateLooksOf(), reasonLooks())).runbook("IcwsServerDown").wide(9)
	state.Options["textMode"], state.Options["orientation"] = "value", "horizontal"
	next := stat("Next attempt", "When the exporter tries again. It does not before, so as to spare the server and the user.", "dateTimeFromNow",
		now(moment(maximum(series(collect.MetricNextAttempt))), "next")).plain().steps("orange").quietly().wide(5)
	next.FieldConfig.Defaults.Mappings = append(next.FieldConfig.Defaults.Mappings, inWords("0", "not waiting"))
	return []*panel{
		state,
		stat("In this state since", "Since when the exporter is in its present state with the server.", "dateTimeFromNow",
			now(moment(maximum(series(collect.MetricProbeStateSince))), "since")).plain().wide(5),
		next,
		stat("Last contact", "How long ago the last poll was answered or the last byte of the stream came.", "s",
			now(age(maximum(series(collect.MetricSubscriptionLastContact, ofStatuses))), "contact")).
			whole().steps("green", from(60, "orange"), from(180, "red")).wide(5),
	}
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
		runbook("IcwsServerDown").wide(15)
}

func serverAlerts() *panel {
	return alertTable("Alerts of this server", "Alerts about this server that fire now, and since when their condition holds.",
		key{label: "server", name: "Server", unseen: true}).wide(9)
}

func errorsOfServer() []*panel {
	return []*panel{
		eventCounts("Errors by code", "Answers with 4xx and 5xx.", eventsBy(collect.MetricResponses, "code", like("code", "4..|5.."))).
			colored("401", "orange", "403", "dark-yellow", "410", "purple", "429", "dark-orange", "500", "red", "502", "semi-dark-red", "503", "dark-red", "504", "dark-purple").
			runbook("IcwsRequestErrors"),
		eventCounts("Requests without an answer", "Requests that failed on the way, by reason. Connection: it was not made or was cut. Protocol: the answer made no sense.",
			eventsBy(collect.MetricRequestFailures, "reason")).
			colored("timeout", "orange", "connection", "red", "protocol", "purple").runbook("IcwsRequestErrors"),
	}
}

func quantiles() []*panel {
	return []*panel{
		timeseries("Latency by operation, 95th percentile", "95 of 100 requests of the five minutes before each point were faster. The stream counts until its headers came.", "s",
			line(quantile(0.95, collect.MetricRequestDuration, few, "operation"), "{{operation}}")).runbook("IcwsLatencyBudgetBurn"),
		timeseries("Delivery, 50th and 95th percentile", "How long it took from asking for the statuses until all of them had come. "+
			"Of the quarter of an hour before each point: half of the checks were faster than the first, 95 of 100 faster than the second.", "s",
			line(quantile(0.5, collect.MetricDelivery, "15m", "server"), "50 %"),
			line(quantile(0.95, collect.MetricDelivery, "15m", "server"), "95 %")).
			colored("50 %", "blue", "95 %", "orange").runbook("IcwsLatencyBudgetBurn"),
	}
}

// lives are how sessions and subscriptions began and ended.
func lives() []panelLine {
	failed := eventsBy(collect.MetricSessionOpenFailures, "reason")
	failed.LegendFormat = "failed: {{reason}}"
	return []panelLine{
		of(8,
			eventCounts("Attempts to open a session", "Attempts, and those that failed on every host, by reason.",
				line(events(sum(lately(collect.MetricSessionOpens), "server")), "attempts"), failed).
				colored("attempts", "blue", "auth", "purple", "unavailable", "orange", "server_error", "red", "network", "dark-red").
				runbook("IcwsServerDown"),
			eventCounts("Sessions that ended", "Established sessions that ended, by reason; those that the server did not end when it should, and those that could not be ended at all.",
				eventsBy(collect.MetricSessionCloses, "reason"),
				line(sum(series(collect.MetricSessionsOwed), "server"), "owed"),
				line(events(sum(lately(collect.MetricSessionsAbandoned), "server")), "never ended")).
				colored("unauthorized", "orange", "server_closed", "red", "network", "dark-red", "switchover", "purple", "reload", "blue", "shutdown", "text",
					"owed", "dark-orange", "never ended", "semi-dark-red").
				runbook("IcwsSessionUnstable")),
		of(8,
			eventCounts("Subscriptions that were lost", "Subscriptions that ended or stopped delivering, by reason.",
				eventsBy(collect.MetricSubscriptionLosses, "reason")).
				colored("unauthorized", "orange", "gone", "purple", "faulted", "red", "not_delivering", "dark-red", "displaced", "dark-purple").
				runbook("IcwsSessionUnstable"),
			eventCounts("Delivery checks", "Checks that the subscription really delivers, by result. Drift: messages came, but the copy had been wrong. Timeout: a list that was asked for did not come.",
				eventsBy(collect.MetricDeliveryChecks, "result")).
				colored("ok", "green", "drift", "orange", "timeout", "red", "failed", "dark-red", "skipped", "text", "renewed", "blue").runbook("IcwsServerDown")),
	}
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

func traffic() []*panel {
	return []*panel{
		timeseries("Answers by operation", "How many requests the server answered in a minute, by what was asked.", unitPerMinute,
			flowBy(collect.MetricResponses, "operation")),
		timeseries("Messages and pings", "Messages in a minute by kind, pings of the event stream, and messages that could not be decoded.", unitPerMinute,
			flowBy(collect.MetricMessages, "kind"),
			line(perMinute(sum(lately(collect.MetricStreamHeartbeats), "server")), "ping"),
			line(perMinute(sum(lately(collect.MetricMessageDecodeFailures), "server")), "undecodable")).
			colored("full", "blue", "delta", "green", "ping", "text", "undecodable", "red"),
		timeseries("Received", "Bytes of the answers and of the event stream.", "Bps",
			line(sum(rate(collect.MetricReceivedBytes), "server"), "received")),
	}
}

func facts() *panel {
	clock := column{name: "Clock ahead", unit: "s", decimals: 1, width: 110, query: forEach(maximum(series(collect.MetricServerClockOffset), byServer...))}
	since := func(name string, f *collect.Family, with ...matcher) column {
		c := when(name, maximum(series(f, with...), byServer...))
		c.query = forEach(c.query)
		return c
	}
	return table("Facts", "What is known of the server and its session.",
		[]sortBy{{DisplayName: "Server"}},
		[]key{
			serverKey(120),
			{label: "site", name: "Site", width: 100},
			{label: "product", name: "Product"},
			{label: "release", name: "Release", width: 120},
			exporterKey,
		},
		labels(maximum(series(collect.MetricServerInfo), "instance", "server", "site", "product", "release")),
		since("Session since", collect.MetricSessionEstablished),
		since("Subscribed since", collect.MetricSubscriptionEstablished, ofStatuses),
		since("Last message", collect.MetricSubscriptionLastMessage, ofStatuses),
		clock,
	)
}

func expiries() *panel {
	// Orange when the alert fires.
	left := func(name string, f *collect.Family, alert, quiet string) column {
		warning := alertThreshold(alert)
		return column{name: name, unit: "d", width: 110, query: forEach("(" + minimum(series(f), byServer...) + " - time()) / 86400")}.
			steps("red", from(warning/3, "orange"), from(warning, "text")).unless(quiet)
	}
	return table("Switchover pair and what expires", "The days left turn orange when the alert about them fires.",
		[]sortBy{{DisplayName: "Server"}},
		[]key{serverKey(120), exporterKey},
		words("Switchover", 110, numbered(0, []look{{"no", transparent}, {"in progress", "orange"}}),
			forEach(maximum(series(collect.MetricSwitchoverActive), byServer...))),
		words("Standby", 170, numbered(0, looksOf(collect.MetricSwitchoverBackupState)), forEach(present(collect.MetricSwitchoverBackupState, byServer...))),
		number("Hosts refused", 120, sum(inRange(collect.MetricAlternateHostsRejected), byServer...)).steps("text", from(1, "orange")),
		left("Certificate", collect.MetricTLSCertificateNotAfter, "certificate_days", "Certificate: no server is reached over TLS"),
		left("Password", collect.MetricPasswordExpiry, "password_days", "Password: no server said when it expires"),
	).runbook("IcwsExpiring")
}

// reloads marks when a new configuration was accepted.
func reloads() annotation {
	return mark("Reloads", "blue", "instance", "Configuration of {{instance}}", "A configuration was accepted.",
		moment(series(collect.MetricExporterConfigLastReloadSuccess)))
}

// refusedReloads marks while the last configuration was refused: Grafana drops
// values that are not above 0.
func refusedReloads() annotation {
	a := mark("Refused reloads", "red", "instance", "Configuration of {{instance}} refused", "The last good one stays in effect.",
		series(collect.MetricExporterConfigLastReloadSuccessful)+" == bool 0")
	a.UseValueForTime = ""
	return a
}
