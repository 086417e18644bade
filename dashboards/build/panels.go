package main

import "strings"

// The panel types we use, with the looks that all dashboards share.

// line is a query over the time range.
func line(e expr, legend string) target {
	return target{Expr: e, Format: "time_series", LegendFormat: legend, Range: true}
}

// now is a query at the end of the time range.
func now(e expr, legend string) target {
	return target{Expr: e, Format: "time_series", LegendFormat: legend, Instant: true}
}

// unless says why a query returns nothing while nothing is wrong.
func (t target) unless(quiet string) target {
	t.quiet = quiet
	return t
}

func newPanel(kind, title, description, unit string, targets []target) *panel {
	p := &panel{
		Type: kind, Title: title, Description: description, PluginVersion: "11.0.0",
		Datasource:  chosenDatasource,
		FieldConfig: &fieldConfig{Defaults: fieldDefaults{Unit: unit}, Overrides: []override{}},
	}
	for i, t := range targets {
		t.Datasource, t.EditorMode, t.RefID = chosenDatasource, "code", string(rune('A'+i))
		p.Targets = append(p.Targets, t)
	}
	return p
}

// wide sets the width, of 24 columns. Panels of a line without one share it.
func (p *panel) wide(columns int) *panel {
	p.GridPos.W = columns
	return p
}

// steps colours values by what they mean: the first colour, and others from a
// value on.
func (p *panel) steps(first string, more ...step) *panel {
	p.FieldConfig.Defaults.Thresholds = newThresholds(first, more...)
	p.FieldConfig.Defaults.Color = &fieldColor{Mode: "thresholds"}
	p.FieldConfig.Defaults.Mappings = mappings(nil)
	return p
}

func newThresholds(first string, more ...step) *thresholds {
	return &thresholds{Mode: "absolute", Steps: append([]step{{Color: first}}, more...)}
}

func from(value float64, color string) step { return step{color, &value} }

// mapped gives values words and colours.
func (p *panel) mapped(looks map[string]look) *panel {
	p.steps(transparent)
	p.FieldConfig.Defaults.Mappings = mappings(looks)
	return p
}

// elseSay is what the panel says when there is nothing to show.
func (p *panel) elseSay(words string) *panel {
	p.FieldConfig.Defaults.NoValue = words
	return p
}

// optional has queries that return something only where a key of the configuration
// asks for it.
func (p *panel) optional(off string) *panel {
	for i := range p.Targets {
		p.Targets[i].optIn = true
	}
	return p.elseSay(off)
}

// whole shows numbers without decimals.
func (p *panel) whole() *panel {
	p.FieldConfig.Defaults.Decimals = new(int)
	return p
}

// share has an axis from 0 to 100 %.
func (p *panel) share() *panel {
	p.FieldConfig.Defaults.Min, p.FieldConfig.Defaults.Max = new(float64), new(1.0)
	return p
}

// overridden changes what a matcher finds.
func (p *panel) overridden(matcher, which string, properties ...property) *panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{fieldMatcher{matcher, which}, properties})
	return p
}

// colored gives the series whose legend ends with a word a colour that means
// something: pairs of word and colour.
func (p *panel) colored(pairs ...string) *panel {
	for i := 0; i < len(pairs); i += 2 {
		p.overridden("byRegexp", "/(^| )"+pairs[i]+"$/", property{"color", fixed(pairs[i+1])})
	}
	return p
}

// byFlag gives the series of the flags their short names and colours.
func (p *panel) byFlag() *panel {
	for _, f := range flags {
		p.overridden("byName", f.value, property{"displayName", f.short}, property{"color", fixed(f.color)})
	}
	return p
}

// runbook links the panel to the runbook of an alert.
func (p *panel) runbook(alert string) *panel {
	p.Links = append(p.Links, dataLink{
		TargetBlank: true, Title: "Runbook: " + alert, URL: "${runbooks}/" + alert + ".md",
	})
	return p
}

// legendBelow has as much room as its names need.
func legendBelow(show bool) object {
	return object{"calcs": []string{}, "displayMode": "list", "placement": "bottom", "showLegend": show}
}

// timeseries shows how numbers went.
func timeseries(title, description, unit string, targets ...target) *panel {
	p := newPanel("timeseries", title, description, unit, targets)
	p.FieldConfig.Defaults.Color = &fieldColor{Mode: "palette-classic-by-name"}
	p.FieldConfig.Defaults.Custom = object{
		"axisSoftMin": 0, "drawStyle": "line", "fillOpacity": 10, "lineInterpolation": "linear", "lineWidth": 1, "showPoints": "auto",
		"spanNulls": false, "stacking": object{"group": "A", "mode": "none"}, "thresholdsStyle": object{"mode": "off"},
	}
	p.Options = object{"legend": legendBelow(true), "tooltip": object{"mode": "multi", "sort": "desc"}}
	return p.elseSay(nothingHere)
}

// nothingHere is what an empty graph or table says.
const nothingHere = "Nothing in this time range"

// Units that Grafana writes behind the number.
const (
	unitEvents    = "suffix: /5 min"
	unitPerMinute = "suffix: /min"
)

// eventCounts shows how often something happened, for what happens seldom.
func eventCounts(title, description string, targets ...target) *panel {
	return timeseries(title, description+" Whole numbers, of the five minutes before each point.", unitEvents, targets...).whole().stacked(60)
}

// stacked draws parts of a whole on top of each other.
func (p *panel) stacked(opacity int) *panel {
	custom := p.stepped().FieldConfig.Defaults.Custom
	custom["fillOpacity"], custom["showPoints"], custom["stacking"] = opacity, "never", object{"group": "A", "mode": "normal"}
	return p
}

// stepped draws numbers that jump.
func (p *panel) stepped() *panel {
	p.FieldConfig.Defaults.Custom["lineInterpolation"] = "stepAfter"
	return p
}

// textSizes are in pixels. Without them Grafana makes texts so small that the longest
// fits, which is the one that says what is wrong.
var textSizes = object{"titleSize": 14, "valueSize": 26}

// stat shows one number, or few of them with their names.
func stat(title, description, unit string, targets ...target) *panel {
	p := newPanel("stat", title, description, unit, targets)
	mode := "value"
	if len(targets) > 1 || strings.Contains(targets[0].LegendFormat, "{{") {
		mode = "value_and_name"
	}
	p.Options = object{
		"colorMode": "background", "graphMode": "none", "justifyMode": "center", "orientation": "auto",
		"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		"text":          textSizes, "textMode": mode, "wideLayout": false,
	}
	return p.steps(transparent)
}

// plain takes the colour from the background of a stat: the number says nothing
// good or bad.
func (p *panel) plain() *panel {
	p.Options["colorMode"] = "value"
	return p.steps("blue").quietly()
}

// quietly has nothing in the colour of text, as on a panel without a background.
func (p *panel) quietly() *panel {
	p.FieldConfig.Defaults.Mappings = []mapping{nothing("text")}
	return p
}

// timeline shows which state was when.
func timeline(title, description string, looks map[string]look, targets ...target) *panel {
	p := newPanel("state-timeline", title, description, "none", targets).mapped(looks)
	// Not by thresholds: then Grafana merges values between the thresholds, and the
	// words of the states are lost.
	p.FieldConfig.Defaults.Color, p.FieldConfig.Defaults.Thresholds = new(fixed(neutral)), nil
	p.FieldConfig.Defaults.Custom = object{"fillOpacity": 80, "lineWidth": 0, "spanNulls": false}
	p.Options = object{
		"alignValue": "left", "legend": legendBelow(false), "mergeValues": true, "rowHeight": 0.85, "showValue": "auto",
		"tooltip": object{"mode": "single", "sort": "none"},
	}
	return p
}
