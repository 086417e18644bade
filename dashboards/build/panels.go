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
	p.FieldConfig.Defaults.Mappings = mappings(nil)
	return p
}

// stepsOf colours the series of a legend apart from the others.
func (p *panel) stepsOf(legend, first string, more ...step) *panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{
		fieldMatcher{"byName", legend}, []property{{"thresholds", newThresholds(first, more...)}},
	})
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

// word says a number in words.
func (p *panel) word(number, words string) *panel {
	p.FieldConfig.Defaults.Mappings = append(p.FieldConfig.Defaults.Mappings,
		mapping{Type: "value", Options: map[string]mappingResult{number: {Color: "text", Text: words}}})
	return p
}

// elseSay is what the panel says when there is nothing to show.
func (p *panel) elseSay(words string) *panel {
	p.FieldConfig.Defaults.NoValue = words
	return p
}

// whole shows numbers without decimals.
func (p *panel) whole() *panel {
	p.FieldConfig.Defaults.Decimals = new(int)
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

// legendList is a legend whose names have as much room as they need.
var legendList = legend{Calcs: []string{}, DisplayMode: "list", Placement: "bottom", ShowLegend: true}

// timeseries shows how numbers went.
func timeseries(title, description, unit string, targets ...target) *panel {
	p := newPanel("timeseries", title, description, unit, targets)
	p.FieldConfig.Defaults.Color = &fieldColor{Mode: "palette-classic-by-name"}
	p.FieldConfig.Defaults.Custom = timeseriesCustom{
		DrawStyle: "line", FillOpacity: 10, LineInterpolation: "linear", LineWidth: 1, ShowPoints: "auto",
		Stacking: stacking{"A", "none"}, ThresholdsStyle: thresholdsStyle{"off"},
	}
	p.Options = timeseriesOptions{legendList, tooltip{"multi", "desc"}}
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
	p := timeseries(title, description+" Whole numbers, of the five minutes before each point.", unitEvents, targets...).whole()
	custom := p.FieldConfig.Defaults.Custom.(timeseriesCustom)
	custom.LineInterpolation, custom.FillOpacity, custom.ShowPoints, custom.Stacking.Mode = "stepAfter", 60, "never", "normal"
	p.FieldConfig.Defaults.Custom = custom
	return p
}

// stacked draws parts of a whole on top of each other.
func (p *panel) stacked() *panel {
	custom := p.FieldConfig.Defaults.Custom.(timeseriesCustom)
	custom.LineInterpolation, custom.FillOpacity, custom.ShowPoints, custom.Stacking.Mode = "stepAfter", 40, "never", "normal"
	p.FieldConfig.Defaults.Custom = custom
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
	Text          textSizes     `json:"text"`
	TextMode      string        `json:"textMode"`
	WideLayout    bool          `json:"wideLayout"`
}

// textSizes are in pixels. Without them Grafana makes texts so small that the longest
// fits, which is the one that says what is wrong.
type textSizes struct {
	Title int `json:"titleSize"`
	Value int `json:"valueSize"`
}

type reduceOptions struct {
	Calcs  []string `json:"calcs"`
	Fields string   `json:"fields"`
	Values bool     `json:"values"`
}

// stat shows one number, or few of them with their names.
func stat(title, description, unit string, targets ...target) *panel {
	p := newPanel("stat", title, description, unit, targets)
	mode := "value"
	if len(targets) > 1 || strings.Contains(targets[0].LegendFormat, "{{") {
		mode = "value_and_name"
	}
	p.Options = statOptions{
		ColorMode: "background", GraphMode: "none", JustifyMode: "center", Orientation: "auto",
		ReduceOptions: reduceOptions{Calcs: []string{"lastNotNull"}}, Text: textSizes{14, 26}, TextMode: mode,
	}
	return p.steps(transparent)
}

// plain takes the colour from the background of a stat: the number says nothing
// good or bad.
func (p *panel) plain() *panel {
	p.option(func(o *statOptions) { o.ColorMode = "value" })
	return p.steps("blue").quietly()
}

// quietly has nothing in the colour of text, as on a panel without a background.
func (p *panel) quietly() *panel {
	p.FieldConfig.Defaults.Mappings = []mapping{nothing("text")}
	return p
}

// option changes the options of a stat.
func (p *panel) option(change func(*statOptions)) *panel {
	options := p.Options.(statOptions)
	change(&options)
	p.Options = options
	return p
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
func timeline(title, description string, looks map[string]look, targets ...target) *panel {
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
