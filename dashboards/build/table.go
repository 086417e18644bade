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
}

// labels is a column that is not shown: the table takes only the labels of its query.
func labels(query expr) column { return column{query: query} }

// number is a column of whole numbers.
func number(name string, width int, query expr) column {
	return column{name: name, unit: "none", width: width, query: query}
}

// when is a column of moments, of which the query gives the Unix time.
func when(name string, query expr) column {
	return column{name: name, unit: "dateTimeFromNow", width: 140, query: moment(query)}
}

// words is a column of values that have words and colours.
func words(name string, width int, looks map[string]look, query expr) column {
	return column{name: name, width: width, looks: looks, query: query}
}

// steps colours the numbers of a column: the first colour, and others from a value on.
func (c column) steps(first string, more ...step) column {
	c.thresholds = newThresholds(first, more...)
	return c
}

// unless says why the column has nothing while nothing is wrong.
func (c column) unless(quiet string) column {
	c.quiet = quiet
	return c
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

// minWidth has room for a heading: a column without a width gets what the others
// leave, and not less.
const minWidth = 75

// newTable is a panel of type table whose cells look alike.
func newTable(title, description, unit string, cells object, targets []target, sorted []sortBy) *panel {
	p := newPanel("table", title, description, unit, targets)
	p.FieldConfig.Defaults.Custom = object{"align": "left", "cellOptions": cells, "filterable": false, "inspect": false, "minWidth": minWidth}
	p.Options = object{
		"cellHeight": "sm", "showHeader": true, "sortBy": sorted,
		"footer": object{"countRows": false, "fields": "", "reducer": []string{"sum"}, "show": false},
	}
	return p.elseSay(nothingHere)
}

// table shows things to compare: a row for each combination of the keys' labels.
func table(title, description string, sorted []sortBy, keys []key, columns ...column) *panel {
	var targets []target
	for _, c := range columns {
		targets = append(targets, target{Expr: c.query, Format: "table", Instant: true, quiet: c.quiet})
	}
	p := newTable(title, description, "none", object{"type": "auto"}, targets, sorted).steps("text").quietly()
	exclude, index := map[string]bool{"Time": true}, map[string]int{}
	for i, k := range keys {
		p.overridden("byName", k.label, k.properties()...)
		index[k.label] = i
		if k.unseen {
			exclude[k.label] = true
		}
		if k.last {
			index[k.label] += len(keys) + len(columns)
		}
	}
	for i, c := range columns {
		field := "Value"
		if len(columns) > 1 {
			field = "Value #" + p.Targets[i].RefID
		}
		if c.name == "" {
			exclude[field] = true
			continue
		}
		p.overridden("byName", field, c.properties()...)
		index[field] = len(keys) + i
	}
	if len(columns) > 1 {
		p.Transformations = append(p.Transformations, object{"id": "merge", "options": object{}})
	}
	p.Transformations = append(p.Transformations, object{"id": "organize", "options": object{
		"excludeByName": exclude, "indexByName": index, "renameByName": object{},
	}})
	return p
}

// layout are the properties that keys and columns have alike.
func layout(width int, links []dataLink) (properties []property) {
	if width > 0 {
		properties = append(properties, property{"custom.width", width})
	}
	if links != nil {
		properties = append(properties, property{"links", links})
	}
	return properties
}

func (k key) properties() []property {
	// An empty label is a dash, not what the panel says while it is empty.
	return append([]property{{"displayName", k.name}, {"noValue", "–"}}, layout(k.width, k.links)...)
}

func (c column) properties() []property {
	properties := append([]property{{"displayName", c.name}, {"unit", c.unit}}, layout(c.width, c.links)...)
	if c.looks != nil {
		properties = append(properties, property{"mappings", mappings(c.looks)}, property{"custom.cellOptions", background})
	} else {
		// A dash stands for NaN, which is no number, and for nothing; perhaps a word for 0.
		said := []mapping{nothing("text")}
		if c.zero != "" {
			said = append(said, inWords("0", c.zero))
		}
		properties = append(properties, property{"decimals", c.decimals}, property{"mappings", said})
	}
	if c.thresholds != nil {
		properties = append(properties, property{"thresholds", c.thresholds}, property{"custom.cellOptions", object{"type": "color-text"}})
	}
	return properties
}

// background fills a cell with the colour of its value.
var background = object{"mode": "basic", "type": "color-background"}

// matrix shows values by two labels, one for the rows and one for the columns, which
// have short names and a width.
func matrix(title, description, unit, rows, columns string, names []shortName, width int, values expr) *panel {
	p := newTable(title, description, unit, background, []target{{Expr: values, Format: "table", Instant: true}}, []sortBy{}).
		whole().steps(transparent, from(1, "semi-dark-blue"))
	corner := rows + `\` + columns // the name that Grafana gives the first column
	p.overridden("byName", corner, property{"displayName", rows}, property{"custom.cellOptions", object{"type": "auto"}})
	for _, n := range names {
		p.overridden("byName", n.value, property{"displayName", n.short}, property{"custom.width", width})
	}
	p.Transformations = []object{{"id": "groupingToMatrix", "options": object{
		"columnField": columns, "emptyValue": "zero", "rowField": rows, "valueField": "Value",
	}}}
	return p
}

// shortName is what is written for the value of a label.
type shortName struct{ value, short, color string }
