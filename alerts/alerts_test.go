package alerts

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"icws_exporter/alerts/build"
)

var update = flag.Bool("update", false, "write the generated parts of the documentation anew")

// rule is one rule of a rule file.
type rule struct {
	Record        string
	Alert         string
	Expr          string
	For           string
	KeepFiringFor string `yaml:"keep_firing_for"`
	Group         string `yaml:"-"`
	Labels        map[string]string
	Annotations   map[string]string
}

func (r rule) String() string {
	return strings.TrimSpace(r.Alert + r.Record + " " + r.Labels["severity"] + " " + r.form())
}

// form is the label that tells the rules of an alert apart; empty for an alert with
// one rule.
func (r rule) form() string {
	return r.Labels["scope"] + r.Labels["why"] + r.Labels["what"] + r.Labels["window"]
}

func text(t *testing.T, name string) string {
	t.Helper()
	text, ok := Text(name)
	if !ok {
		t.Fatalf("%s is not embedded", name)
	}
	return text
}

func load(t *testing.T, name, text string, into any) {
	t.Helper()
	if err := yaml.Load([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func rulesOf(t *testing.T, file string) (rules []rule) {
	t.Helper()
	var content struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	load(t, file, text(t, file), &content)
	for _, g := range content.Groups {
		for _, r := range g.Rules {
			r.Group = g.Name
			rules = append(rules, r)
		}
	}
	return rules
}

func allRules(t *testing.T) (rules []rule) {
	t.Helper()
	for _, file := range RuleFiles {
		rules = append(rules, rulesOf(t, file)...)
	}
	if len(rules) < 40 {
		t.Fatalf("only %d rules found", len(rules))
	}
	return rules
}

// alertNames are the names of the alerts, each once, in the order of the files.
func alertNames(rules []rule) (names []string) {
	for _, r := range rules {
		if r.Alert != "" && !slices.Contains(names, r.Alert) {
			names = append(names, r.Alert)
		}
	}
	return names
}

// pages are the alerts that wake somebody.
var pages = []string{"IcwsServerDown", "IcwsCatalogueUnusable", "IcwsRequestsFailing", "IcwsNotWatched", "IcwsAvailabilityBudgetBurn"}

func TestFivePagesOfTwentyAlerts(t *testing.T) {
	rules := allRules(t)
	names := alertNames(rules)
	// Those of users are for the sites that count them.
	if n := len(names) - len(alertNames(rulesOf(t, "icws.users.yaml"))); n > 20 {
		t.Errorf("%d alerts are more than 20", n)
	}
	for _, r := range rules {
		if critical := r.Labels["severity"] == "critical"; critical != slices.Contains(pages, r.Alert) {
			t.Errorf("%s: it pages, or does not, against what %v says", r, pages)
		}
		if r.Alert == "" {
			continue
		}
		if !strings.HasPrefix(r.Alert, "Icws") || !strings.Contains(r.Annotations["summary"], "PureConnect server") {
			t.Errorf("%s: its name does not begin with Icws, or its summary does not say PureConnect server", r)
		}
	}
}

// Numbers in texts are whole, and a text that is for the night is short.
func TestNumbersInTextsAreWhole(t *testing.T) {
	value := regexp.MustCompile(`\{\{[^}]*\$value[^}]*\}\}`)
	for _, r := range allRules(t) {
		for name, text := range r.Annotations {
			for _, used := range value.FindAllString(text, -1) {
				if used != "{{ printf `%.0f` $value }}" {
					t.Errorf("%s: %s prints %s", r, name, used)
				}
			}
		}
		if len(r.Annotations["summary"]) > 140 { // the names of labels are about as long as their values
			t.Errorf("%s: its summary is longer than a line: %s", r, r.Annotations["summary"])
		}
	}
}

// withoutWaiting are the alerts that do not wait, or do not go on, with the reason.
var withoutWaiting = map[string]string{
	"IcwsServerDown critical server":          "the 5 minutes are in the expression, so that a reason that changes does not make it begin anew",
	"IcwsServerDown critical fleet":           "as of one server",
	"IcwsAvailabilityBudgetBurn critical 1h":  "the windows are the waiting",
	"IcwsAvailabilityBudgetBurn critical 6h":  "the windows are the waiting",
	"IcwsNotWatched critical probe_stuck":     "the range is the waiting",
	"IcwsNotWatched critical vanished_target": "it ends when the target is back: it must not outlast what mutes it",
	"IcwsNotWatched critical vanished_server": "it ends when the server is back: it must not outlast what mutes it",
	"IcwsSessionUnstable warning owed":        "it ends before the server is up again: it must not outlast what mutes it",
	"IcwsWatchdog none":                       "it is always there",
}

func TestAlertsSayWhatAnOperatorNeeds(t *testing.T) {
	uid := regexp.MustCompile(`^d/([a-z-]+)\?var-job=`)
	for _, r := range allRules(t) {
		if r.Alert == "" {
			continue
		}
		if withoutWaiting[r.String()] == "" && (r.For == "" || r.KeepFiringFor == "") {
			t.Errorf("%s: for or keep_firing_for is missing, and no reason is given", r)
		}
		if !slices.Contains([]string{"critical", "warning", "info", "none"}, r.Labels["severity"]) || r.Labels["service"] != "icws" {
			t.Errorf("%s: its labels are %v", r, r.Labels)
		}
		for name, value := range r.Labels {
			if strings.Contains(value, "$value") {
				t.Errorf("%s: the label %s changes with the value, so that every change is another alert", r, name)
			}
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: summary or description is missing", r)
		}
		if got := r.Annotations["runbook_url"]; !strings.HasSuffix(got, "}}runbooks/"+r.Alert+".md") {
			t.Errorf("%s: its runbook is %s", r, got)
		}
		m := uid.FindStringSubmatch(r.Annotations["dashboard_url"])
		if m == nil {
			t.Errorf("%s: its dashboard is %s", r, r.Annotations["dashboard_url"])
			continue
		}
		if _, err := os.Stat("../dashboards/" + m[1] + ".json"); err != nil {
			t.Errorf("%s: no such dashboard: %v", r, err)
		}
	}
}

func TestEveryAlertHasARunbook(t *testing.T) {
	rules := allRules(t)
	names := alertNames(rules)
	for _, name := range Runbooks() {
		if !slices.Contains(names, name) {
			t.Errorf("the runbook %s is of no alert", name)
		}
	}
	sections := []string{"## Meaning\n", "## Impact\n", "## What to do\n", "## Queries\n", "## False positives\n"}
	for _, name := range names {
		book, ok := Runbook(name)
		if !ok {
			t.Errorf("%s has no runbook", name)
			continue
		}
		rest := book
		for _, section := range sections {
			_, after, found := strings.Cut(rest, "\n"+section)
			if !found || len(strings.TrimSpace(after)) < 10 || strings.HasPrefix(strings.TrimSpace(after), "#") {
				t.Errorf("the runbook of %s has no %q, or nothing in it, or not in the order %q", name, section, sections)
				break
			}
			rest = after
		}
		if len(Queries(book)) == 0 || len(Commands(book)) == 0 {
			t.Errorf("the runbook of %s has no query or no command", name)
		}
	}
}

// A runbook about a server names the page that can be read, and that of an outage how a wait ends by hand.
func TestRunbooksNameThePageOfTheServer(t *testing.T) {
	aboutExporters := []string{"IcwsCatalogueDiffers", "IcwsExporterRestarting", "IcwsExporterUnhealthy", "IcwsNotWatched", "IcwsWatchdog"}
	for _, name := range alertNames(allRules(t)) {
		book, _ := Runbook(name)
		if !strings.Contains(book, "/servers/$SERVER`") && !slices.Contains(aboutExporters, name) {
			t.Errorf("the runbook of %s does not name the page of the server", name)
		}
	}
	down, _ := Runbook("IcwsServerDown")
	for _, want := range []string{"*Try again now*", "`POST /api/v1/servers/$SERVER/retry`", "`--web.enable-lifecycle`"} {
		if !strings.Contains(down, want) {
			t.Errorf("the runbook of IcwsServerDown does not say %s", want)
		}
	}
}

// unitTest is a file for promtool test rules.
type unitTest struct {
	Tests []struct {
		Name           string
		AlertRuleTests []struct {
			Alertname string
			ExpAlerts []struct {
				ExpLabels map[string]string `yaml:"exp_labels"`
			} `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
		ExprTests []struct {
			Expr       string
			ExpSamples []any `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

// Each form of each alert fires in a test, keeps firing, resolves, and stays silent
// just below. promtool runs the tests; here it is checked that they are there.
func TestEveryAlertIsTested(t *testing.T) {
	for _, r := range allRules(t) {
		if r.Alert == "" || r.Alert == "IcwsWatchdog" { // it always fires
			continue
		}
		files, err := filepath.Glob("tests/" + r.Alert + "*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no tests: %v", r.Alert, err)
		}
		var fires, resolves, keeps, silent bool
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var tests unitTest
			load(t, file, string(content), &tests)
			for _, test := range tests.Tests {
				fired := false
				for _, check := range test.AlertRuleTests {
					now := false
					for _, a := range check.ExpAlerts {
						now = now || (rule{Labels: a.ExpLabels}).form() == r.form()
					}
					resolves = resolves || fired && !now
					fired = fired || now
				}
				fires = fires || fired
				resolves = resolves || fired && strings.Contains(test.Name, "resolves")
				keeps = keeps || strings.Contains(test.Name, "keeps firing")
				for _, check := range test.ExprTests {
					silent = silent || strings.HasPrefix(check.Expr, `max_over_time(ALERTS{alertname="`+r.Alert+`"`) && len(check.ExpSamples) == 0
				}
			}
		}
		for what, there := range map[string]bool{"fires": fires, "resolves": resolves, "keeps firing": keeps, "stays silent just below": silent} {
			if !there {
				t.Errorf("%s %s: no test in %v in which it %s", r, r.form(), files, what)
			}
		}
	}
}

// A threshold that stands in several lines has one value and one meaning.
func TestThresholdsAgree(t *testing.T) {
	meanings := map[string]string{}
	for _, file := range RuleFiles {
		for line := range strings.Lines(text(t, file)) {
			for _, threshold := range build.Thresholds(line) {
				meaning := fmt.Sprint(threshold.Value, threshold.Meaning)
				if known, ok := meanings[threshold.Name]; ok && known != meaning {
					t.Errorf("%s: %s is %q and %q", file, threshold.Name, known, meaning)
				}
				meanings[threshold.Name] = meaning
			}
			if strings.Contains(line, "# threshold") && len(build.Thresholds(line)) != 1 {
				t.Errorf("%s: the threshold of this line is not found: %s", file, line)
			}
		}
	}
}
