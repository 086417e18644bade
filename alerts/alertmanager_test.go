package alerts

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// inhibition is an inhibit rule: the rules whose alerts mute, and those whose alerts
// are muted.
type inhibition struct {
	sources, targets []rule
	equal            []string
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
		i := inhibition{matching(t, r.Source), matching(t, r.Target), r.Equal}
		if !slices.Contains(r.Source, `service="icws"`) || !slices.Contains(r.Target, `service="icws"`) || len(r.Equal) == 0 {
			t.Errorf("an inhibit rule may mute the alerts of others: %v", r)
		}
		if len(i.sources) == 0 || len(i.targets) == 0 {
			t.Errorf("an inhibit rule is about no alert: %v", r)
		}
		found = append(found, i)
	}
	return found
}

// matching are the rules whose labels, alertname among them, all matchers accept.
func matching(t *testing.T, matchers []string) (matched []rule) {
	t.Helper()
	pattern := regexp.MustCompile(`^(\w+)(=~|!~|!=|=)"(.*)"$`)
	for _, r := range allRules(t) {
		accepted := r.Alert != ""
		for _, m := range matchers {
			parts := pattern.FindStringSubmatch(m)
			if parts == nil {
				t.Fatalf("%s is no matcher", m)
			}
			value := r.Labels[parts[1]]
			if parts[1] == "alertname" {
				value = r.Alert
			}
			expected := parts[3]
			if !strings.Contains(parts[2], "~") {
				expected = regexp.QuoteMeta(expected)
			}
			is := regexp.MustCompile("^(?:" + expected + ")$").MatchString(value)
			accepted = accepted && is == (parts[2][0] == '=')
		}
		if accepted {
			matched = append(matched, r)
		}
	}
	return matched
}

func has(rules []rule, r rule) bool {
	return slices.ContainsFunc(rules, func(other rule) bool { return other.String() == r.String() })
}

// A cause mutes its consequences and never the other way round, a page is never muted
// by less than a page, and nothing mutes the watchdog.
func TestInhibitionPointsFromCauseToConsequence(t *testing.T) {
	all := inhibitions(t)
	mutes := func(source, target rule) bool {
		return slices.ContainsFunc(all, func(i inhibition) bool { return has(i.sources, source) && has(i.targets, target) })
	}
	rules := allRules(t)
	for _, source := range rules {
		for _, target := range rules {
			if source.Alert == "" || target.Alert == "" || !mutes(source, target) {
				continue
			}
			if source.String() != target.String() && mutes(target, source) {
				t.Errorf("%s and %s mute each other", source, target)
			}
			if target.Labels["severity"] == "critical" && source.Labels["severity"] != "critical" {
				t.Errorf("%s mutes a page: %s", source, target)
			}
			if source.Alert == target.Alert && source.Alert != "IcwsNotWatched" && source.Alert != "IcwsServerDown" {
				t.Errorf("%s mutes %s, with which it may be in one group", source, target)
			}
			if target.Alert == "IcwsWatchdog" {
				t.Errorf("%s mutes the watchdog", source)
			}
		}
	}
	down := rules[slices.IndexFunc(rules, func(r rule) bool { return r.Alert == "IcwsServerDown" && r.Labels["scope"] == "server" })]
	for _, r := range rules {
		if slices.Contains([]string{"IcwsRequestsFailing", "IcwsRequestErrors", "IcwsSessionUnstable", "IcwsAvailabilityBudgetBurn"}, r.Alert) && !mutes(down, r) {
			t.Errorf("%s does not mute %s", down, r)
		}
		if r.Alert == "IcwsServerDown" && mutes(down, r) {
			t.Errorf("%s mutes %s", down, r)
		}
	}
}

// What stands in one group is resolved together: with fewer labels somebody would be
// told that something is over of which they never heard.
func TestGroupsAreOneServer(t *testing.T) {
	example := text(t, Alertmanager)
	for _, line := range []string{"group_by: [alertname, job, server]\n", "group_interval: 1m\n"} {
		if strings.Count(example, line) != 1 {
			t.Errorf("%s does not have %q once", Alertmanager, line)
		}
	}
	if strings.Contains(example, "location: UTC") {
		t.Error("the example mutes in UTC, in which no site plans its work")
	}
}

func TestAlertmanagerExampleNamesOnlyAlertsThatExist(t *testing.T) {
	known := alertNames(allRules(t))
	for _, m := range regexp.MustCompile(`alertname!?[=~]~?"([^"]*)"`).FindAllStringSubmatch(text(t, Alertmanager), -1) {
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(m[1], -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s names the alert %s, which does not exist", Alertmanager, name)
			}
		}
	}
}
