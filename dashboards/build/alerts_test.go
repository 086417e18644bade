package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"icws_exporter/dashboards"
)

// Other jobs are put where those are that the generator writes.
func TestJobsCanBeReplaced(t *testing.T) {
	if jobs != dashboards.Jobs {
		t.Errorf("the jobs are %s here and %s there", jobs, dashboards.Jobs)
	}
	for _, d := range dashboards.All() {
		changed := string(d.With(dashboards.Settings{Jobs: `cic\.x`, Runbooks: "http://wiki"}))
		if strings.Contains(changed, jobs) || strings.Contains(changed, "${runbooks}") || !json.Valid([]byte(changed)) ||
			!strings.Contains(changed, `"allValue": "cic\\.x"`) || !strings.Contains(changed, `label_values(up{job=~\"cic\\\\.x\"}, job)`) {
			t.Errorf("%s keeps its jobs or its runbooks", d.Name)
		}
	}
}

// Panels link to runbooks that exist.
func TestRunbooksExist(t *testing.T) {
	linked := 0
	for _, d := range all() {
		for _, p := range d.everyPanel() {
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
