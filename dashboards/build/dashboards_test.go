package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"icws_exporter/exporter/collect"
)

// query is a query of a dashboard and where it is.
type query struct {
	where string
	target
	root *node
}

// queries are the queries of all panels and annotations, parsed.
func queries(t *testing.T, d dashboard) []query {
	t.Helper()
	var all []query
	add := func(where string, q target) {
		root, err := parsePromQL(string(q.Expr))
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		all = append(all, query{where, q, root})
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			add(d.Title+": "+p.Title+" "+q.RefID, q)
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			add(d.Title+": "+a.Name, target{Expr: a.Expr, LegendFormat: a.TitleFormat, quiet: a.quiet})
		}
	}
	return all
}

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`{{(\w+)}}`)

func TestQueriesReferToWhatExists(t *testing.T) {
	for _, d := range all() {
		for _, q := range queries(t, d) {
			labels, err := q.root.result()
			if err != nil {
				t.Errorf("%s: %v", q.where, err)
			}
			for _, l := range placeholder.FindAllStringSubmatch(q.LegendFormat, -1) {
				if !slices.Contains(labels, l[1]) {
					t.Errorf("%s: the legend has %s, the result only %v", q.where, l[1], labels)
				}
			}
		}
	}
}

// A mistake in a query has to be seen, or the test above says nothing.
func TestMistakesInQueriesAreSeen(t *testing.T) {
	for _, wrong := range []string{
		`icws_upp`,
		`icws_session_up{site="us"}`,
		`icws_probe_state{state="alive"}`,
		`icws_responses_total{code=~"401|418"}`,
		`sum by (serve) (icws_up)`,
		`sum by (code) (rate(icws_session_opens_total[5m]))`,
		`icws_up * icws_active_host`,
		`icws_up and icws_exporter_build_info`,
		`icws_up * on (host) icws_active_host`,
		`icws_up * on (server) group_left (sites) icws_server_info`,
		`label_replace(icws_session_up, "a", "$1", "site", "(.+)")`,
		`sum by (le) (rate(icws_request_duration_seconds[5m]))`,
		`histogram_quantile(0.9, sum by (server, state) (rate(icws_delivery_seconds_bucket[5m])))`,
		`rates(icws_up)`,
		`rate(icws_up[5m]`,
		`icws_up icws_up`,
		`icws_up{server="a"`,
		`icws_up ~ 2`,
		`rate(icws_up, 2)`,
	} {
		root, err := parsePromQL(wrong)
		if err != nil {
			continue
		}
		if labels, err := root.result(); err == nil {
			t.Errorf("%s is taken for right, with the labels %v", wrong, labels)
		}
	}
}

// Every query is confined by every variable that its series know.
func TestVariablesConfineEveryQuery(t *testing.T) {
	used := regexp.MustCompile(`\$\{?(\w+)`)
	for _, d := range all() {
		defined := map[string]bool{}
		for _, v := range d.Templating.List {
			defined[v.Name] = true
		}
		for _, q := range queries(t, d) {
			for _, s := range q.root.selectors() {
				m, _ := metricNamed(s.name)
				for _, label := range []string{"job", "instance", "server", "group"} {
					if slices.Contains(m.labels(), label) && lacks(s, label) != "" {
						t.Errorf("%s: %s %s", q.where, s.name, lacks(s, label))
					}
				}
			}
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range used.FindAllStringSubmatch(string(text), -1) {
			if n := name[1]; !defined[n] && !strings.HasPrefix(n, "__") && n != "1" {
				t.Errorf("%s uses $%s, which it does not define", d.Title, n)
			}
		}
		for name := range defined {
			if !strings.Contains(string(text), "$"+name) && !strings.Contains(string(text), "${"+name) {
				t.Errorf("%s does not use its variable %s", d.Title, name)
			}
		}
	}
}

// needNoPanel are the metrics that no dashboard has to show, and why.
var needNoPanel = map[string]string{
	"icws_exporter_start_time_seconds":      "read by the alert about restarts; process_start_time_seconds is shown",
	"icws_host_last_look_timestamp_seconds": "says how old icws_host_up is, which is shown",
}

// A metric that no dashboard shows is one that nobody looks at.
func TestEveryMetricIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range all() {
		for _, q := range queries(t, d) {
			for _, s := range q.root.selectors() {
				if m, ok := metricNamed(s.name); ok {
					shown[m.Name] = true
				}
			}
		}
	}
	for _, f := range collect.Families() {
		if f.OptIn == "" && shown[f.Name] == (needNoPanel[f.Name] != "") {
			t.Errorf("%s: shown is %t, a reason why it need not be: %q", f.Name, shown[f.Name], needNoPanel[f.Name])
		}
	}
	for _, f := range foreign {
		if !shown[f.Name] {
			t.Errorf("no dashboard shows %s", f.Name)
		}
	}
}

// What we expect of every Go process is what the exporter serves.
func TestProcessMetricsExist(t *testing.T) {
	var exposition string
	collect.New(collect.Options{ExporterMetrics: true}).Render(collect.Text, false, func(body []byte) { exposition = string(body) })
	for _, f := range foreign {
		if strings.HasPrefix(f.Name, "go_") || strings.HasPrefix(f.Name, "process_") {
			if !strings.Contains(exposition, "\n"+f.Name+" ") {
				t.Errorf("the exporter does not serve %s", f.Name)
			}
		}
	}
}

// The panels fill the grid: no cell is taken twice and none is empty.
func TestPanelsFillTheGrid(t *testing.T) {
	for _, d := range all() {
		cells := map[[2]int]string{}
		ids := map[int]bool{}
		height := 0
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: %s has the id %d, as another", d.Title, p.Title, p.ID)
			}
			ids[p.ID] = true
			g := p.GridPos
			height = max(height, g.Y+g.H)
			for y := g.Y; y < g.Y+g.H; y++ {
				for x := g.X; x < g.X+g.W; x++ {
					if other := cells[[2]int{x, y}]; other != "" || x >= columns {
						t.Fatalf("%s: %s lies over %q or the edge at %d, %d", d.Title, p.Title, other, x, y)
					}
					cells[[2]int{x, y}] = p.Title
				}
			}
		}
		if want := height * columns; len(cells) != want {
			t.Errorf("%s has %d holes in its grid of %d cells", d.Title, want-len(cells), want)
		}
	}
}

func TestDashboardsAreFoundAgain(t *testing.T) {
	want := []string{"icws-overview", "icws-server", "icws-catalogue", "icws-exporter"}
	titles := map[string]bool{}
	for i, d := range all() {
		if d.UID != want[i] {
			t.Errorf("the uid of %s became %s: bookmarks and alerts no longer find it", d.Title, d.UID)
		}
		if d.SchemaVersion != 39 || d.ID != nil || !slices.Contains(d.Tags, tag) {
			t.Errorf("%s: schema %d, id %v, tags %v", d.Title, d.SchemaVersion, d.ID, d.Tags)
		}
		if titles[d.Title] {
			t.Errorf("two dashboards are called %s", d.Title)
		}
		titles[d.Title] = true
		between := slices.IndexFunc(d.Links, func(l link) bool { return l.Type == "dashboards" })
		if between < 0 || !d.Links[between].KeepTime || !d.Links[between].IncludeVars || !slices.Equal(d.Links[between].Tags, []string{tag}) {
			t.Errorf("%s has no links to the others that keep the time and the variables", d.Title)
		}
	}
}

// A link in a table keeps what was chosen, and leads to a dashboard that exists.
func TestLinksInTablesLeadSomewhere(t *testing.T) {
	var uids []string
	for _, d := range all() {
		uids = append(uids, d.UID)
	}
	address := regexp.MustCompile(`"url":"(/d/([a-z-]+)[^"]*|\$\{runbooks\}/[^"]*)"`)
	links := 0
	for _, d := range all() {
		for _, p := range d.Panels {
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.ReplaceAll(string(text), `\u0026`, "&")
			for _, found := range address.FindAllStringSubmatch(plain, -1) {
				if found[2] == "" {
					continue
				}
				links++
				if !slices.Contains(uids, found[2]) {
					t.Errorf("%s links to %s", p.Title, found[2])
				}
				for _, kept := range []string{"${datasource:queryparam}", "${job:queryparam}", "${instance:queryparam}", "var-server=", "${__url_time_range}"} {
					if !strings.Contains(found[1], kept) {
						t.Errorf("%s: %s loses %s", p.Title, found[1], kept)
					}
				}
			}
			for _, field := range regexp.MustCompile(`__data\.fields\.(\w+)`).FindAllStringSubmatch(plain, -1) {
				labels := tableLabels(t, p)
				if !slices.Contains(labels, field[1]) {
					t.Errorf("%s: a link needs the column %s of %v", p.Title, field[1], labels)
				}
			}
		}
	}
	if links == 0 {
		t.Error("no table links to another dashboard")
	}
}

// tableLabels are the label columns of a table.
func tableLabels(t *testing.T, p *panel) []string {
	t.Helper()
	var labels []string
	for _, q := range p.Targets {
		root, err := parsePromQL(string(q.Expr))
		if err != nil {
			t.Fatal(err)
		}
		of, err := root.result()
		if err != nil {
			t.Fatal(err)
		}
		labels = append(labels, of...)
	}
	return labels
}

// The columns of a table come together by labels that all its queries have; a
// column that is set up for a label has that label.
func TestTablesFitTogether(t *testing.T) {
	for _, d := range all() {
		for _, p := range d.Panels {
			if p.Type != "table" {
				continue
			}
			labels := tableLabels(t, p)
			for _, o := range p.FieldConfig.Overrides {
				name := o.Matcher.Options
				matrixCorner := strings.Contains(name, `\`)
				if !strings.HasPrefix(name, "Value") && !matrixCorner && !slices.Contains(labels, name) {
					t.Errorf("%s: %s: no query has the label %s", d.Title, p.Title, name)
				}
			}
			for _, tr := range p.Transformations {
				organize, ok := tr.Options.(organizeOptions)
				if !ok {
					continue
				}
				for _, l := range labels {
					if _, placed := organize.IndexByName[l]; !placed {
						t.Errorf("%s: %s: the column %s has no place and no name", d.Title, p.Title, l)
					}
				}
			}
		}
	}
}

// On a screen of 1280 pixels a table shows its columns without scrolling, but for a
// last one without a width of its own.
func TestTablesFitASmallScreen(t *testing.T) {
	const screen = 1216 // what Grafana leaves of 1280 for the grid
	for _, d := range all() {
		for _, p := range d.Panels {
			width := 0
			if p.Type == "table" {
				for _, o := range p.FieldConfig.Overrides {
					for _, property := range o.Properties {
						if w, ok := property.Value.(int); ok && property.ID == "custom.width" {
							width += w
						}
					}
				}
			}
			if room := screen * p.GridPos.W / columns; width > room {
				t.Errorf("%s: the columns of %s are %d pixels wide, of %d", d.Title, p.Title, width, room)
			}
		}
	}
}

// A timeline that is coloured by thresholds shows these and not the states.
func TestTimelinesShowStates(t *testing.T) {
	timelines := 0
	for _, d := range all() {
		for _, p := range d.Panels {
			if p.Type != "state-timeline" {
				continue
			}
			timelines++
			defaults := p.FieldConfig.Defaults
			if defaults.Color.Mode == "thresholds" || len(defaults.Mappings) == 0 {
				t.Errorf("%s: %s is coloured by %s, with the mappings %v", d.Title, p.Title, defaults.Color.Mode, defaults.Mappings)
			}
		}
	}
	if timelines == 0 {
		t.Error("no timelines")
	}
}

// With fifty servers a number is still large enough to read, and so is a row of a
// timeline.
func TestPanelsHoldFiftyServers(t *testing.T) {
	for _, d := range all() {
		for _, p := range d.Panels {
			switch options := p.Options.(type) {
			case timelineOptions:
				if pixels := p.GridPos.H*38 - 75; options.PerPage < 1 || pixels/options.PerPage < 20 {
					t.Errorf("%s: %s draws %d rows in %d pixels", d.Title, p.Title, options.PerPage, pixels)
				}
			case statOptions:
				for _, q := range queries(t, dashboard{Panels: []*panel{p}}) {
					labels, err := q.root.result()
					bounded := q.root.name == "topk" || q.root.name == "bottomk"
					if err != nil || slices.Contains(labels, "server") && !bounded {
						t.Errorf("%s: %s has a number for each server: %v", d.Title, p.Title, err)
					}
				}
			}
		}
	}
}

// Every look has words, and a colour of Grafana's palette, which suits a light and
// a dark background.
func TestLooksAreReadable(t *testing.T) {
	palette := regexp.MustCompile(`^((super-light|light|semi-dark|dark)-)?(green|red|orange|yellow|blue|purple)$|^text$|^transparent$|^#808080$`)
	color := regexp.MustCompile(`"(?:color|fixedColor|iconColor)":"([^"]*)"`)
	for _, d := range all() {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range color.FindAllStringSubmatch(string(text), -1) {
			if !palette.MatchString(found[1]) {
				t.Errorf("%s has the colour %s", d.Title, found[1])
			}
		}
	}
	for f, looks := range stateLooks {
		for state, l := range looks {
			if l.text == "" || !slices.Contains(f.Labels[0].Values, state) {
				t.Errorf("%s: the look of %s says nothing, or there is no such state", f.Name, state)
			}
		}
	}
}
