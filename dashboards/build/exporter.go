package main

import "icws_exporter/exporter/collect"

func exporter() dashboard {
	return newDashboard(subject{
		uid: uidExporter, title: "ICWS / Exporter",
		description: "Whether the exporter itself works: its scrapes, resources, log, limits, reloads and shards.",
		annotations: []annotation{reloads(), refusedReloads(), mark("Restarts", "orange", "instance", "Start of {{instance}}", "The exporter was started.",
			moment(ofExporters(series(processStart))))},
		rows: []row{
			newRow("Now", of(4, exportersNow()...), of(7, builds())),
			newRow("Scrapes", of(8,
				timeseries("Time of a scrape", "How long Prometheus waits for the metrics. A scrape never waits for a server.", "s",
					line(ofExporters(series(scrapeDuration)), "{{instance}}")),
				timeseries("Samples of a scrape", "How many samples a scrape brings: what the exporter costs Prometheus.", "none",
					line(ofExporters(series(scrapeSamples)), "{{instance}}")))),
			newRow("Resources", of(8, resources()...)),
			newRow("Work", work()...),
		},
	})
}

func exportersNow() []*panel {
	return []*panel{
		exportersDown(),
		stat("Configuration", "Refused: the last configuration had a mistake, and the last good one stays in effect. The log says what is wrong.", "none",
			now(minimum(series(collect.MetricExporterConfigLastReloadSuccessful)), "configuration"),
			now(minimum(series(collect.MetricExporterWebConfigLastReloadSuccessful)), "web configuration").
				unless("No web configuration file")).
			mapped(numbered(0, []look{{"refused", "red"}, {"accepted", "green"}})).runbook("IcwsExporterUnhealthy").wide(12),
		stat("Accepted", "When a configuration was last accepted by any of the exporters.", "dateTimeFromNow",
			now(moment(maximum(series(collect.MetricExporterConfigLastReloadSuccess))), "accepted")).plain().wide(8),
	}
}

func builds() *panel {
	of := func(f *collect.Family) expr { return maximum(series(f), "instance") }
	return table("Exporters", "What runs, where and since when. Exporters that share the servers of one file have the same configuration hash.",
		[]sortBy{{DisplayName: "Scraped"}, {DisplayName: "Exporter"}},
		[]key{
			{label: "instance", name: "Exporter"},
			{label: "version", name: "Version", width: 120},
			{label: "revision", name: "Revision", width: 120},
			{label: "goversion", name: "Go", width: 110},
		},
		labels(maximum(series(collect.MetricExporterBuildInfo), "instance", "version", "revision", "goversion")),
		words("Scraped", 110, numbered(0, []look{{"not scraped", "red"}, {"yes", "green"}}), minimum(series(up), "instance")),
		when("Started", maximum(ofExporters(series(processStart)), "instance")),
		number("Servers", 90, sum(series(collect.MetricExporterServers), "instance")),
		number("Shard", 80, of(collect.MetricExporterShardOrdinal)),
		number("of", 60, of(collect.MetricExporterShards)),
		column{name: "Configuration", unit: "hex", query: of(collect.MetricExporterConfigHash), width: 150},
	)
}

func resources() []*panel {
	return []*panel{
		timeseries("Memory", "Memory of the process, and the part of it that Go has allocated.", "bytes",
			line(ofExporters(series(processMemory)), "{{instance}} process"),
			line(ofExporters(series(heapAllocated)), "{{instance}} heap")),
		timeseries("Processor", "Seconds of processor time per second; 1 is one core.", "none",
			line(ofExporters(rate(processCPU)), "{{instance}}")),
		timeseries("Goroutines", "A number that only grows is a leak.", "none", line(ofExporters(series(goroutines)), "{{instance}}")),
		timeseries("File descriptors", "Share of the file descriptors that the process may have and has open.", "percentunit",
			line(ofExporters(share(series(processOpenFDs), series(processMaxFDs))), "{{instance}}")).share(),
	}
}

func work() []panelLine {
	return []panelLine{
		of(8,
			eventCounts("Log messages", "Messages that the exporters logged, by level, and lines that were lost because the reader of the log is too slow.",
				eventsBy(collect.MetricExporterLogMessages, "level"),
				line(events(sum(lately(collect.MetricExporterLogLinesDropped))), "lost")).
				colored("error", "red", "warn", "orange", "info", "blue", "debug", "text", "lost", "purple"),
			timeseries("Servers by state", "How many servers are in which state, over all exporters.", "none",
				line(sum(series(collect.MetricExporterServers), "state"), "{{state}}")).
				colored("live", "green", "connecting", "blue", "subscribing", "dark-blue", "backoff", "dark-yellow", "breaker_open", "red",
					"auth_hold", "dark-purple", "unauthorized_hold", "semi-dark-purple", "displaced_hold", "purple", "gone_hold", "dark-red").stepped(),
			timeseries("Age of the loops", "How long ago the loop of each server turned last.", "s",
				line(maximum(age(series(collect.MetricProbeHeartbeat)), "server"), "{{server}}")).runbook("IcwsNotWatched")),
		of(8,
			timeseries("Folded label values", "Label values that a limit keeps out, by metric.", "none",
				line(sum(series(collect.MetricExporterSeriesFolded), "instance", "family"), "{{instance}} {{family}}")).stepped().runbook("IcwsExporterUnhealthy"),
			timeseries("Shards", "How many exporters are to divide the servers, and how many do. Fewer do: some servers are not watched.", "none",
				line(maximum(series(collect.MetricExporterShards)), "wanted"),
				line(count(`count_values("ordinal", `+series(collect.MetricExporterShardOrdinal)+")"), "running")).
				colored("wanted", "blue", "running", "green").stepped().runbook("IcwsNotWatched")),
	}
}
