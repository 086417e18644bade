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
			newRow("Now",
				of(4, statusesNow().wide(6), groupsNow().wide(3), changesInRange().wide(9), driftInRange().wide(3), staleNow().wide(3)),
				of(9, catalogues()),
				of(6, sites())),
			newRow("Statuses",
				of(10, statusMatrix()),
				of(9, statusesByGroup().wide(12), statusesByFlag().wide(12))),
			newRow("Changes",
				of(9, changes().wide(8), statusesOfServers().wide(8), drift().wide(8))),
			collapsedRow("Users in these statuses", of(9, usersByGroup().wide(8), usersByFlag().wide(8), groupsOfUsers().wide(8))),
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

func statusesNow() *panel {
	return stat("Statuses", "Status messages of the chosen servers and groups. The numbers of a server that is down or stale are not in it.", "none",
		now(ofKnown("("+orNone(sum(series(collect.MetricStatuses)))+")"), "{{known}} of {{servers}} servers known")).plain()
}

func groupsNow() *panel {
	return stat("Groups", "Groups of the server that has most, before any are folded.", "none",
		now(maximum(series(collect.MetricCatalogueGroups)), "groups")).plain()
}

func changesInRange() *panel {
	return stat("Changes in this time range", "Statuses that were added, changed or removed.", "none",
		now(sum(inRange(collect.MetricCatalogueChanges), "change"), "{{change}}")).whole().plain()
}

func driftInRange() *panel {
	return stat("Drift", "Statuses in this time range that a full list corrected although no message had announced it.", "none",
		now(sum(inRange(collect.MetricCatalogueDrift)), "drift")).
		whole().steps("green", from(1, "orange")).runbook("IcwsMessagesMissed")
}

func staleNow() *panel {
	return stat("Stale", "Servers whose numbers are withheld, because they were not compared with the server for too long.", "none",
		now(sum(series(collect.MetricCatalogueStale)), "stale")).
		steps("green", from(1, "red")).runbook("IcwsServerDown")
}

// sites compares the servers of each site. One that is down is not compared, and
// the site is not called good for it.
func sites() *panel {
	site := func(e expr) expr { return count(e, "site") }
	up := maximum(series(collect.MetricUp, isNot("site", "")), "site", "server")
	hash := expr(fmt.Sprintf("max by (site, server) (%s * on (job, instance, server) group_left (site) (1 + 0 * %s))",
		series(collect.MetricCatalogueHash), series(collect.MetricUp, isNot("site", ""))))
	const quiet = "No server has a site"
	return table("Sites", "How many different catalogues the servers of a site have: they should have one. Only servers whose numbers are known are compared; "+
		"servers without a site are not.",
		[]sortBy{{DisplayName: "Not known", Desc: true}, {DisplayName: "Catalogues", Desc: true}},
		[]key{{label: "site", name: "Site"}},
		column{name: "Catalogues", unit: "none", width: 150, query: site(expr(`count_values by (site) ("hash", `) + hash + ")"),
			thresholds: newThresholds("green", from(2, "orange"))},
		column{name: "Servers known", unit: "none", width: 150, query: site(hash)},
		column{name: "Servers", unit: "none", width: 150, query: site(up)},
		column{name: "Not known", unit: "none", width: 150, query: site(up) + " - (" + site(hash) + " or 0 * " + site(up) + ")",
			thresholds: newThresholds("text", from(1, "orange"))},
	).wide(columns).elseSay(quiet).runbook("IcwsCatalogueDiffers")
}

func catalogues() *panel {
	when := func(f *collect.Family) expr { return forEach(moment(maximum(series(f), byServer...))) }
	value := func(f *collect.Family) expr { return forEach(maximum(series(f), byServer...)) }
	return table("Catalogue of each server", "Equal hashes are equal catalogues, whatever their language. Verified: when the copy was last compared "+
		"with the server.",
		[]sortBy{{DisplayName: "Site"}},
		[]key{serverKey(130), {label: "site", name: "Site", width: 100}, {label: "instance", name: "Exporter", last: true}},
		column{query: maximum(series(collect.MetricServerInfo), "instance", "server", "site"), hidden: true},
		column{name: "Hash", unit: "hex", query: value(collect.MetricCatalogueHash), width: 130},
		column{name: "Statuses", unit: "none", query: value(collect.MetricCatalogueEntries), width: 90},
		column{name: "Groups", unit: "none", query: value(collect.MetricCatalogueGroups), width: 80},
		column{name: "Numbers", looks: numbered(0, staleLooks), query: value(collect.MetricCatalogueStale), width: 130},
		column{name: "Last full list", unit: "dateTimeFromNow", query: when(collect.MetricCatalogueLastFull), width: 140},
		column{name: "Verified", unit: "dateTimeFromNow", query: when(collect.MetricCatalogueLastVerified), width: 140},
		column{name: "Last change", unit: "dateTimeFromNow", query: when(collect.MetricCatalogueLastChange), width: 140},
	).wide(columns).runbook("IcwsCatalogueDiffers")
}

// flags are the names of the nine flags as there is room for them.
var flags = []shortName{
	{"isAcdStatus", "ACD", "green"},
	{"isSelectableStatus", "Selectable", "blue"},
	{"isAfterCallWorkStatus", "After call", "orange"},
	{"isAllowFollowUpStatus", "Follow-up", "dark-yellow"},
	{"isDoNotDisturbStatus", "DND", "red"},
	{"isForwardStatus", "Forward", "purple"},
	{"isPersistentStatus", "Persistent", "dark-blue"},
	{"canHaveDate", "Date", "dark-green"},
	{"canHaveTime", "Time", "dark-orange"},
}

// byFlag gives the series of the flags their short names and colours.
func (p *panel) byFlag() *panel {
	for _, f := range flags {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{fieldMatcher{"byName", f.value}, []property{
			{"displayName", f.short}, {"color", fieldColor{FixedColor: f.color, Mode: "fixed"}},
		}})
	}
	return p
}

// groupColors are those of the groups of a plain PureConnect server; others get one
// by their name.
var groupColors = []string{
	"Available", "green", "Break", "dark-yellow", "Follow Up", "orange", "Training", "purple", "Unavailable", "red",
	`\(none\)`, "text", `\(other\)`, neutral,
}

func statusMatrix() *panel {
	return matrix("Statuses by group and flag", "How many statuses of a group have a flag, over all chosen servers: choose one server to see its own. "+
		"Blue: at least one.", "none", "group", "flag", flags, 120, sum(series(collect.MetricStatusesFlagged), "group", "flag")).
		wide(columns).runbook("IcwsCatalogueUnusable")
}

func statusesOfServers() *panel {
	return timeseries("Statuses by server", "A gap: the number is withheld, because it could be wrong.", "none",
		line(maximum(series(collect.MetricCatalogueEntries), "server"), "{{server}}")).
		stepped().runbook("IcwsCatalogueShrank")
}

// withKnown draws the number of servers that sums are over.
func (p *panel) withKnown() *panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{fieldMatcher{"byName", knownLegend}, []property{
		{"color", fieldColor{FixedColor: neutral, Mode: "fixed"}}, {"custom.axisPlacement", "right"}, {"custom.fillOpacity", 0},
		{"custom.lineStyle", lineStyle{[]int{4, 6}, "dash"}}, {"custom.stacking", stacking{"known", "none"}},
	}})
	return p
}

type lineStyle struct {
	Dash []int  `json:"dash"`
	Fill string `json:"fill"`
}

const knownLegend = "servers known"

func statusesByGroup() *panel {
	return timeseries("Statuses by group", "Over all chosen servers that are known: when the dashed line falls, a server went stale, and nothing was deleted.", "none",
		line(sum(series(collect.MetricStatuses), "group"), "{{group}}"),
		line(known(), knownLegend)).stepped().colored(groupColors...).withKnown()
}

func statusesByFlag() *panel {
	return timeseries("Statuses by flag", "Over all chosen servers that are known, and groups: when the dashed line falls, a server went stale, and nothing was deleted.", "none",
		line(sum(series(collect.MetricStatusesFlagged), "flag"), "{{flag}}"),
		line(known(), knownLegend)).stepped().byFlag().withKnown().runbook("IcwsCatalogueUnusable")
}

func changes() *panel {
	return timeseries("Changes", "Statuses that were added, changed or removed in a minute, over all chosen servers.", unitPerMinute,
		line(perMinute(sum(lately(collect.MetricCatalogueChanges), "change")), "{{change}}")).
		colored("added", "green", "changed", "blue", "removed", "orange").runbook("IcwsCatalogueChurn")
}

func drift() *panel {
	return eventCounts("Drift by server", "Statuses that a full list corrected although no message had announced it: the server had not told everything.",
		line(events(sum(lately(collect.MetricCatalogueDrift), "server")), "{{server}}")).runbook("IcwsMessagesMissed")
}
