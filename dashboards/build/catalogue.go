package main

import (
	"fmt"

	"icws_exporter/exporter/collect"
)

func catalogue() dashboard {
	return newDashboard(subject{
		uid: uidCatalogue, title: "ICWS / Status catalogue", servers: anyServers(), groups: groups(),
		description: "Which statuses the servers have, by group and by flag, how they change, and whether what we know of them is right.",
		annotations: []annotation{switchovers()},
		rows: []row{
			newRow("Now", of(4, statusesNow()...), of(9, catalogues()), of(6, sites())),
			newRow("Statuses", statuses()...),
			newRow("Changes", of(9, changes()...)),
			collapsedRow("Users in these statuses", of(9, usersByGroup(), usersByFlag(), groupsOfUsers())),
		},
	})
}

// known are the servers whose numbers are not withheld: sums are over them.
func known() expr { return orNone(count(maximum(series(collect.MetricCatalogueEntries), "server"))) }

// ofKnown gives a sum the labels known and servers, for "n of m servers known".
func ofKnown(total expr) expr {
	servers := orNone(count(maximum(series(collect.MetricUp), "server")))
	return expr(fmt.Sprintf(`%s * on () group_left (known, servers) (0 * count_values("known", %s) * on () group_left (servers) count_values("servers", %s) + 1)`,
		total, known(), servers))
}

func statusesNow() []*panel {
	return []*panel{
		stat("Statuses", "Status messages of the chosen servers and groups. The numbers of a server that is down or stale are not in it.", "none",
			now(ofKnown("("+orNone(sum(series(collect.MetricStatuses)))+")"), "{{known}} of {{servers}} servers known")).plain().wide(9),
		stat("Changes in this time range", "Statuses that were added, changed or removed.", "none",
			now(sum(inRange(collect.MetricCatalogueChanges), "change"), "{{change}}")).whole().plain().wide(9),
		stat("Drift", "Statuses in this time range that a full list corrected although no message had announced it.", "none",
			now(sum(inRange(collect.MetricCatalogueDrift)), "drift")).
			whole().steps("green", from(1, "orange")).runbook("IcwsMessagesMissed").wide(3),
		stat("Stale", "Servers whose numbers are withheld, because they were not compared with the server for too long.", "none",
			now(sum(series(collect.MetricCatalogueStale)), "stale")).
			steps("green", from(1, "red")).runbook("IcwsServerDown").wide(3),
	}
}

// sites compares the servers of each site. One that is down is not compared, and
// the site is not called good for it.
func sites() *panel {
	site := func(e expr) expr { return count(e, "site") }
	up := maximum(series(collect.MetricUp, isNot("site", "")), "site", "server")
	hash := expr(fmt.Sprintf("max by (site, server) (%s * on (job, instance, server) group_left (site) (1 + 0 * %s))",
		series(collect.MetricCatalogueHash), series(collect.MetricUp, isNot("site", ""))))
	return table("Sites", "How many different catalogues the servers of a site have: they should have one. Only servers whose numbers are known are compared; "+
		"servers without a site are not.",
		[]sortBy{{DisplayName: "Not known", Desc: true}, {DisplayName: "Catalogues", Desc: true}},
		[]key{{label: "site", name: "Site"}},
		number("Catalogues", 150, site(`count_values by (site) ("hash", `+hash+")")).steps("green", from(2, "orange")),
		number("Servers known", 150, site(hash)),
		number("Servers", 150, site(up)),
		number("Not known", 150, site(up)+" - ("+site(hash)+" or 0 * "+site(up)+")").steps("text", from(1, "orange")),
	).elseSay("No server has a site").runbook("IcwsCatalogueDiffers")
}

func catalogues() *panel {
	value := func(f *collect.Family) expr { return forEach(maximum(series(f), byServer...)) }
	since := func(name string, f *collect.Family) column {
		c := when(name, maximum(series(f), byServer...))
		c.query = forEach(c.query)
		return c
	}
	return table("Catalogue of each server", "Equal hashes are equal catalogues, whatever their language. Verified: when the copy was last compared "+
		"with the server.",
		[]sortBy{{DisplayName: "Site"}},
		[]key{serverKey(130), {label: "site", name: "Site", width: 100}, exporterKey},
		labels(maximum(series(collect.MetricServerInfo), "instance", "server", "site")),
		column{name: "Hash", unit: "hex", query: value(collect.MetricCatalogueHash), width: 130},
		number("Statuses", 90, value(collect.MetricCatalogueEntries)),
		number("Groups", 80, value(collect.MetricCatalogueGroups)),
		words("Numbers", 130, numbered(0, staleLooks), value(collect.MetricCatalogueStale)),
		since("Last full list", collect.MetricCatalogueLastFull),
		since("Verified", collect.MetricCatalogueLastVerified),
		since("Last change", collect.MetricCatalogueLastChange),
	).runbook("IcwsCatalogueDiffers")
}

// knownLegend is the line of the number of servers that sums are over.
const knownLegend = "servers known"

// withKnown draws that line apart from the others.
func (p *panel) withKnown() *panel {
	return p.overridden("byName", knownLegend,
		property{"color", fixed(neutral)}, property{"custom.axisPlacement", "right"}, property{"custom.fillOpacity", 0},
		property{"custom.lineStyle", object{"dash": []int{4, 6}, "fill": "dash"}}, property{"custom.stacking", object{"group": "known", "mode": "none"}})
}

func statuses() []panelLine {
	return []panelLine{
		of(10, matrix("Statuses by group and flag", "How many statuses of a group have a flag, over all chosen servers: choose one server to see its own. "+
			"Blue: at least one.", "none", "group", "flag", flags, 120, sum(series(collect.MetricStatusesFlagged), "group", "flag")).
			runbook("IcwsCatalogueUnusable")),
		of(9,
			timeseries("Statuses by group", "Over all chosen servers that are known: when the dashed line falls, a server went stale, and nothing was deleted.", "none",
				line(sum(series(collect.MetricStatuses), "group"), "{{group}}"),
				line(known(), knownLegend)).stepped().colored(groupColors...).withKnown(),
			timeseries("Statuses by flag", "Over all chosen servers that are known, and groups: when the dashed line falls, a server went stale, and nothing was deleted.", "none",
				line(sum(series(collect.MetricStatusesFlagged), "flag"), "{{flag}}"),
				line(known(), knownLegend)).stepped().byFlag().withKnown().runbook("IcwsCatalogueUnusable")),
	}
}

func changes() []*panel {
	return []*panel{
		timeseries("Changes", "Statuses that were added, changed or removed in a minute, over all chosen servers.", unitPerMinute,
			flowBy(collect.MetricCatalogueChanges, "change")).
			colored("added", "green", "changed", "blue", "removed", "orange").runbook("IcwsCatalogueChurn"),
		timeseries("Statuses by server", "A gap: the number is withheld, because it could be wrong.", "none",
			line(maximum(series(collect.MetricCatalogueEntries), "server"), "{{server}}")).
			stepped().runbook("IcwsCatalogueShrank"),
		eventCounts("Drift by server", "Statuses that a full list corrected although no message had announced it: the server had not told everything.",
			eventsBy(collect.MetricCatalogueDrift, "server")).runbook("IcwsMessagesMissed"),
	}
}
