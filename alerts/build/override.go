package build

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Overrides are what an operator changes in the rules. The zero value changes
// nothing.
type Overrides struct {
	// Labels are added to every alert, for routing.
	Labels map[string]string
	// Thresholds are new values by the name of the threshold.
	Thresholds map[string]string
	// Without are the names of alerts to leave out.
	Without []string
	// Pages are the names of the alerts that are critical, instead of those that are;
	// NoPage alone stands for none.
	Pages []string
	// RunbookURL and DashboardURL replace what runbook_url and dashboard_url begin
	// with: the folder of the runbooks, and the address of Grafana.
	RunbookURL, DashboardURL string
	// Job is a regular expression for the jobs that scrape the exporter, instead of
	// icws.*.
	Job string
}

// NoPage in Overrides.Pages: no alert is critical.
const NoPage = "none"

// Apply returns the rule files with the overrides. The error says which override
// cannot be used and what is expected.
func (o Overrides) Apply(texts ...string) ([]string, error) {
	if err := o.check(texts); err != nil {
		return nil, err
	}
	changed := make([]string, len(texts))
	for i, text := range texts {
		text = leaveOut(setThresholds(text, o.Thresholds), o.Without)
		if len(o.Pages) > 0 {
			text = setPages(text, o.Pages)
		}
		text = o.addLabels(text)
		if o.RunbookURL != "" {
			text = strings.ReplaceAll(text, exporterRunbooks, "runbook_url: '"+folder(o.RunbookURL))
		}
		if o.DashboardURL != "" {
			text = strings.ReplaceAll(text, `dashboard_url: "d/`, `dashboard_url: "`+folder(o.DashboardURL)+"d/")
		}
		if o.Job != "" {
			text = strings.ReplaceAll(text, `job=~"icws.*"`, `job=~"`+o.Job+`"`)
		}
		changed[i] = text
	}
	return changed, nil
}

// exporterRunbooks is what every runbook_url begins with: where an exporter of the job says that its pages are.
const exporterRunbooks = "runbook_url: '{{ with or $labels.job \".*\" | printf `last_over_time(icws_exporter_web_info{job=~%q}[1h])` | query }}" +
	`{{ . | sortByLabel "external_url" | first | label "external_url" }}/{{ end }}runbooks/`

// folder has one slash at the end.
func folder(url string) string { return strings.TrimRight(url, "/") + "/" }

var (
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	plainURL  = regexp.MustCompile(`^https?://[^\s"'#{}\\]+$`)
	plainJob  = regexp.MustCompile("^[^\\s\"'`{}\\\\]+$")
)

// ownLabels are those that rules set or make.
var ownLabels = []string{"severity", "service", "window", "scope", "why", "what", "kind", "reason"}

func (o Overrides) check(texts []string) error {
	for _, name := range slices.Sorted(maps.Keys(o.Labels)) {
		switch {
		case name == "alertname" || slices.Contains(ownLabels, name):
			return fmt.Errorf("label %s: the rules set it themselves, choose another name", name)
		case !labelName.MatchString(name):
			return fmt.Errorf("label %q: not the name of a label", name)
		case strings.ContainsAny(o.Labels[name], "\n{}"):
			return fmt.Errorf("label %s: a line break, { and } cannot be in its value", name)
		}
	}
	for what, url := range map[string]string{"runbook": o.RunbookURL, "dashboard": o.DashboardURL} {
		if url != "" && !plainURL.MatchString(url) {
			return fmt.Errorf("%s URL: %q is not an address such as https://example.com/path", what, url)
		}
	}
	if o.Job != "" {
		if _, err := regexp.Compile(o.Job); err != nil || !plainJob.MatchString(o.Job) {
			return fmt.Errorf("job: %q is not a regular expression without spaces, quotes, braces and backslashes", o.Job)
		}
	}
	if err := checkNames("without", o.Without, texts); err != nil {
		return err
	}
	if !slices.Equal(o.Pages, []string{NoPage}) {
		if err := checkNames("page", o.Pages, texts); err != nil {
			return err
		}
	}
	return checkThresholds(o.Thresholds, texts)
}

const serviceLabel = "          service: icws\n"

// addLabels adds the labels after the one that every alert has.
func (o Overrides) addLabels(text string) string {
	added := serviceLabel
	for _, name := range slices.Sorted(maps.Keys(o.Labels)) {
		added += "          " + name + ": " + quoted(o.Labels[name]) + "\n"
	}
	return strings.ReplaceAll(text, serviceLabel, added)
}

// quoted is a YAML scalar.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
