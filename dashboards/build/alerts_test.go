package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Panels link to runbooks that exist.
func TestRunbooksExist(t *testing.T) {
	linked := 0
	for _, d := range all() {
		for _, p := range d.Panels {
			for _, l := range p.Links {
				linked++
				name := strings.TrimPrefix(l.URL, "${runbooks}/")
				if _, err := os.Stat(filepath.Join("../../alerts/runbooks", name)); err != nil {
					t.Errorf("%s: %s: %v", d.Title, p.Title, err)
				}
			}
		}
	}
	if linked == 0 {
		t.Error("no panel links to a runbook")
	}
}

// The dashboards measure against the objective that the alerts guard.
func TestObjectiveIsThatOfTheAlerts(t *testing.T) {
	rules, err := os.ReadFile("../../alerts/icws.slo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	budgets := regexp.MustCompile(`> ([0-9.]+) \* [0-9.* ]+# threshold availability_budget `).FindAllSubmatch(rules, -1)
	if len(budgets) == 0 {
		t.Fatal("icws.slo.yaml has no threshold availability_budget")
	}
	for _, b := range budgets {
		if want := fmt.Sprintf("%.4g", 1-availabilityTarget); string(b[1]) != want {
			t.Errorf("the alerts allow %s of the time, the dashboards %s", b[1], want)
		}
	}
}

// The alerts that the dashboards look for carry the label they look for.
func TestAlertsAreOurs(t *testing.T) {
	for _, file := range []string{"icws.alerts.yaml", "icws.slo.yaml"} {
		rules, err := os.ReadFile(filepath.Join("../../alerts", file))
		if err != nil {
			t.Fatal(err)
		}
		alerting := strings.Count(string(rules), "- alert: ")
		if marked := strings.Count(string(rules), "service: icws\n"); alerting == 0 || marked != alerting {
			t.Errorf("%s has %d alerts, %d of them with the label service: icws", file, alerting, marked)
		}
		for _, uid := range regexp.MustCompile(`dashboard_url: "d/([a-z-]+)`).FindAllStringSubmatch(string(rules), -1) {
			if _, err := os.Stat("../" + uid[1] + ".json"); err != nil {
				t.Errorf("%s: an alert links to the dashboard %s: %v", file, uid[1], err)
			}
		}
	}
}
