package main

// The dashboard model of Grafana, classic schema 39, as far as we use it. Grafana
// gives what is left out its defaults.

// object is a part of the model that nothing here reads again.
type object = map[string]any

type dashboard struct {
	Annotations   annotationList `json:"annotations"`
	Description   string         `json:"description"`
	Editable      bool           `json:"editable"`
	GraphTooltip  int            `json:"graphTooltip"` // 1: one crosshair in all panels
	ID            *int           `json:"id"`
	Links         []object       `json:"links"`
	Panels        []*panel       `json:"panels"`
	Refresh       string         `json:"refresh"`
	SchemaVersion int            `json:"schemaVersion"`
	Tags          []string       `json:"tags"`
	Templating    variableList   `json:"templating"`
	Time          object         `json:"time"`
	Timepicker    struct{}       `json:"timepicker"`
	Timezone      string         `json:"timezone"`
	Title         string         `json:"title"`
	UID           string         `json:"uid"`
	Version       int            `json:"version"`
}

var chosenDatasource = object{"type": "prometheus", "uid": "${datasource}"}

type annotationList struct {
	List []annotation `json:"list"`
}

type annotation struct {
	BuiltIn         int    `json:"builtIn,omitempty"`
	Datasource      object `json:"datasource"`
	Enable          bool   `json:"enable"`
	Expr            expr   `json:"expr,omitempty"`
	Hide            bool   `json:"hide"`
	IconColor       string `json:"iconColor"`
	Name            string `json:"name"`
	Step            string `json:"step,omitempty"`
	TagKeys         string `json:"tagKeys,omitempty"`
	TextFormat      string `json:"textFormat,omitempty"`
	TitleFormat     string `json:"titleFormat,omitempty"`
	Type            string `json:"type,omitempty"`
	UseValueForTime string `json:"useValueForTime,omitempty"`

	quiet string // as of target
}

type variableList struct {
	List []variable `json:"list"`
}

type variable struct {
	AllValue    string   `json:"allValue,omitempty"`
	Current     object   `json:"current"`
	Datasource  object   `json:"datasource,omitempty"`
	Definition  string   `json:"definition,omitempty"`
	Description string   `json:"description"`
	Hide        int      `json:"hide"`
	IncludeAll  bool     `json:"includeAll"`
	Label       string   `json:"label"`
	Multi       bool     `json:"multi"`
	Name        string   `json:"name"`
	Options     []object `json:"options"`
	Query       any      `json:"query"` // text, or an object
	Refresh     int      `json:"refresh,omitempty"`
	Regex       string   `json:"regex"`
	SkipURLSync bool     `json:"skipUrlSync"`
	Sort        int      `json:"sort,omitempty"`
	Type        string   `json:"type"`
}

// everyPanel are all panels but the headings, those in collapsed rows too.
func (d dashboard) everyPanel() []*panel {
	var all []*panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
			continue
		}
		all = append(all, *p.Panels...)
	}
	return all
}

// panel is one panel, or the heading of a row.
type panel struct {
	Collapsed       *bool        `json:"collapsed,omitempty"` // of a heading
	Datasource      object       `json:"datasource,omitempty"`
	Description     string       `json:"description,omitempty"`
	FieldConfig     *fieldConfig `json:"fieldConfig,omitempty"`
	GridPos         gridPos      `json:"gridPos"`
	ID              int          `json:"id"`
	Links           []dataLink   `json:"links,omitempty"`
	Options         object       `json:"options,omitempty"`
	Panels          *[]*panel    `json:"panels,omitempty"` // of a heading: those that it hides while it is collapsed
	PluginVersion   string       `json:"pluginVersion,omitempty"`
	Targets         []target     `json:"targets,omitempty"`
	Title           string       `json:"title"`
	Transformations []object     `json:"transformations,omitempty"`
	Type            string       `json:"type"`
}

type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// target is one query of a panel.
type target struct {
	Datasource   object `json:"datasource"`
	EditorMode   string `json:"editorMode"`
	Expr         expr   `json:"expr"`
	Format       string `json:"format"`
	Instant      bool   `json:"instant"`
	LegendFormat string `json:"legendFormat"`
	Range        bool   `json:"range"`
	RefID        string `json:"refId"`

	// quiet says why the query returns nothing while nothing is wrong; empty: it
	// always returns something. The end-to-end test holds both.
	quiet string
	// optIn: it returns something only where a key of the configuration asks for it.
	optIn bool
}

type fieldConfig struct {
	Defaults  fieldDefaults `json:"defaults"`
	Overrides []override    `json:"overrides"`
}

type fieldDefaults struct {
	Color      *fieldColor `json:"color,omitempty"`
	Custom     object      `json:"custom,omitempty"`
	Decimals   *int        `json:"decimals,omitempty"`
	Mappings   []mapping   `json:"mappings,omitempty"`
	Max        *float64    `json:"max,omitempty"`
	Min        *float64    `json:"min,omitempty"`
	NoValue    string      `json:"noValue,omitempty"`
	Thresholds *thresholds `json:"thresholds,omitempty"`
	Unit       string      `json:"unit,omitempty"`
}

type fieldColor struct {
	FixedColor string `json:"fixedColor,omitempty"`
	Mode       string `json:"mode"`
}

func fixed(color string) fieldColor { return fieldColor{FixedColor: color, Mode: "fixed"} }

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

// step is the colour from a value on; the first has none.
type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

type mapping struct {
	Options any    `json:"options"`
	Type    string `json:"type"`
}

type mappingResult struct {
	Color string `json:"color,omitempty"`
	Index int    `json:"index"`
	Text  string `json:"text"`
}

type special struct {
	Match  string        `json:"match"`
	Result mappingResult `json:"result"`
}

// override changes the fields that Matcher finds.
type override struct {
	Matcher    fieldMatcher `json:"matcher"`
	Properties []property   `json:"properties"`
}

type fieldMatcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

type property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

type dataLink struct {
	TargetBlank bool   `json:"targetBlank"`
	Title       string `json:"title"`
	URL         string `json:"url"`
}

type sortBy struct {
	Desc        bool   `json:"desc"`
	DisplayName string `json:"displayName"`
}
