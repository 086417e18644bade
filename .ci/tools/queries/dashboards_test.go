package queries

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"icws_exporter/dashboards"
	"icws_exporter/exporter/collect"
)

// dashboard is what the tests read of a dashboard.
type dashboard struct {
	Title       string
	Editable    bool
	Annotations struct{ List []annotation }
	Templating  struct{ List []variable }
	Panels      []panel
}

type annotation struct{ Name, Expr, TitleFormat, UseValueForTime string }

type variable struct {
	Name, Label, Type, AllValue, Regex string
	Multi, IncludeAll                  bool
	Refresh                            int
	Query                              any
	Datasource                         struct{ Type, UID string }
}

// query is the text of a query variable.
func (v variable) query() string {
	if text, ok := v.Query.(string); ok {
		return text
	}
	return v.Query.(map[string]any)["query"].(string)
}

type panel struct {
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	Targets                  []panelTarget
	FieldConfig              struct {
		Defaults  struct{ Unit string }
		Overrides []struct{ Matcher struct{ ID, Options string } }
	}
	Transformations []struct {
		ID      string
		Options struct{ IndexByName map[string]int }
	}
	Panels []panel
	text   string
}

type panelTarget struct {
	Datasource                struct{ Type, UID string }
	Expr, LegendFormat, RefID string
}

func (p *panel) UnmarshalJSON(text []byte) error {
	type plain panel
	p.text = string(text)
	return json.Unmarshal(text, (*plain)(p))
}

// everyPanel are all panels but the headings.
func (d dashboard) everyPanel() (all []panel) {
	for _, p := range d.Panels {
		if p.Type == "row" {
			all = append(all, p.Panels...)
		} else {
			all = append(all, p)
		}
	}
	return all
}

func readDashboards(t *testing.T) (all []dashboard) {
	t.Helper()
	for _, file := range dashboards.All() {
		var d dashboard
		if err := json.Unmarshal(file.JSON, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if len(all) < 4 {
		t.Fatalf("%d dashboards", len(all))
	}
	return all
}

// query is a query of a dashboard and where it is.
type query struct {
	where, text, legend string
	parser.Expr
}

// queries are the queries of all panels and annotations, parsed.
func queries(t *testing.T, d dashboard) (all []query) {
	t.Helper()
	add := func(where, text, legend string) {
		e, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		all = append(all, query{d.Title + ": " + where, text, legend, e})
	}
	for _, p := range d.everyPanel() {
		for _, q := range p.Targets {
			add(p.Title+" "+q.RefID, q.Expr, q.LegendFormat)
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			add(a.Name, a.Expr, a.TitleFormat)
		}
	}
	return all
}

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`{{(\w+)}}`)

func TestQueriesReferToWhatExists(t *testing.T) {
	known := withRecorded(t)
	for _, d := range readDashboards(t) {
		for _, q := range queries(t, d) {
			labels, err := known.result(q.Expr)
			if err != nil {
				t.Errorf("%s: %v", q.where, err)
			}
			for _, l := range placeholder.FindAllStringSubmatch(q.legend, -1) {
				if !slices.Contains(labels, l[1]) {
					t.Errorf("%s: the legend has %s, the result only %v", q.where, l[1], labels)
				}
			}
			for _, s := range selections(q.Expr) {
				if problem := known.misread(s); problem != "" {
					t.Errorf("%s: %s", q.where, problem)
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
		e, err := parse(wrong)
		if err != nil {
			continue
		}
		if labels, err := exported().result(e); err == nil {
			t.Errorf("%s is taken for right, with the labels %v", wrong, labels)
		}
	}
}

// A counter that is read for its value is seen, and so is a gauge that is read for
// its growth.
func TestMisreadCountersAreSeen(t *testing.T) {
	for text, wrong := range map[string]bool{
		`icws_session_opens_total`: true, `rate(icws_session_opens_total[5m])`: false,
		`increase(icws_up[5m])`: true, `max_over_time((icws_up > 0)[1h:1m])`: false,
	} {
		e, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := exported().misread(selections(e)[0]) != ""; got != wrong {
			t.Errorf("%s: misread is %t", text, got)
		}
	}
}

// confined says which variable of the dashboard a series is not confined by. What
// need not name a job or an exporter is about all of them.
func confined(d dashboard, m metric, s selected) string {
	for _, label := range []string{"job", "instance", "server", "group"} {
		has := slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == label })
		if !has || !slices.Contains(m.labels, label) {
			continue
		}
		if !slices.ContainsFunc(s.LabelMatchers, func(l *labels.Matcher) bool {
			return l.Name == label && l.Type == labels.MatchRegexp && (l.Value == "$"+label || l.Value == "$"+label+"|")
		}) {
			return fmt.Sprintf(`%s lacks %s=~"$%[2]s"`, s.Name, label)
		}
	}
	return ""
}

// Every query is confined by every variable that its series know, and every variable
// is used.
func TestVariablesConfineEveryQuery(t *testing.T) {
	used := regexp.MustCompile(`\$\{?([a-z]\w*)`)
	known := withRecorded(t)
	for _, d := range readDashboards(t) {
		var text strings.Builder
		for _, q := range queries(t, d) {
			text.WriteString(q.text)
			for _, s := range selections(q.Expr) {
				if problem := confined(d, known[s.Name], s); problem != "" {
					t.Errorf("%s: %s", q.where, problem)
				}
			}
		}
		for _, p := range d.everyPanel() {
			text.WriteString(p.text)
		}
		names := []string{"datasource"}
		for _, v := range d.Templating.List {
			names = append(names, v.Name)
			if !strings.Contains(text.String(), "$"+v.Name) && !strings.Contains(text.String(), "${"+v.Name) {
				t.Errorf("%s does not use its variable %s", d.Title, v.Name)
			}
		}
		for _, name := range used.FindAllStringSubmatch(text.String(), -1) {
			if !slices.Contains(names, name[1]) {
				t.Errorf("%s uses $%s, which it does not define", d.Title, name[1])
			}
		}
	}
}

// An alert of which no exporter is the source is shown whatever is chosen.
func TestAlertsNeedNoExporter(t *testing.T) {
	looked := 0
	for _, d := range readDashboards(t) {
		for _, q := range queries(t, d) {
			for _, s := range selections(q.Expr) {
				if s.Name != "ALERTS" && s.Name != "ALERTS_FOR_STATE" {
					continue
				}
				looked++
				for _, l := range s.LabelMatchers {
					if (l.Name == "instance" || l.Name == "job") && !strings.HasSuffix(l.Value, "|") {
						t.Errorf("%s leaves out the alerts without %s", q.where, l.Name)
					}
				}
			}
		}
	}
	if looked < 4 {
		t.Errorf("only %d queries of alerts", looked)
	}
}

// A variable that depends on its own choice offers nothing else.
func TestNoVariableDependsOnItself(t *testing.T) {
	for _, d := range readDashboards(t) {
		for i, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			for _, later := range d.Templating.List[i:] {
				if strings.Contains(v.query(), "$"+later.Name) {
					t.Errorf("%s: $%s depends on $%s, which is itself or comes after it", d.Title, v.Name, later.Name)
				}
			}
		}
	}
}

// Quantiles come from classic histograms or from native ones, whichever there are:
// the two halves read different series.
func TestQuantilesReadBothKindsOfHistograms(t *testing.T) {
	looked := 0
	for _, d := range readDashboards(t) {
		for _, q := range queries(t, d) {
			kinds := map[bool]int{}
			for _, s := range selections(q.Expr) {
				for _, f := range collect.Families() {
					if f.Type == collect.Histogram && strings.HasPrefix(s.Name, f.Name) {
						kinds[strings.HasSuffix(s.Name, "_bucket")]++
					}
				}
			}
			if kinds[true]+kinds[false] == 0 {
				continue
			}
			looked++
			if kinds[true] != kinds[false] {
				t.Errorf("%s reads %d classic histograms and %d native ones: %s", q.where, kinds[true], kinds[false], q.text)
			}
		}
	}
	if looked < 4 {
		t.Errorf("only %d queries of histograms", looked)
	}
}

// Grafana draws no annotation for a value that is not above 0.
func TestAnnotationsHaveValuesAboveZero(t *testing.T) {
	for _, d := range readDashboards(t) {
		for _, a := range d.Annotations.List {
			if a.Expr == "" {
				continue
			}
			e, err := parse(a.Expr)
			if err != nil {
				t.Fatal(err)
			}
			switch b, binary := e.(*parser.BinaryExpr); {
			case a.UseValueForTime != "":
				if !strings.HasPrefix(a.Expr, "1000 * ") {
					t.Errorf("%s: %s takes its time from a value that is not in milliseconds", d.Title, a.Name)
				}
			case !binary || b.Op == parser.EQLC && !b.ReturnBool:
				t.Errorf("%s: %s has values of 0, which Grafana drops: %s", d.Title, a.Name, a.Expr)
			}
		}
	}
}

// needNoPanel are the metrics that no dashboard has to show, and why.
var needNoPanel = map[string]string{
	"icws_exporter_start_time_seconds":      "read by the alert about restarts; process_start_time_seconds is shown",
	"icws_exporter_web_info":                "read by the alerts for the address of the runbooks",
	"icws_host_last_look_timestamp_seconds": "says how old icws_host_up is, which is shown",
}

// A metric that no dashboard shows is one that nobody looks at.
func TestEveryMetricIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range readDashboards(t) {
		for _, q := range queries(t, d) {
			for _, s := range selections(q.Expr) {
				shown[strings.TrimSuffix(s.Name, "_bucket")] = true
			}
		}
	}
	for _, f := range collect.Families() {
		if f.OptIn == "" && shown[f.Name] == (needNoPanel[f.Name] != "") {
			t.Errorf("%s: shown is %t, a reason why it need not be: %q", f.Name, shown[f.Name], needNoPanel[f.Name])
		}
	}
}

// What we expect of every Go process is what the exporter serves.
func TestProcessMetricsExist(t *testing.T) {
	var exposition string
	collect.New(collect.Options{ExporterMetrics: true}).Render(collect.Text, false, func(body []byte) { exposition = string(body) })
	for name := range foreign {
		if (strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")) && !strings.Contains(exposition, "\n"+name+" ") {
			t.Errorf("the exporter does not serve %s", name)
		}
	}
}

// tableLabels are the label columns of a table.
func tableLabels(t *testing.T, known metrics, p panel) (all []string) {
	t.Helper()
	for _, q := range p.Targets {
		e, err := parse(q.Expr)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := known.result(e)
		if err != nil {
			t.Errorf("%s: %v", p.Title, err)
		}
		all = append(all, labels...)
	}
	return all
}

// The columns of a table come together by labels that all its queries have; a column
// that is set up for a label has that label, and so has a link of one.
func TestTablesFitTogether(t *testing.T) {
	known := withRecorded(t)
	for _, d := range readDashboards(t) {
		for _, p := range d.everyPanel() {
			if p.Type != "table" {
				continue
			}
			labels := tableLabels(t, known, p)
			organized := false
			for _, tr := range p.Transformations {
				organized = organized || tr.ID == "organize"
				for _, l := range labels {
					if _, placed := tr.Options.IndexByName[l]; tr.ID == "organize" && !placed {
						t.Errorf("%s: %s: the column %s has no place and no name", d.Title, p.Title, l)
					}
				}
			}
			for _, o := range p.FieldConfig.Overrides {
				if name := o.Matcher.Options; organized && !strings.HasPrefix(name, "Value") && !slices.Contains(labels, name) {
					t.Errorf("%s: %s: no query has the label %s", d.Title, p.Title, name)
				}
			}
			for _, field := range regexp.MustCompile(`__data\.fields\.(\w+)`).FindAllStringSubmatch(p.text, -1) {
				if !slices.Contains(labels, field[1]) {
					t.Errorf("%s: a link needs the column %s of %v", p.Title, field[1], labels)
				}
			}
		}
	}
}

// With fifty servers a number is still large enough to read: a panel of numbers has
// none for each of several servers.
func TestNumbersAreNotOfEachServer(t *testing.T) {
	known := withRecorded(t)
	for _, d := range readDashboards(t) {
		one := slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == "server" && !v.Multi })
		for _, p := range d.everyPanel() {
			if labels := tableLabels(t, known, p); p.Type == "stat" && !one && slices.Contains(labels, "server") {
				t.Errorf("%s: %s has a number for each server", d.Title, p.Title)
			}
		}
	}
}
