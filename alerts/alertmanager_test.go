package alerts

import (
	"regexp"
	"slices"
	"testing"
)

// inhibition is an inhibit rule as a list of alerts that mute others.
type inhibition struct {
	sources, targets []string
	critical         bool // only the critical form mutes
}

func inhibitions(t *testing.T) (found []inhibition) {
	t.Helper()
	var content struct {
		Rules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string
		} `yaml:"inhibit_rules"`
	}
	load(t, Alertmanager, text(t, Alertmanager), &content)
	for _, r := range content.Rules {
		if !slices.Contains(r.Source, `service="icws"`) || !slices.Contains(r.Target, `service="icws"`) || !slices.Contains(r.Equal, "job") {
			t.Errorf("an inhibit rule may mute the alerts of others: %v", r)
		}
		found = append(found, inhibition{named(t, r.Source), named(t, r.Target), slices.Contains(r.Source, `severity="critical"`)})
	}
	return found
}

// named are the alerts that the matchers name; nil for all.
func named(t *testing.T, matchers []string) (alerts []string) {
	t.Helper()
	pattern := regexp.MustCompile(`^alertname(=~|!~|!=|=)"(.*)"$`)
	for _, m := range matchers {
		if parts := pattern.FindStringSubmatch(m); parts != nil {
			full := regexp.MustCompile("^(?:" + parts[2] + ")$")
			for _, name := range alertNames(allRules(t)) {
				if full.MatchString(name) == (parts[1][0] == '=') {
					alerts = append(alerts, name)
				}
			}
		}
	}
	return alerts
}

// A cause mutes its consequences and never the other way round, and a page is never
// muted by less than a page.
func TestInhibitionPointsFromCauseToConsequence(t *testing.T) {
	rules := allRules(t)
	all := inhibitions(t)
	for _, i := range all {
		for _, source := range i.sources {
			for _, j := range all {
				if len(i.targets) > 0 && slices.Contains(j.targets, source) && slices.ContainsFunc(j.sources, func(s string) bool { return slices.Contains(i.targets, s) }) {
					t.Errorf("%v mutes %v, which mutes it", i, j)
				}
			}
			if i.critical {
				continue
			}
			for _, r := range rules {
				if r.Alert == source && r.Labels["severity"] != "critical" && slices.ContainsFunc(rules, func(muted rule) bool {
					return slices.Contains(i.targets, muted.Alert) && muted.Labels["severity"] == "critical"
				}) {
					t.Errorf("%s mutes a critical alert among %v", r, i.targets)
				}
			}
		}
	}
	mutes := func(source, target string) bool {
		return slices.ContainsFunc(all, func(i inhibition) bool {
			return slices.Contains(i.sources, source) && slices.Contains(i.targets, target)
		})
	}
	for _, name := range alertNames(rules) {
		if name != "ExporterDown" && !mutes("ExporterDown", name) {
			t.Errorf("ExporterDown does not mute %s", name)
		}
	}
	for _, cause := range []string{"AuthenticationHeld", "GoneResponses", "BreakerOpen", "Displaced"} {
		for _, consequence := range []string{"ServerDown", "CatalogueStale", "AvailabilityBudgetBurn"} {
			if !mutes(cause, consequence) {
				t.Errorf("%s does not mute %s", cause, consequence)
			}
		}
	}
}

func TestAlertmanagerExampleNamesOnlyAlertsThatExist(t *testing.T) {
	known := alertNames(allRules(t))
	for _, m := range regexp.MustCompile(`alertname=~?"([^"]*)"`).FindAllStringSubmatch(text(t, Alertmanager), -1) {
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(m[1], -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s names the alert %s, which does not exist", Alertmanager, name)
			}
		}
	}
}
