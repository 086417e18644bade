package main

import (
	"fmt"

	"icws_exporter/exporter/collect"
)

// columns is how wide the grid of Grafana is.
const columns = 24

// row is a heading and the lines of panels under it.
type row struct {
	title string
	lines []panelLine
}

// panelLine is panels of one height beside each other, all columns wide together.
type panelLine struct {
	height int
	panels []*panel
}

func newRow(title string, lines ...panelLine) row { return row{title, lines} }

func of(height int, panels ...*panel) panelLine { return panelLine{height, panels} }

// layOut numbers the panels and gives them their places, from the top down.
func layOut(rows []row) []*panel {
	var all []*panel
	y := 0
	add := func(p *panel, place gridPos) {
		if options, ok := p.Options.(timelineOptions); ok {
			options.PerPage = timelineRows(place.H)
			p.Options = options
		}
		p.ID, p.GridPos = len(all)+1, place
		all = append(all, p)
	}
	for _, r := range rows {
		heading := &panel{Type: "row", Title: r.title, Collapsed: new(bool), Panels: &[]panel{}}
		add(heading, gridPos{H: 1, W: columns, Y: y})
		y++
		for _, line := range r.lines {
			x := 0
			for _, p := range line.panels {
				add(p, gridPos{H: line.height, W: p.GridPos.W, X: x, Y: y})
				x += p.GridPos.W
			}
			y += line.height
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
	// job is the family whose label job the variable of this name offers.
	job *collect.Family
	// perServer and perGroup add the variables server and group.
	perServer, perGroup bool
	annotations         []annotation
	rows                []row
}

// tag is on all of our dashboards, for the links between them.
const tag = "icws"

// defaultRunbooks is where the runbooks are unless dashboards --runbook-url says
// another place.
const defaultRunbooks = "https://example.com/icws_exporter/alerts/runbooks"

func newDashboard(s subject) dashboard {
	return dashboard{
		UID: s.uid, Title: s.title, Description: s.description, Tags: []string{tag},
		Annotations: annotationList{append([]annotation{{
			BuiltIn: 1, Datasource: &datasource{"grafana", "-- Grafana --"}, Enable: true, Hide: true,
			IconColor: "blue", Name: "Annotations & Alerts", Type: "dashboard",
		}}, s.annotations...)},
		GraphTooltip: 1,
		Links: []link{
			{
				Icon: "dashboard", IncludeVars: true, KeepTime: true, Tags: []string{tag}, Title: "ICWS",
				Tooltip: "The other dashboards of the exporter, with the same time range and the same choice", Type: "dashboards",
			},
			{
				Icon: "doc", Tags: []string{}, TargetBlank: true, Title: "Runbooks",
				Tooltip: "What to do when an alert fires", Type: "link", URL: "${runbooks}/",
			},
		},
		Panels:  layOut(s.rows),
		Refresh: "30s", SchemaVersion: 39, Timezone: "browser", Version: 1,
		Templating: variableList{s.variables()},
		Time:       timeRange{"now-6h", "now"},
	}
}

func (s subject) variables() []variable {
	list := []variable{
		{
			Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Refresh: 1,
			Description: "The Prometheus that scrapes the exporter.", Options: []currentValue{},
		},
		queried("job", "Job", ".+", "The scrape job of the exporter.", fmt.Sprintf("label_values(%s, job)", s.job.Name)),
		// .* and not .+: an alert about a server has no exporter.
		queried("instance", "Instance", ".*", "The exporter.",
			fmt.Sprintf(`label_values(%s{job=~"$job"}, instance)`, s.job.Name)),
	}
	if s.perServer {
		// .* and not .+: an alert about the exporter has no server.
		list = append(list, queried("server", "Server", ".*", "The ICWS server, by its configured name.",
			fmt.Sprintf(`label_values(%s{job=~"$job", instance=~"$instance"}, server)`, collect.MetricUp.Name)))
	}
	if s.perGroup {
		list = append(list, queried("group", "Group", ".+", "The group tag of the status messages; (none) have none.",
			fmt.Sprintf("label_values(%s, group)", series(collect.MetricStatuses, like("group", ".+")))))
	}
	return append(list, variable{
		Name: "runbooks", Label: "Runbooks", Type: "constant", Query: defaultRunbooks, Hide: 2,
		Description: "Where the runbooks are.", Options: []currentValue{},
		Current: currentValue{Selected: true, Text: defaultRunbooks, Value: defaultRunbooks},
	})
}

// queried is a variable with the values of a label, from which several or all may
// be chosen.
func queried(name, label, all, description, query string) variable {
	return variable{
		Name: name, Label: label, AllValue: all, Description: description, Definition: query,
		Current:    currentValue{Selected: true, Text: []string{"All"}, Value: []string{"$__all"}},
		Datasource: chosenDatasource, IncludeAll: true, Multi: true, Options: []currentValue{},
		Query:   variableQuery{QryType: 1, Query: query, RefID: "PrometheusVariableQueryEditor-VariableQuery"},
		Refresh: 2, Sort: 1, Type: "query",
	}
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
