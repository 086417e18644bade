package main

// column is a query of a table: one column of values, by the labels of its rows.
type column struct {
	name  string
	query expr
	quiet string // as of target
	unit  string
	width int

	decimals   int
	looks      map[string]look
	links      []dataLink
	thresholds *thresholds
	// zero is the word for 0, when that is not a number like others.
	zero string
	// hidden takes only the labels of the query.
	hidden bool
}

// key is a column that shows a label.
type key struct {
	label, name string
	width       int
	links       []dataLink
	// last puts the column behind the values.
	last bool
	// unseen has no column: it says the same in every row.
	unseen bool
}

type tableCustom struct {
	Align       string     `json:"align"`
	CellOptions cellOption `json:"cellOptions"`
	Filterable  bool       `json:"filterable"`
	Inspect     bool       `json:"inspect"`
	// MinWidth is that of a column without a width, which gets what the others leave.
	MinWidth int `json:"minWidth"`
}

// minWidth has room for a heading.
const minWidth = 75

type cellOption struct {
	Mode string `json:"mode,omitempty"`
	Type string `json:"type"`
}

type tableOptions struct {
	CellHeight string      `json:"cellHeight"`
	Footer     tableFooter `json:"footer"`
	ShowHeader bool        `json:"showHeader"`
	SortBy     []sortBy    `json:"sortBy"`
}

type tableFooter struct {
	CountRows bool     `json:"countRows"`
	Fields    string   `json:"fields"`
	Reducer   []string `json:"reducer"`
	Show      bool     `json:"show"`
}

type sortBy struct {
	Desc        bool   `json:"desc"`
	DisplayName string `json:"displayName"`
}

type organizeOptions struct {
	ExcludeByName map[string]bool   `json:"excludeByName"`
	IndexByName   map[string]int    `json:"indexByName"`
	RenameByName  map[string]string `json:"renameByName"`
}

// table shows things to compare: a row for each combination of the keys' labels.
func table(title, description string, sorted []sortBy, keys []key, columns ...column) *panel {
	var targets []target
	for _, c := range columns {
		targets = append(targets, target{Expr: c.query, Format: "table", Instant: true, quiet: c.quiet})
	}
	p := newPanel("table", title, description, "none", targets)
	p.FieldConfig.Defaults.Custom = tableCustom{Align: "left", CellOptions: cellOption{Type: "auto"}, MinWidth: minWidth}
	p.steps("text").quietly().elseSay(nothingHere)
	p.Options = tableOptions{
		CellHeight: "sm", Footer: tableFooter{Reducer: []string{"sum"}}, ShowHeader: true, SortBy: sorted,
	}
	order := organizeOptions{
		ExcludeByName: map[string]bool{"Time": true}, IndexByName: map[string]int{}, RenameByName: map[string]string{},
	}
	for i, k := range keys {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, k.override())
		order.IndexByName[k.label] = i
		if k.unseen {
			order.ExcludeByName[k.label] = true
		}
		if k.last {
			order.IndexByName[k.label] += len(keys) + len(columns)
		}
	}
	for i, c := range columns {
		field := "Value"
		if len(columns) > 1 {
			field = "Value #" + p.Targets[i].RefID
		}
		if c.hidden {
			order.ExcludeByName[field] = true
			continue
		}
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, c.override(field))
		order.IndexByName[field] = len(keys) + i
	}
	if len(columns) > 1 {
		p.Transformations = append(p.Transformations, transformation{"merge", struct{}{}})
	}
	p.Transformations = append(p.Transformations, transformation{"organize", order})
	return p
}

func (k key) override() override {
	// An empty label is a dash, not what the panel says while it is empty.
	properties := []property{{"displayName", k.name}, {"noValue", "–"}}
	if k.width > 0 {
		properties = append(properties, property{"custom.width", k.width})
	}
	if k.links != nil {
		properties = append(properties, property{"links", k.links})
	}
	return override{fieldMatcher{"byName", k.label}, properties}
}

func (c column) override(field string) override {
	properties := []property{{"displayName", c.name}, {"unit", c.unit}}
	if c.width > 0 {
		properties = append(properties, property{"custom.width", c.width})
	}
	if c.links != nil {
		properties = append(properties, property{"links", c.links})
	}
	switch {
	case c.looks != nil:
		properties = append(properties,
			property{"mappings", mappings(c.looks)},
			property{"custom.cellOptions", cellOption{Type: "color-background", Mode: "basic"}})
	default:
		properties = append(properties,
			property{"decimals", c.decimals},
			property{"mappings", c.words()})
	}
	if c.thresholds != nil {
		properties = append(properties,
			property{"thresholds", c.thresholds},
			property{"custom.cellOptions", cellOption{Type: "color-text"}})
	}
	return override{fieldMatcher{"byName", field}, properties}
}

// words are what stands for NaN, which is no number, for nothing, and perhaps for 0.
func (c column) words() []mapping {
	list := []mapping{nothing("text")}
	if c.zero != "" {
		list = append(list, mapping{Type: "value", Options: map[string]mappingResult{"0": {Color: "text", Text: c.zero}}})
	}
	return list
}

type special struct {
	Match  string        `json:"match"`
	Result mappingResult `json:"result"`
}

type matrixOptions struct {
	ColumnField string `json:"columnField"`
	EmptyValue  string `json:"emptyValue"`
	RowField    string `json:"rowField"`
	ValueField  string `json:"valueField"`
}

// matrix shows values by two labels, one for the rows and one for the columns, which
// have short names and a width.
func matrix(title, description, unit, rows, columns string, names []shortName, width int, values expr) *panel {
	p := newPanel("table", title, description, unit, []target{{Expr: values, Format: "table", Instant: true}}).
		whole().steps(transparent, from(1, "semi-dark-blue")).elseSay(nothingHere)
	p.FieldConfig.Defaults.Custom = tableCustom{Align: "left", CellOptions: cellOption{Mode: "basic", Type: "color-background"}, MinWidth: minWidth}
	corner := rows + `\` + columns // the name that Grafana gives the first column
	p.FieldConfig.Overrides = []override{{fieldMatcher{"byName", corner}, []property{
		{"displayName", rows}, {"custom.cellOptions", cellOption{Type: "auto"}},
	}}}
	for _, n := range names {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{fieldMatcher{"byName", n.value}, []property{
			{"displayName", n.short}, {"custom.width", width},
		}})
	}
	p.Options = tableOptions{CellHeight: "sm", Footer: tableFooter{Reducer: []string{"sum"}}, ShowHeader: true, SortBy: []sortBy{}}
	p.Transformations = []transformation{{"groupingToMatrix", matrixOptions{columns, "zero", rows, "Value"}}}
	return p
}

// shortName is what is written for the value of a label.
type shortName struct{ value, short, color string }
