package main

import (
	"cmp"
	"fmt"
	"strings"

	"icws_exporter/exporter/collect"
)

// columns is how wide the grid of Grafana is.
const columns = 24

// row is a heading and the lines of panels under it.
type row struct {
	title     string
	collapsed bool
	lines     []panelLine
}

// panelLine is panels of one height beside each other, all columns wide together.
type panelLine struct {
	height int
	panels []*panel
}

func newRow(title string, lines ...panelLine) row { return row{title, false, lines} }

// collapsedRow is a row that opens by a click, and whose queries do not run before.
func collapsedRow(title string, lines ...panelLine) row { return row{title, true, lines} }

func of(height int, panels ...*panel) panelLine { return panelLine{height, panels} }

// layOut numbers the panels and gives them their places, from the top down.
func layOut(rows []row) []*panel {
	var all []*panel
	y, id := 0, 0
	place := func(p *panel, where gridPos) {
		if p.Type == "state-timeline" {
			p.Options["perPage"] = timelineRows(where.H)
		}
		id++
		p.ID, p.GridPos = id, where
	}
	for _, r := range rows {
		hidden := []*panel{}
		heading := &panel{Type: "row", Title: r.title, Collapsed: &r.collapsed, Panels: &hidden}
		place(heading, gridPos{H: 1, W: columns, Y: y})
		all = append(all, heading)
		y++
		top := y
		for _, line := range r.lines {
			x := 0
			for _, p := range line.panels {
				width := cmp.Or(p.GridPos.W, columns/len(line.panels))
				place(p, gridPos{H: line.height, W: width, X: x, Y: y})
				x += width
				if r.collapsed {
					hidden = append(hidden, p)
				} else {
					all = append(all, p)
				}
			}
			y += line.height
		}
		if r.collapsed {
			y = top
		}
	}
	return all
}

// timelineRows is how many rows of a timeline of some height can be read; Grafana
// gives the others pages of their own.
func timelineRows(height int) int {
	const cell, around, row = 38, 75, 20 // pixels: of the grid, of title and axis, of a row
	return (height*cell - around) / row
}

// subject is what a dashboard is about.
type subject struct {
	uid, title, description string
	// servers and groups are the variables of these names; nil for a dashboard that
	// is about all of them.
	servers, groups *variable
	annotations     []annotation
	rows            []row
}

// tag is on all of our dashboards, for the links between them.
const tag = "icws"

func newDashboard(s subject) dashboard {
	d := dashboard{
		UID: s.uid, Title: s.title, Description: s.description, Tags: []string{tag},
		Annotations: annotationList{append([]annotation{{
			BuiltIn: 1, Datasource: object{"type": "grafana", "uid": "-- Grafana --"}, Enable: true, Hide: true,
			IconColor: "blue", Name: "Annotations & Alerts", Type: "dashboard",
		}}, s.annotations...)},
		GraphTooltip: 1,
		// The Overview has no variable server: on the way back to it the server is dropped.
		Links: []object{
			{
				"type": "dashboards", "tags": []string{tag}, "title": "ICWS", "icon": "dashboard", "url": "",
				"tooltip":    "The other dashboards of the exporter, with the same time range and the same choice",
				"asDropdown": true, "includeVars": true, "keepTime": true, "targetBlank": false,
			},
			{
				"type": "link", "tags": []string{}, "title": "Runbooks", "icon": "doc", "url": "${runbooks}/",
				"tooltip":    "What to do when an alert fires",
				"asDropdown": false, "includeVars": false, "keepTime": false, "targetBlank": true,
			},
		},
		Panels:  layOut(s.rows),
		Refresh: "30s", SchemaVersion: 39, Timezone: "browser", Version: 1,
		Templating: variableList{s.variables()},
		Time:       object{"from": "now-1h", "to": "now"},
	}
	s.confine(d)
	return d
}

// confine takes out of the queries what is about a variable that the dashboard does
// not have.
func (s subject) confine(d dashboard) {
	var absent []string
	for name, v := range map[string]*variable{"server": s.servers, "group": s.groups} {
		if v == nil {
			absent = append(absent, ", "+name+`=~"$`+name+`"`, "", ", "+name+`=~"$`+name+`|"`, "")
		}
	}
	replacer := strings.NewReplacer(absent...)
	for _, p := range d.everyPanel() {
		for i := range p.Targets {
			p.Targets[i].Expr = expr(replacer.Replace(string(p.Targets[i].Expr)))
		}
	}
	for i := range d.Annotations.List {
		a := &d.Annotations.List[i]
		a.Expr = expr(replacer.Replace(string(a.Expr)))
	}
}

// jobs are the scrape jobs that the rules of alerts/ expect the exporter to have.
const jobs = "icws.*"

func (s subject) variables() []variable {
	list := []variable{
		{
			Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Refresh: 1,
			Description: "The Prometheus that scrapes the exporter.", Options: []object{},
			Current: object{"selected": true, "text": "default", "value": "default"},
		},
		// Of up, which a target has that cannot be scraped, however long.
		queried("job", "Job", jobs, "The scrape job of the exporter.", fmt.Sprintf(`label_values(%s{job=~"%s"}, job)`, up.Name, jobs)),
		queried("instance", "Instance", ".+", "The exporter.", fmt.Sprintf(`label_values(%s{job=~"$job"}, instance)`, up.Name)),
	}
	for _, v := range []*variable{s.servers, s.groups} {
		if v != nil {
			list = append(list, *v)
		}
	}
	// An exporter serves the runbooks, one that can be scraped if there is one. The
	// targets of single servers, with --web.per-server, have names for addresses.
	runbooks := queried("runbooks", "Runbooks", "", "Where the runbooks are: an exporter.", fmt.Sprintf(
		`query_result(sort_desc(label_replace(%s and on (job, instance) last_over_time(%s[1d]), "url", "http://$1/runbooks", "instance", "(.+)")))`,
		series(up), series(collect.MetricExporterBuildInfo)))
	runbooks.Hide = 2
	return append(list, runbooks.ofOne("url"))
}

// queried is a variable with the values of a label, from which several or all may
// be chosen.
func queried(name, label, all, description, query string) variable {
	const labelValues, queryResult = 1, 3 // as the editor of Grafana numbers them
	kind := labelValues
	if strings.HasPrefix(query, "query_result(") {
		kind = queryResult
	}
	return variable{
		Name: name, Label: label, AllValue: all, Description: description, Definition: query,
		Current:    object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}},
		Datasource: chosenDatasource, IncludeAll: true, Multi: true, Options: []object{},
		Query:   object{"qryType": kind, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
		Refresh: 2, Sort: 1, Type: "query",
	}
}

// ofOne has one value, of a label of the query's result, whose order stays.
func (v variable) ofOne(label string) variable {
	v.Regex, v.Sort, v.Multi, v.IncludeAll = "/"+label+`="([^"]+)"/`, 0, false, false
	v.Current = object{"selected": false}
	return v
}

// anyServers is the variable for some or all servers.
func anyServers() *variable {
	// .* and not .+: an alert about the exporter has no server.
	return new(queried("server", "Server", ".*", "The IC server, by its configured name.",
		fmt.Sprintf(`label_values(%s{job=~"$job", instance=~"$instance"}, server)`, collect.MetricUp.Name)))
}

// oneServer is the variable for one server; the one in most trouble comes first.
func oneServer() *variable {
	// Series of the variable itself would leave only its own choice.
	unchosen := func(e expr) string { return strings.ReplaceAll(string(e), `, server=~"$server"`, "") }
	kind := func(why string, e expr) string {
		return fmt.Sprintf(`label_replace(%s, "why", %q, "", "")`, unchosen(e), why)
	}
	score := strings.Join([]string{
		kind("unwatched", "8 * "+notScraped("server")),
		kind("down", "4 * ("+maximum(series(collect.MetricUp), "server")+" == bool 0)"),
		kind("errors", "2 * ("+sum(lately(collect.MetricResponses, like("code", "401|410|5..")), "server")+" > bool 0)"),
		kind("gone", maximum(series(collect.MetricOperationGone), "server")),
	}, " or ")
	return new(queried("server", "Server", "", "The IC server, by its configured name; the one in most trouble is the first.",
		"query_result(sort_desc(sum by (server) ("+score+")))").ofOne("server"))
}

func groups() *variable {
	return new(queried("group", "Group", ".+", "The group tag of the status messages; (none) have none.",
		fmt.Sprintf(`label_values(%s{job=~"$job", instance=~"$instance", server=~"$server"}, group)`, collect.MetricStatuses.Name)))
}

// to is the address of another dashboard with the same time range and choice; the
// row of a table chooses the server.
func to(uid string) string {
	return "/d/" + uid + "?${datasource:queryparam}&${job:queryparam}&${instance:queryparam}" +
		"&var-server=${__data.fields.server}&${__url_time_range}"
}

// serverKey is the column that names the server and leads to what is known of it.
func serverKey(width int) key {
	return key{label: "server", name: "Server", width: width, links: []dataLink{{Title: "What happened to it", URL: to(uidServer)}}}
}

// exporterKey is the column that names the exporter, behind the values.
var exporterKey = key{label: "instance", name: "Exporter", last: true}

// mark is an annotation: an event at the time that is the value of its query.
func mark(name, color, tag, title, text string, e expr) annotation {
	return annotation{
		Name: name, Datasource: chosenDatasource, Enable: true, IconColor: color, Step: "15s", TagKeys: tag,
		TitleFormat: title, TextFormat: text, UseValueForTime: "on", Expr: e,
	}
}
