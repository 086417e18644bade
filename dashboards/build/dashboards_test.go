package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The panels fill the grid: no cell is taken twice and none is empty.
func TestPanelsFillTheGrid(t *testing.T) {
	for _, d := range all() {
		ids := map[int]bool{}
		for _, p := range d.everyPanel() {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: %s has the id %d, as another", d.Title, p.Title, p.ID)
			}
			ids[p.ID] = true
		}
		fillsTheGrid(t, d.Title, 0, d.Panels)
		for _, p := range d.Panels {
			if p.Type == "row" && *p.Collapsed {
				fillsTheGrid(t, d.Title, p.GridPos.Y+1, *p.Panels)
			}
		}
	}
}

// fillsTheGrid wants panels to leave no hole from a line of the grid on.
func fillsTheGrid(t *testing.T, title string, top int, panels []*panel) {
	t.Helper()
	cells := map[[2]int]string{}
	height := 0
	for _, p := range panels {
		g := p.GridPos
		height = max(height, g.Y+g.H)
		for y := g.Y; y < g.Y+g.H; y++ {
			for x := g.X; x < g.X+g.W; x++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= columns {
					t.Fatalf("%s: %s lies over %q or the edge at %d, %d", title, p.Title, other, x, y)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
	if want := (height - top) * columns; len(cells) != want {
		t.Errorf("%s has %d holes in its grid of %d cells", title, want-len(cells), want)
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
		between := slices.IndexFunc(d.Links, func(l object) bool {
			return l["type"] == "dashboards" && l["asDropdown"] == true && l["keepTime"] == true && l["includeVars"] == true && slices.Equal(l["tags"].([]string), []string{tag})
		})
		if between < 0 {
			t.Errorf("%s has no dropdown of links to the others that keeps the time and the variables", d.Title)
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
		for _, p := range d.everyPanel() {
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
		}
	}
	if links == 0 {
		t.Error("no table links to another dashboard")
	}
}

// A timeline that is coloured by thresholds shows these and not the states.
func TestTimelinesShowStates(t *testing.T) {
	timelines := 0
	for _, d := range all() {
		for _, p := range d.everyPanel() {
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
