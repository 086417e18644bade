package main

import "icws_exporter/exporter/collect"

func exporter() dashboard {
	return newDashboard(subject{
		uid: uidExporter, title: "ICWS / Exporter",
		description: "Whether the exporter itself works: its scrapes, resources, log, limits, reloads and shards.",
		annotations: []annotation{reloads(), refusedReloads(), restarts()},
		rows: []row{
			newRow("Now",
				of(4, exportersDown().wide(4), runningExporters().wide(3), reloadState().wide(6), lastReload().wide(5), slowestLoop().wide(3), foldedNow().wide(3)),
				of(7, builds())),
			newRow("Scrapes", of(8, scrapeTime().wide(12), scrapeSize().wide(12))),
			newRow("Resources",
				of(8, memory().wide(8), processor().wide(8), routines().wide(8)),
				of(8, collection().wide(12), descriptors().wide(12))),
			newRow("Work",
				of(8, logMessages().wide(8), serversByState().wide(8), loops().wide(8)),
				of(8, folded().wide(8), shards().wide(8), configurations().wide(8))),
		},
	})
}

func runningExporters() *panel {
	return stat("Exporters", "Exporters that are scraped now.", "none", now(count(series(collect.MetricExporterBuildInfo)), "exporters")).plain()
}

func reloadState() *panel {
	return stat("Configuration", "Refused: the last configuration had a mistake, and the last good one stays in effect. The log says what is wrong.", "none",
		now(minimum(series(collect.MetricExporterConfigLastReloadSuccessful)), "configuration"),
		now(minimum(series(collect.MetricExporterWebConfigLastReloadSuccessful)), "web configuration").
			unless("No web configuration file")).
		mapped(numbered(0, reloadLooks)).runbook("IcwsExporterUnhealthy")
}

func lastReload() *panel {
	return stat("Accepted", "When a configuration was last accepted by any of the exporters.", "dateTimeFromNow",
		now(moment(maximum(series(collect.MetricExporterConfigLastReloadSuccess))), "accepted")).plain()
}

func slowestLoop() *panel {
	return stat("Slowest loop", "How long ago the loop of a server turned last, the slowest of all. Minutes: the exporter hangs, not the server.", "s",
		now(maximum(age(series(collect.MetricProbeHeartbeat))), "slowest")).
		whole().steps("green", from(60, "orange"), from(120, "red")).runbook("IcwsNotWatched")
}

func foldedNow() *panel {
	return stat("Folded", "Label values that a limit keeps out: groups counted as (other), and statuses without series of their own.", "none",
		now(sum(series(collect.MetricExporterSeriesFolded)), "folded")).
		steps("green", from(1, "orange")).runbook("IcwsExporterUnhealthy")
}

func builds() *panel {
	return table("Exporters", "What runs, where and since when. Exporters that share the servers of one file have the same configuration hash.",
		[]sortBy{{DisplayName: "Scraped"}, {DisplayName: "Exporter"}},
		[]key{
			{label: "instance", name: "Exporter"},
			{label: "version", name: "Version", width: 120},
			{label: "revision", name: "Revision", width: 120},
			{label: "goversion", name: "Go", width: 110},
		},
		column{query: maximum(series(collect.MetricExporterBuildInfo), "instance", "version", "revision", "goversion"), hidden: true},
		column{name: "Scraped", query: minimum(series(up), "instance"), looks: numbered(0, scrapedLooks), width: 110},
		column{name: "Started", unit: "dateTimeFromNow", query: moment(maximum(ofExporters(series(processStart)), "instance")), width: 140},
		column{name: "Servers", unit: "none", query: sum(series(collect.MetricExporterServers), "instance"), width: 90},
		column{name: "Shard", unit: "none", query: maximum(series(collect.MetricExporterShardOrdinal), "instance"), width: 80},
		column{name: "of", unit: "none", query: maximum(series(collect.MetricExporterShards), "instance"), width: 60},
		column{name: "Configuration", unit: "hex", query: maximum(series(collect.MetricExporterConfigHash), "instance"), width: 150},
	).wide(columns)
}

func scrapeTime() *panel {
	return timeseries("Time of a scrape", "How long Prometheus waits for the metrics. A scrape never waits for a server.", "s",
		line(ofExporters(series(scrapeDuration)), "{{instance}}"))
}

func scrapeSize() *panel {
	return timeseries("Samples of a scrape", "How many samples a scrape brings: what the exporter costs Prometheus.", "none",
		line(ofExporters(series(scrapeSamples)), "{{instance}}"))
}

func memory() *panel {
	return timeseries("Memory", "Memory of the process, and the part of it that Go has allocated.", "bytes",
		line(ofExporters(series(processMemory)), "{{instance}} process"),
		line(ofExporters(series(heapAllocated)), "{{instance}} heap"))
}

func processor() *panel {
	return timeseries("Processor", "Seconds of processor time per second; 1 is one core.", "none",
		line(ofExporters(rate(processCPU)), "{{instance}}"))
}

func routines() *panel {
	return timeseries("Goroutines", "A number that only grows is a leak.", "none", line(ofExporters(series(goroutines)), "{{instance}}"))
}

func collection() *panel {
	return timeseries("Garbage collection", "Seconds per second in which the garbage collector stopped the program.", "s",
		line(ofExporters(rate(goGCDurationSum)), "{{instance}}"))
}

func descriptors() *panel {
	return timeseries("File descriptors", "Share of the file descriptors that the process may have and has open.", "percentunit",
		line(ofExporters(share(series(processOpenFDs), series(processMaxFDs))), "{{instance}}")).between(0, 1)
}

func logMessages() *panel {
	return eventCounts("Log messages", "Messages that the exporters logged, by level, and lines that were lost since the reader of the log is too slow.",
		line(events(sum(lately(collect.MetricExporterLogMessages), "level")), "{{level}}"),
		line(events(sum(lately(collect.MetricExporterLogLinesDropped))), "lost")).
		colored("error", "red", "warn", "orange", "info", "blue", "debug", "text", "lost", "purple")
}

func serversByState() *panel {
	return timeseries("Servers by state", "How many servers are in which state, over all exporters.", "none",
		line(sum(series(collect.MetricExporterServers), "state"), "{{state}}")).
		colored("live", "green", "connecting", "blue", "subscribing", "dark-blue", "backoff", "dark-yellow", "breaker_open", "red",
			"auth_hold", "dark-purple", "unauthorized_hold", "semi-dark-purple", "displaced_hold", "purple", "gone_hold", "dark-red").stepped()
}

func loops() *panel {
	return timeseries("Age of the loops", "How long ago the loop of each server turned last.", "s",
		line(maximum(age(series(collect.MetricProbeHeartbeat)), "server"), "{{server}}")).runbook("IcwsNotWatched")
}

func folded() *panel {
	return timeseries("Folded label values", "Label values that a limit keeps out, by metric.", "none",
		line(sum(series(collect.MetricExporterSeriesFolded), "instance", "family"), "{{instance}} {{family}}")).stepped().runbook("IcwsExporterUnhealthy")
}

func shards() *panel {
	return timeseries("Shards", "How many exporters are to divide the servers, and how many do. Fewer do: some servers are not watched.", "none",
		line(maximum(series(collect.MetricExporterShards)), "wanted"),
		line(count(expr(`count_values("ordinal", `)+series(collect.MetricExporterShardOrdinal)+")"), "running")).
		colored("wanted", "blue", "running", "green").stepped().runbook("IcwsNotWatched")
}

func configurations() *panel {
	return timeseries("Different configurations", "How many different configurations the exporters run. More than one is fine only if they watch "+
		"different servers.", "none",
		line(count(expr(`count_values("hash", `)+series(collect.MetricExporterConfigHash)+")"), "configurations")).stepped()
}

// restarts marks when an exporter was started.
func restarts() annotation {
	return annotation{
		Name: "Restarts", Datasource: chosenDatasource, Enable: true, IconColor: "orange", Step: "15s", TagKeys: "instance",
		TitleFormat: "Start of {{instance}}", TextFormat: "The exporter was started.", UseValueForTime: "on",
		Expr: moment(ofExporters(series(processStart))),
	}
}
