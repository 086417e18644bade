package alerts

import (
	"reflect"
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
			changed, err := build.Overrides{Thresholds: map[string]string{threshold.Name: "0.123"}}.Apply(texts...)
			if err != nil {
				t.Fatal(err)
			}
			before, after := strings.Split(strings.Join(texts, ""), "\n"), strings.Split(strings.Join(changed, ""), "\n")
			for i := range before {
				want := before[i]
				if strings.Contains(want, "# threshold "+threshold.Name+":") {
					expression, _, _ := strings.Cut(want, " # ")
					place := strings.LastIndexAny(expression, "<>=")
					want = want[:place] + strings.Replace(want[place:], threshold.Value, "0.123", 1)
				}
				if after[i] != want {
					t.Errorf("%s: %q became %q, want %q", threshold.Name, before[i], after[i], want)
				}
			}
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
          increase(a_total[10m]) >= 3 # threshold a_count: how many
          and
          time() - b < 300 # threshold b_seconds: how long
          and
          max_over_time(c[1d] offset 1h) > 0
        for: 2m
        keep_firing_for: 1s
        labels: {window: 1d}
`, 10, 30*time.Second, 20*time.Minute)
	want := `groups:
  - name: a
    interval: 6s
    rules:
      - alert: A
        expr: |
          increase(a_total[60s]) >= 3 # threshold a_count: how many
          and
          time() - b < 30 # threshold b_seconds: how long
          and
          max_over_time(c[1200s] offset 360s) > 0
        for: 12s
        keep_firing_for: 1s
        labels: {window: 1d}
`
	if got != want {
		t.Errorf("in short time it is\n%s", got)
	}
}
