package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter/collect"
)

// What Grafana draws, estimated: the rules here come from what was cut, tiny or wrong
// in a real one.

// grid is what Grafana leaves of a screen of 1440 pixels for the panels.
const grid = 1376

// pixels is how wide a text is in a size, and around it.
func pixels(text string, size, around float64) float64 {
	return float64(len([]rune(text)))*0.55*size + around
}

// panelWidth is how wide the content of a panel is.
func panelWidth(p *panel) float64 { return float64(grid*p.GridPos.W/columns - 24) }

// texts are the words that mappings have, the longest first.
func texts(list []mapping) []string {
	var all []string
	for _, m := range list {
		switch options := m.Options.(type) {
		case map[string]mappingResult:
			for _, r := range options {
				all = append(all, r.Text)
			}
		case special:
			all = append(all, options.Result.Text)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// longest are the longest texts that values of a unit have.
var longest = map[string]string{
	"dateTimeFromNow": "a few seconds ago", "s": "59.9 mins", "none": "10000", "percentunit": "100.0%", "d": "365.0 days",
	"hex": "FFFFFFFFFFFF", "m": "43.2 K min", unitEvents: "100 /5 min", unitPerMinute: "100.5 /min",
}

// A number or a word of a stat has a size that can be read whatever it says, and fits.
func TestStatsAreReadable(t *testing.T) {
	looked := 0
	for _, d := range all() {
		for _, p := range d.everyPanel() {
			if p.Type != "stat" {
				continue
			}
			looked++
			if sizes := p.Options["text"].(object); p.Options["wideLayout"] != false || sizes["titleSize"] != 14 || sizes["valueSize"] != 26 {
				t.Errorf("%s: %s: wide %v, sizes %v", d.Title, p.Title, p.Options["wideLayout"], sizes)
			}
			beside := float64(len(p.Targets))
			if p.Options["orientation"] == "horizontal" {
				beside = 1
			}
			if strings.Contains(p.Targets[0].LegendFormat, "{{change}}") {
				beside = float64(len(collect.MetricCatalogueChanges.Labels[0].Values))
			}
			values := append(texts(p.FieldConfig.Defaults.Mappings), longest[p.FieldConfig.Defaults.Unit])
			for _, text := range values {
				if room := panelWidth(p) / beside; pixels(text, 26, 16) > room {
					t.Errorf("%s: %s: %q needs %.0f pixels of %.0f", d.Title, p.Title, text, pixels(text, 26, 16), room)
				}
			}
		}
	}
	if looked < 15 {
		t.Errorf("only %d panels of numbers", looked)
	}
}

// Nothing, and what is no number, is a dash without a colour of its own.
func TestNothingHasNoColour(t *testing.T) {
	quiet := func(where string, list []mapping) {
		for _, m := range list {
			if s, ok := m.Options.(special); ok && s.Match == "null+nan" && s.Result.Text == "–" && (s.Result.Color == "text" || s.Result.Color == transparent) {
				return
			}
		}
		t.Errorf("%s: null and NaN are no dash in the colour of text: %v", where, list)
	}
	for _, d := range all() {
		for _, p := range d.everyPanel() {
			where := d.Title + ": " + p.Title
			defaults := p.FieldConfig.Defaults
			background := p.Options["colorMode"] == "background"
			if p.Type == "stat" || p.Type == "table" || p.Type == "state-timeline" {
				quiet(where, defaults.Mappings)
			}
			for _, m := range defaults.Mappings {
				if s, ok := m.Options.(special); ok && background && s.Result.Color != transparent {
					t.Errorf("%s: nothing is a bright tile", where)
				}
			}
			for _, o := range p.FieldConfig.Overrides {
				filled := false
				for _, property := range o.Properties {
					cell, ok := property.Value.(object)
					filled = filled || ok && cell["type"] == "color-background"
				}
				for _, property := range o.Properties {
					list, ok := property.Value.([]mapping)
					if !ok {
						continue
					}
					quiet(where+" "+o.Matcher.Options, list)
					if s, ok := list[0].Options.(special); filled && (!ok || s.Result.Color != transparent) {
						t.Errorf("%s: %s: nothing is a bright cell", where, o.Matcher.Options)
					}
				}
			}
		}
	}
}

// columnOf is what the overrides of a table say of a column.
type columnOf struct {
	name, unit string
	width      int
	mappings   []mapping
}

func columnsOf(p *panel) (all []columnOf) {
	for _, o := range p.FieldConfig.Overrides {
		var c columnOf
		for _, property := range o.Properties {
			switch v := property.Value.(type) {
			case string:
				if property.ID == "displayName" {
					c.name = v
				}
				if property.ID == "unit" {
					c.unit = v
				}
			case int:
				if property.ID == "custom.width" {
					c.width = v
				}
			case []mapping:
				c.mappings = v
			}
		}
		all = append(all, c)
	}
	return all
}

// Columns are as wide as their heading and the longest that they say, from the left,
// and fit a screen of 1440 pixels together; a last one without a width takes the rest.
func TestTablesAreReadable(t *testing.T) {
	const size, around = 12.7, 16
	looked := 0
	for _, d := range all() {
		for _, p := range d.everyPanel() {
			if p.Type != "table" {
				continue
			}
			looked++
			if c := p.FieldConfig.Defaults.Custom; c["align"] != "left" || c["minWidth"] != minWidth {
				t.Errorf("%s: %s is cut at the left, or its columns have a least width of %v", d.Title, p.Title, c["minWidth"])
			}
			sum := 0
			for _, c := range columnsOf(p) {
				sum += c.width
				if c.width == 0 && c.name != "" {
					sum += minWidth
				}
				if c.width == 0 {
					continue
				}
				for _, text := range append(texts(c.mappings), c.name, longest[c.unit]) {
					if need := pixels(text, size, around); need > float64(c.width) {
						t.Errorf("%s: %s: %q needs %.0f pixels of %d", d.Title, p.Title, text, need, c.width)
					}
				}
			}
			if float64(sum) > panelWidth(p) {
				t.Errorf("%s: the columns of %s are %d pixels wide, of %.0f", d.Title, p.Title, sum, panelWidth(p))
			}
		}
	}
	if looked < 8 {
		t.Errorf("only %d tables", looked)
	}
}

// A panel without data says why; a timeline cannot, and has a series that is always
// there, as a graph has.
func TestEmptyPanelsSayWhy(t *testing.T) {
	for _, d := range all() {
		for _, p := range d.everyPanel() {
			graph := p.Type == "timeseries" || p.Type == "state-timeline"
			if p.Type != "stat" && p.Type != "state-timeline" && p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s: %s says nothing while it is empty", d.Title, p.Title)
			}
			if first := p.Targets[0]; p.Type == "state-timeline" && (first.quiet != "" || first.optIn) {
				t.Errorf("%s: %s can be empty, and cannot say why", d.Title, p.Title)
			}
			for _, o := range p.FieldConfig.Overrides {
				isKey := p.Type == "table" && !strings.HasPrefix(o.Matcher.Options, "Value") && len(p.Transformations) > 0 && p.Transformations[0]["id"] != "groupingToMatrix"
				if isKey && !slices.Contains(o.Properties, property{"noValue", "–"}) {
					t.Errorf("%s: %s: an empty %s says what the panel says while it is empty", d.Title, p.Title, o.Matcher.Options)
				}
			}
			for _, q := range p.Targets {
				if graph && q.quiet == "" && strings.Contains(string(q.Expr), "> 0") {
					t.Errorf("%s: %s leaves out what is 0: %s", d.Title, p.Title, q.Expr)
				}
			}
		}
	}
}

// Timelines draw rows that can be read.
func TestTimelinesHaveRoom(t *testing.T) {
	for _, d := range all() {
		for _, p := range d.everyPanel() {
			if p.Type == "state-timeline" {
				rows, pixels := p.Options["perPage"].(int), p.GridPos.H*38-75
				if rows < 1 || pixels/rows < 20 {
					t.Errorf("%s: %s draws %d rows in %d pixels", d.Title, p.Title, rows, pixels)
				}
			}
		}
	}
}

// The first screen of Server shows one server and has no more panels open than one
// can look at.
func TestServerIsOnOneScreen(t *testing.T) {
	d := server()
	open, height := 0, 0
	for _, p := range d.Panels {
		if p.Type != "row" {
			open++
			height = max(height, p.GridPos.Y+p.GridPos.H)
		}
	}
	if open > 12 {
		t.Errorf("%d panels are open", open)
	}
	i := slices.IndexFunc(d.Templating.List, func(v variable) bool { return v.Name == "server" })
	if v := d.Templating.List[i]; v.IncludeAll || v.Multi || v.Sort != 0 || !strings.Contains(v.Definition, "sort_desc") {
		t.Errorf("the variable server is not of one, those in trouble first: %+v", v)
	}
	first := []string{"State", "In this state since", "Next attempt", "States", "Errors by code", "Requests without an answer"}
	const screen = 22 // lines of the grid on a screen of 900 pixels
	for _, p := range d.Panels {
		if slices.Contains(first, p.Title) && p.GridPos.Y+p.GridPos.H > screen {
			t.Errorf("%s is below the first screen", p.Title)
		}
		first = slices.DeleteFunc(first, func(title string) bool { return title == p.Title })
	}
	if len(first) > 0 {
		t.Errorf("the first screen lacks %v", first)
	}
	for _, v := range overview().Templating.List {
		if v.Name == "server" {
			t.Error("the way back to the Overview keeps the server")
		}
	}
}

// Without a choice Grafana takes the default data source, not the first by name, and
// the last hour.
func TestDefaults(t *testing.T) {
	for _, d := range all() {
		if v := d.Templating.List[0]; v.Name != "datasource" || v.Current["text"] != "default" || v.Current["value"] != "default" {
			t.Errorf("%s: the data source is %+v", d.Title, v.Current)
		}
		if d.Time["from"] != "now-1h" {
			t.Errorf("%s begins at %s", d.Title, d.Time["from"])
		}
		for _, a := range d.Annotations.List[1:] {
			if step, err := time.ParseDuration(a.Step); err != nil || step > 15*time.Second {
				t.Errorf("%s: %s comes up to %s late", d.Title, a.Name, a.Step)
			}
		}
	}
}

// Events are counted over five minutes, as whole numbers with a unit that says so; a
// legend has the room it needs.
func TestCountsAreWholeEvents(t *testing.T) {
	window := regexp.MustCompile(`increase\([^\[]*\[([^\]]*)\]`)
	counted := 0
	for _, d := range all() {
		for _, p := range d.everyPanel() {
			unit := p.FieldConfig.Defaults.Unit
			if p.Type == "timeseries" {
				if legend := p.Options["legend"].(object); legend["displayMode"] != "list" || legend["placement"] != "bottom" {
					t.Errorf("%s: the legend of %s is cut", d.Title, p.Title)
				}
			}
			if unit != unitEvents && unit != unitPerMinute {
				continue
			}
			counted++
			for _, q := range p.Targets {
				text := string(q.Expr)
				for _, found := range window.FindAllStringSubmatch(text, -1) {
					if found[1] != few {
						t.Errorf("%s: %s counts over %s", d.Title, p.Title, found[1])
					}
				}
				if unit == unitEvents && strings.Contains(text, "increase") && !strings.Contains(text, "round(") {
					t.Errorf("%s: %s has parts of events: %s", d.Title, p.Title, text)
				}
				if unit == unitPerMinute && !strings.HasSuffix(text, "/ 5") {
					t.Errorf("%s: %s is not per minute: %s", d.Title, p.Title, text)
				}
			}
		}
	}
	if counted < 12 {
		t.Errorf("only %d panels count events", counted)
	}
}

// All nine flags have a short name and a colour, and their columns fit.
func TestFlagsHaveNamesAndColours(t *testing.T) {
	var named []string
	for _, f := range flags {
		named = append(named, f.value)
	}
	known := slices.Clone(collect.MetricStatusesFlagged.Labels[slices.IndexFunc(collect.MetricStatusesFlagged.Labels, func(l collect.Label) bool { return l.Name == "flag" })].Values)
	slices.Sort(named)
	slices.Sort(known)
	if !slices.Equal(named, known) {
		t.Errorf("flags %v, named are %v", known, named)
	}
}

// Lines have colours that can be seen on a light and on a dark background; the same
// holds for the palette of all looks. No two of a panel are the same.
func TestColoursAreReadable(t *testing.T) {
	palette := regexp.MustCompile(`^((super-light|light|semi-dark|dark)-)?(green|red|orange|yellow|blue|purple)$|^text$|^transparent$|^#808080$`)
	lines := regexp.MustCompile(`^((semi-dark|dark)-)?(green|red|orange|blue|purple)$|^dark-yellow$|^text$|^#808080$`)
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
		for _, p := range d.everyPanel() {
			taken := map[string]bool{}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					c, ok := property.Value.(fieldColor)
					if !ok {
						continue
					}
					if !lines.MatchString(c.FixedColor) {
						t.Errorf("%s: %s: %s cannot be seen", d.Title, p.Title, c.FixedColor)
					}
					if taken[c.FixedColor] && o.Matcher.Options != knownLegend {
						t.Errorf("%s: %s has %s twice", d.Title, p.Title, c.FixedColor)
					}
					taken[c.FixedColor] = true
				}
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

// What expires turns orange when the alert about it fires, and the objective is that
// of the alerts.
func TestThresholdsAreThoseOfTheAlerts(t *testing.T) {
	text, err := json.Marshal(expiries())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"certificate_days", "password_days"} {
		if want := fmt.Sprintf(`{"color":"text","value":%g}`, alertThreshold(name)); !strings.Contains(string(text), want) {
			t.Errorf("no column turns at the %g days of %s", alertThreshold(name), name)
		}
	}
	if budget := alertThreshold("availability_budget"); 1-availabilityTarget-budget > 1e-9 || budget <= 0 {
		t.Errorf("the objective %g does not leave the budget %g", availabilityTarget, budget)
	}
}

// The alerts table has the worst first, and of those the newest.
func TestAlertsAreSortedBySeverity(t *testing.T) {
	if got := fmt.Sprint(serverAlerts().Options["sortBy"]); got != "[{false Severity} {true Since}]" {
		t.Errorf("the alerts are sorted by %s", got)
	}
}
