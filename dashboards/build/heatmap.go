package main

type heatmapOptions struct {
	Calculate    bool               `json:"calculate"`
	CellGap      int                `json:"cellGap"`
	Color        heatmapColor       `json:"color"`
	FilterValues map[string]float64 `json:"filterValues"`
	Legend       shown              `json:"legend"`
	RowsFrame    rowsFrame          `json:"rowsFrame"`
	Tooltip      heatmapTooltip     `json:"tooltip"`
	YAxis        heatmapAxis        `json:"yAxis"`
}

type heatmapColor struct {
	Exponent float64 `json:"exponent"`
	Fill     string  `json:"fill"`
	Mode     string  `json:"mode"`
	Reverse  bool    `json:"reverse"`
	Scale    string  `json:"scale"`
	Scheme   string  `json:"scheme"`
	Steps    int     `json:"steps"`
}

type shown struct {
	Show bool `json:"show"`
}

type rowsFrame struct {
	Layout string `json:"layout"`
}

type heatmapTooltip struct {
	Mode           string `json:"mode"`
	ShowColorScale bool   `json:"showColorScale"`
	YHistogram     bool   `json:"yHistogram"`
}

type heatmapAxis struct {
	AxisPlacement string `json:"axisPlacement"`
	Reverse       bool   `json:"reverse"`
	Unit          string `json:"unit"`
}

type heatmapCustom struct {
	ScaleDistribution scaleDistribution `json:"scaleDistribution"`
}

type scaleDistribution struct {
	Type string `json:"type"`
}

// heatmap shows how durations were distributed, from the classic buckets of a
// histogram.
func heatmap(title, description string, observations expr) *panel {
	cells := target{Expr: observations, Format: "heatmap", LegendFormat: "{{le}}", Range: true}
	p := newPanel("heatmap", title, description, "none", []target{cells})
	p.FieldConfig.Defaults.NoValue = "No buckets: with native histograms Prometheus needs always_scrape_classic_histograms"
	p.FieldConfig.Defaults.Custom = heatmapCustom{scaleDistribution{"linear"}}
	p.Options = heatmapOptions{
		CellGap: 1,
		// A scheme that is readable on a light and on a dark background.
		Color:        heatmapColor{Exponent: 0.5, Fill: "dark-blue", Mode: "scheme", Scale: "exponential", Scheme: "Blues", Steps: 64},
		FilterValues: map[string]float64{"le": 1e-9},
		Legend:       shown{true},
		RowsFrame:    rowsFrame{"auto"},
		Tooltip:      heatmapTooltip{Mode: "single", ShowColorScale: true},
		YAxis:        heatmapAxis{AxisPlacement: "left", Unit: "s"},
	}
	return p
}
