package main

import "icws_exporter/exporter/collect"

func catalogue() dashboard {
	return newDashboard(subject{
		uid: uidCatalogue, title: "ICWS / Status catalogue", job: collect.MetricUp, perServer: true, perGroup: true,
		description: "Which statuses the servers have, by group and by flag, how they change, and whether what we know of them is right.",
		annotations: []annotation{switchovers()},
		rows: []row{
			newRow("Now",
				of(4, statusesNow().wide(4), groupsNow().wide(4), changesInRange().wide(6), driftInRange().wide(3), staleNow().wide(3), differing().wide(4)),
				of(9, catalogues())),
			newRow("Statuses",
				of(12, statusMatrix().wide(14), statusesOfServers().wide(10)),
				of(9, statusesByGroup().wide(12), statusesByFlag().wide(12))),
			newRow("Changes",
				of(9, changes().wide(12), changesByServer().wide(12)),
				of(9, drift().wide(24))),
		},
	})
}

func statusesNow() *panel {
	return stat("Statuses", "Status messages of the chosen servers and groups.", "none", now(sum(series(collect.MetricStatuses)), "statuses")).plain()
}

func groupsNow() *panel {
	return stat("Groups", "Distinct group tags of the server that has most, before any are folded.", "none",
		now(maximum(series(collect.MetricCatalogueGroups)), "groups")).plain()
}

func changesInRange() *panel {
	return stat("Changes in this time range", "Statuses that were added, changed or removed.", "none",
		now(sum(inRange(collect.MetricCatalogueChanges), "change"), "{{change}}")).decimals(0).plain()
}

func driftInRange() *panel {
	return stat("Drift", "Statuses in this time range that a full list corrected although no message had announced it.", "none",
		now(sum(inRange(collect.MetricCatalogueDrift)), "drift")).
		decimals(0).steps("green", from(1, "orange")).runbook("IcwsMessagesMissed")
}

func staleNow() *panel {
	return stat("Stale", "Servers whose numbers are withheld, because they were not compared with the server for too long.", "none",
		now(sum(series(collect.MetricCatalogueStale)), "stale")).
		steps("green", from(1, "red")).runbook("IcwsServerDown")
}

// distinct counts the different catalogues of each site.
func distinct() expr {
	hash := maximum(series(collect.MetricCatalogueHash)+" * on (job, instance, server) group_left (site) "+series(collect.MetricServerInfo, isNot("site", "")),
		"site", "server")
	return count(expr(`count_values by (site) ("hash", `)+hash+")", "site")
}

func differing() *panel {
	return stat("Catalogues per site", "How many different catalogues the servers of a site have. Servers of one site should have the same; "+
		"servers without a site are not compared.", "none",
		now(distinct(), "{{site}}")).
		steps("green", from(2, "orange")).elseSay("No server has a site").runbook("IcwsCatalogueDiffers")
}

func catalogues() *panel {
	by := []string{"instance", "server"}
	when := func(f *collect.Family) expr { return forEach(moment(maximum(series(f), by...))) }
	value := func(f *collect.Family) expr { return forEach(maximum(series(f), by...)) }
	return table("Catalogue of each server", "Equal hashes are equal catalogues, whatever their language. Verified: when the copy was last compared "+
		"with the server.",
		sortBy{DisplayName: "Site"},
		[]key{serverKey(150), {label: "site", name: "Site", width: 100}, {label: "instance", name: "Exporter", last: true}},
		column{query: maximum(series(collect.MetricServerInfo), "instance", "server", "site"), hidden: true},
		column{name: "Hash", unit: "hex", query: value(collect.MetricCatalogueHash), width: 140},
		column{name: "Statuses", unit: "none", query: value(collect.MetricCatalogueEntries), width: 90},
		column{name: "Groups", unit: "none", query: value(collect.MetricCatalogueGroups), width: 80},
		column{name: "Numbers", looks: staleLooks, query: value(collect.MetricCatalogueStale), width: 130},
		column{name: "Last full list", unit: "dateTimeFromNow", query: when(collect.MetricCatalogueLastFull), width: 130},
		column{name: "Verified", unit: "dateTimeFromNow", query: when(collect.MetricCatalogueLastVerified), width: 130},
		column{name: "Last change", unit: "dateTimeFromNow", query: when(collect.MetricCatalogueLastChange), width: 130},
	).wide(columns).runbook("IcwsCatalogueDiffers")
}

func statusMatrix() *panel {
	return matrix("Statuses by group and flag", "How many statuses of a group have a flag, over all chosen servers: choose one server to see its own. "+
		"Blue: at least one.", "none", "group", "flag", sum(series(collect.MetricStatusesFlagged), "group", "flag")).
		runbook("IcwsCatalogueUnusable")
}

func statusesOfServers() *panel {
	return timeseries("Statuses by server", "A gap: the number is withheld, because it could be wrong.", "none",
		line(maximum(series(collect.MetricCatalogueEntries), "server"), "{{server}}")).
		stepped().runbook("IcwsCatalogueShrank")
}

func statusesByGroup() *panel {
	return timeseries("Statuses by group", "Over all chosen servers.", "none",
		line(sum(series(collect.MetricStatuses), "group"), "{{group}}")).stepped()
}

func statusesByFlag() *panel {
	return timeseries("Statuses by flag", "Over all chosen servers and groups.", "none",
		line(sum(series(collect.MetricStatusesFlagged), "flag"), "{{flag}}")).
		stepped().runbook("IcwsCatalogueUnusable")
}

func changes() *panel {
	return timeseries("Changes per minute", "Statuses that were added, changed or removed, over all chosen servers.", "cpm",
		line(sum(perMinute(collect.MetricCatalogueChanges), "change"), "{{change}}")).
		colored("added", "green", "changed", "blue", "removed", "orange").runbook("IcwsCatalogueChurn")
}

func changesByServer() *panel {
	return timeseries("Changes per minute by server", "Statuses that were added, changed or removed.", "cpm",
		line(sum(perMinute(collect.MetricCatalogueChanges), "server"), "{{server}}")).runbook("IcwsCatalogueChurn")
}

func drift() *panel {
	return bars("Drift", "Statuses per minute that a full list corrected although no message had announced it: the server had not told everything.",
		line(happened(sum(perMinute(collect.MetricCatalogueDrift), "server")), "{{server}}").unless("No drift")).runbook("IcwsMessagesMissed")
}
