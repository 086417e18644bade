package alerts

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"icws_exporter/alerts/build"
)

func allTexts(t *testing.T) (texts []string) {
	t.Helper()
	for _, name := range RuleFiles {
		texts = append(texts, text(t, name))
	}
	return texts
}

// groups is the content of a rule file as YAML sees it.
func groups(t *testing.T, text string) []any {
	t.Helper()
	var content struct{ Groups []any }
	load(t, "rules", text, &content)
	return content.Groups
}

func TestNoOverrideChangesNothing(t *testing.T) {
	texts := allTexts(t)
	changed, err := build.Overrides{}.Apply(texts...)
	if err != nil || !reflect.DeepEqual(texts, changed) {
		t.Errorf("the rules are not as they were (%v)", err)
	}
}

// What is added must be YAML, whatever is in it, and be in every alert.
func TestLabelsAreAddedToEveryAlert(t *testing.T) {
	value := `it's "quoted": #1 \ - [x]`
	changed, err := build.Overrides{Labels: map[string]string{"team": value, "tier": "1"}}.Apply(allTexts(t)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range changed {
		var content struct{ Groups []struct{ Rules []rule } }
		load(t, "rules", text, &content)
		for _, g := range content.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" && (r.Labels["team"] != value || r.Labels["tier"] != "1" || r.Labels["severity"] == "") {
					t.Errorf("%s has the labels %v", r, r.Labels)
				}
			}
		}
	}
}

// Every threshold can be changed, wherever it stands, and nothing else changes.
func TestEveryThresholdCanBeChanged(t *testing.T) {
	texts := allTexts(t)
	for _, original := range texts {
		for _, threshold := range build.Thresholds(original) {
			changed, err := build.Overrides{Thresholds: map[string]string{threshold.Name: threshold.Max}}.Apply(texts...)
			if err != nil {
				t.Fatal(err)
			}
			before, after := strings.Split(strings.Join(texts, ""), "\n"), strings.Split(strings.Join(changed, ""), "\n")
			for i := range before {
				want := before[i]
				if strings.Contains(want, "# threshold "+threshold.Name+" ") {
					expression, _, _ := strings.Cut(want, " # ")
					place := strings.LastIndexAny(expression, "<>=")
					if place < 0 {
						place = strings.LastIndex(expression, "/")
					}
					want = want[:place] + strings.Replace(want[place:], threshold.Value, threshold.Max, 1)
				}
				if after[i] != want {
					t.Errorf("%s: %q became %q, want %q", threshold.Name, before[i], after[i], want)
				}
			}
		}
	}
}

// A threshold with which an alert always or never fires is refused.
func TestThresholdsThatMakeNoSenseAreRefused(t *testing.T) {
	texts := allTexts(t)
	for _, text := range texts {
		for _, threshold := range build.Thresholds(text) {
			for _, value := range []string{threshold.Max + "0", "1" + threshold.Max, "-1", "x", ""} {
				if threshold.Max == "1" && value == "10" || value != "-1" && value != "x" && value != "" {
					if v, _ := strconv.ParseFloat(value, 64); v <= number(t, threshold.Max) {
						continue // another way to write the greatest
					}
				}
				_, err := build.Overrides{Thresholds: map[string]string{threshold.Name: value}}.Apply(texts...)
				if err == nil || !strings.Contains(err.Error(), threshold.Name) {
					t.Errorf("%s=%q is taken (%v)", threshold.Name, value, err)
				}
			}
			if v := number(t, threshold.Value); v < number(t, threshold.Min) || v > number(t, threshold.Max) {
				t.Errorf("%s: the default %s is not from %s to %s", threshold.Name, threshold.Value, threshold.Min, threshold.Max)
			}
		}
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// severities are those of the alerts of rule files, by name.
func severities(t *testing.T, texts []string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, text := range texts {
		var content struct {
			Groups []struct {
				Name  string
				Rules []rule
			}
		}
		load(t, "rules", text, &content)
		for _, g := range content.Groups {
			if len(g.Rules) == 0 {
				t.Errorf("the group %s has no rule", g.Name)
			}
			for _, r := range g.Rules {
				if r.Alert != "" {
					found[r.Alert] = append(found[r.Alert], r.Labels["severity"])
				}
			}
		}
	}
	return found
}

// Any alert can be left out, and nothing else goes with it.
func TestAlertsAreLeftOut(t *testing.T) {
	texts := allTexts(t)
	all := severities(t, texts)
	for name := range all {
		changed, err := build.Overrides{Without: []string{name}}.Apply(texts...)
		if err != nil {
			t.Fatal(err)
		}
		want := maps.Clone(all)
		delete(want, name)
		if got := severities(t, changed); !reflect.DeepEqual(got, want) {
			t.Errorf("without %s there are %v", name, got)
		}
		if got, want := strings.Count(strings.Join(changed, ""), "- record: "), strings.Count(strings.Join(texts, ""), "- record: "); got != want {
			t.Errorf("without %s there are %d recorded series, want %d", name, got, want)
		}
	}
	changed, err := build.Overrides{Without: slices.Collect(maps.Keys(all))}.Apply(texts...)
	if err != nil || len(severities(t, changed)) != 0 {
		t.Errorf("without all there are %v (%v)", severities(t, changed), err)
	}
	if _, err := (build.Overrides{Without: []string{"ServerDown"}}).Apply(texts...); err == nil || !strings.Contains(err.Error(), "IcwsServerDown") {
		t.Errorf("an alert that is not there is left out: %v", err)
	}
}

// Who pages is a choice: these alerts, or none.
func TestPagesAreChosen(t *testing.T) {
	texts := allTexts(t)
	for _, chosen := range [][]string{{build.NoPage}, {"IcwsServerDown"}, {"IcwsExpiring", "IcwsNotWatched"}} {
		changed, err := build.Overrides{Pages: chosen}.Apply(texts...)
		if err != nil {
			t.Fatal(err)
		}
		for name, list := range severities(t, changed) {
			if got, want := slices.Contains(list, "critical"), slices.Contains(chosen, name); got != want || want && len(slices.Compact(list)) != 1 {
				t.Errorf("with the pages %v %s has the severities %v", chosen, name, list)
			}
		}
	}
	if _, err := (build.Overrides{Pages: []string{"all"}}).Apply(texts...); err == nil {
		t.Error("an alert that is not there pages")
	}
}

// Every link leads to the pages of the exporter, or to where the operator says. The incidents
// show that Prometheus makes an address of the former.
func TestRunbookLinks(t *testing.T) {
	changed, err := build.Overrides{RunbookURL: "https://git.example.com/b/"}.Apply(allTexts(t)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range changed {
		links := regexp.MustCompile("runbook_url: (.*)\n").FindAllStringSubmatch(text, -1)
		for _, m := range links {
			if !regexp.MustCompile(`^'https://git\.example\.com/b/Icws\w+\.md'$`).MatchString(m[1]) {
				t.Errorf("a runbook is at %s", m[1])
			}
		}
		if len(links) == 0 {
			t.Error("a file has no runbook")
		}
	}
}

func TestManifestHasTheGroupsOfAllFiles(t *testing.T) {
	var want []any
	for _, text := range allTexts(t) {
		want = append(want, groups(t, text)...)
	}
	text, err := build.PrometheusRule("icws", map[string]string{"release": "it's"}, allTexts(t)...)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct {
			Name   string
			Labels map[string]string
		}
		Spec struct{ Groups []any }
	}
	if err := yaml.Load([]byte(text), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Kind != "PrometheusRule" || manifest.APIVersion != "monitoring.coreos.com/v1" || manifest.Metadata.Labels["release"] != "it's" {
		t.Errorf("the manifest is %s %s, %v", manifest.APIVersion, manifest.Kind, manifest.Metadata)
	}
	if !reflect.DeepEqual(manifest.Spec.Groups, want) {
		t.Error("the manifest has other rules than the files")
	}
}

func TestShortTimeIsShorterEverywhere(t *testing.T) {
	got := build.Shorten(`groups:
  - name: a
    interval: 1m
    rules:
      - alert: A
        expr: |
          increase(a_total[10m]) >= 3 # threshold a_count 1..10: how many
          and
          max_over_time(c[1d] offset 1h) > 0
          and
          max_over_time(d[1h:1m]) > 0
        for: 2m
        keep_firing_for: 1s
        labels: {window: 1d}
`, 10, 30*time.Second)
	want := `groups:
  - name: a
    interval: 6s
    rules:
      - alert: A
        expr: |
          increase(a_total[60s]) >= 3 # threshold a_count 1..10: how many
          and
          max_over_time(c[8640s] offset 360s) > 0
          and
          max_over_time(d[360s:6s]) > 0
        for: 12s
        keep_firing_for: 1s
        labels: {window: 1d}
`
	if got != want {
		t.Errorf("in short time it is\n%s", got)
	}
}
