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
	quiet := 0
	for i, t := range targets {
		t.Datasource, t.EditorMode, t.RefID = chosenDatasource, "code", string(rune('A'+i))
		p.Targets = append(p.Targets, t)
		if t.quiet != "" {
			quiet++
		}
	}
	if quiet == len(targets) {
		p.FieldConfig.Defaults.NoValue = targets[0].quiet
	}
	return p
}

// wide sets the width, of 24 columns.
func (p *panel) wide(columns int) *panel {
	p.GridPos.W = columns
	return p
}

// steps colours values by what they mean: the first colour, and others from a
// value on.
func (p *panel) steps(first string, more ...step) *panel {
	p.FieldConfig.Defaults.Thresholds = newThresholds(first, more...)
	p.FieldConfig.Defaults.Color = &fieldColor{Mode: "thresholds"}
	return p
}

func newThresholds(first string, more ...step) *thresholds {
	return &thresholds{Mode: "absolute", Steps: append([]step{{Color: first}}, more...)}
}

func from(value float64, color string) step { return step{color, &value} }

// mapped gives values words and colours.
func (p *panel) mapped(looks []look) *panel {
	p.FieldConfig.Defaults.Mappings = mappings(looks)
	return p.steps("text")
}

// elseSay is what the panel says when there is nothing to show.
func (p *panel) elseSay(words string) *panel {
	p.FieldConfig.Defaults.NoValue = words
	return p
}

// decimals sets how many decimals are shown.
func (p *panel) decimals(n int) *panel {
	p.FieldConfig.Defaults.Decimals = &n
	return p
}

// between sets the range of the axis.
func (p *panel) between(low, high float64) *panel {
	p.FieldConfig.Defaults.Min, p.FieldConfig.Defaults.Max = &low, &high
	return p
}

// colored gives the series whose legend ends with a word a colour that means
// something: pairs of word and colour.
func (p *panel) colored(pairs ...string) *panel {
	for i := 0; i < len(pairs); i += 2 {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{
			Matcher:    fieldMatcher{"byRegexp", "/(^| )" + pairs[i] + "$/"},
			Properties: []property{{"color", fieldColor{FixedColor: pairs[i+1], Mode: "fixed"}}},
		})
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

type legend struct {
	Calcs       []string `json:"calcs"`
	DisplayMode string   `json:"displayMode"`
	Placement   string   `json:"placement"`
	ShowLegend  bool     `json:"showLegend"`
	SortBy      string   `json:"sortBy,omitempty"`
	SortDesc    bool     `json:"sortDesc,omitempty"`
}

type tooltip struct {
	Mode string `json:"mode"`
	Sort string `json:"sort"`
}

type timeseriesCustom struct {
	AxisSoftMin       float64         `json:"axisSoftMin"`
	DrawStyle         string          `json:"drawStyle"`
	FillOpacity       int             `json:"fillOpacity"`
	LineInterpolation string          `json:"lineInterpolation"`
	LineWidth         int             `json:"lineWidth"`
	ShowPoints        string          `json:"showPoints"`
	SpanNulls         bool            `json:"spanNulls"`
	Stacking          stacking        `json:"stacking"`
	ThresholdsStyle   thresholdsStyle `json:"thresholdsStyle"`
}

type stacking struct {
	Group string `json:"group"`
	Mode  string `json:"mode"`
}

type thresholdsStyle struct {
	Mode string `json:"mode"`
}

type timeseriesOptions struct {
	Legend  legend  `json:"legend"`
	Tooltip tooltip `json:"tooltip"`
}

// legendTable is a legend with numbers, the series with the highest of them first.
func legendTable(sortBy string, calcs ...string) legend {
	return legend{Calcs: calcs, DisplayMode: "table", Placement: "bottom", ShowLegend: true, SortBy: sortBy, SortDesc: true}
}

// timeseries shows how numbers went.
func timeseries(title, description, unit string, targets ...target) *panel {
	p := newPanel("timeseries", title, description, unit, targets)
	p.FieldConfig.Defaults.Color = &fieldColor{Mode: "palette-classic-by-name"}
	p.FieldConfig.Defaults.Custom = timeseriesCustom{
		DrawStyle: "line", FillOpacity: 10, LineInterpolation: "linear", LineWidth: 1, ShowPoints: "auto",
		Stacking: stacking{"A", "none"}, ThresholdsStyle: thresholdsStyle{"off"},
	}
	p.Options = timeseriesOptions{
		Legend:  legendTable("Max", "lastNotNull", "max"),
		Tooltip: tooltip{"multi", "desc"},
	}
	return p
}

// bars shows how often something happened, for what happens seldom.
func bars(title, description string, targets ...target) *panel {
	p := timeseries(title, description, "cpm", targets...).decimals(1)
	custom := p.FieldConfig.Defaults.Custom.(timeseriesCustom)
	custom.DrawStyle, custom.FillOpacity, custom.ShowPoints, custom.Stacking.Mode = "bars", 80, "never", "normal"
	p.FieldConfig.Defaults.Custom = custom
	p.Options = timeseriesOptions{
		Legend:  legendTable("Max", "max"),
		Tooltip: tooltip{"multi", "desc"},
	}
	return p
}

// stepped draws numbers that jump.
func (p *panel) stepped() *panel {
	custom := p.FieldConfig.Defaults.Custom.(timeseriesCustom)
	custom.LineInterpolation = "stepAfter"
	p.FieldConfig.Defaults.Custom = custom
	return p
}

type statOptions struct {
	ColorMode     string        `json:"colorMode"`
	GraphMode     string        `json:"graphMode"`
	JustifyMode   string        `json:"justifyMode"`
	Orientation   string        `json:"orientation"`
	ReduceOptions reduceOptions `json:"reduceOptions"`
	TextMode      string        `json:"textMode"`
	WideLayout    bool          `json:"wideLayout"`
}

type reduceOptions struct {
	Calcs  []string `json:"calcs"`
	Fields string   `json:"fields"`
	Values bool     `json:"values"`
}

// stat shows one number, or few of them with their names.
func stat(title, description, unit string, targets ...target) *panel {
	p := newPanel("stat", title, description, unit, targets)
	mode := "auto"
	if len(targets) > 1 || strings.Contains(targets[0].LegendFormat, "{{") {
		mode = "value_and_name"
	}
	p.Options = statOptions{
		ColorMode: "background", GraphMode: "none", JustifyMode: "auto", Orientation: "auto",
		ReduceOptions: reduceOptions{Calcs: []string{"lastNotNull"}}, TextMode: mode, WideLayout: true,
	}
	return p.steps("text")
}

// plain takes the colour from the background of a stat: the number says nothing
// good or bad.
func (p *panel) plain() *panel {
	options := p.Options.(statOptions)
	options.ColorMode = "value"
	p.Options = options
	return p.steps("blue")
}

type timelineCustom struct {
	FillOpacity int  `json:"fillOpacity"`
	LineWidth   int  `json:"lineWidth"`
	SpanNulls   bool `json:"spanNulls"`
}

type timelineOptions struct {
	AlignValue  string  `json:"alignValue"`
	Legend      legend  `json:"legend"`
	MergeValues bool    `json:"mergeValues"`
	PerPage     int     `json:"perPage"`
	RowHeight   float64 `json:"rowHeight"`
	ShowValue   string  `json:"showValue"`
	Tooltip     tooltip `json:"tooltip"`
}

// timeline shows which state was when.
func timeline(title, description string, looks []look, targets ...target) *panel {
	p := newPanel("state-timeline", title, description, "none", targets).mapped(looks)
	// Not by thresholds: then Grafana merges values between the thresholds, and the
	// words of the states are lost.
	p.FieldConfig.Defaults.Color, p.FieldConfig.Defaults.Thresholds = &fieldColor{FixedColor: neutral, Mode: "fixed"}, nil
	p.FieldConfig.Defaults.Custom = timelineCustom{FillOpacity: 80}
	p.Options = timelineOptions{
		AlignValue: "left", Legend: legend{Calcs: []string{}, DisplayMode: "list", Placement: "bottom"},
		MergeValues: true, RowHeight: 0.85, ShowValue: "auto", Tooltip: tooltip{"single", "none"},
	}
	return p
}
