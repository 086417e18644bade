package incidents

import (
	"flag"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"

	"icws_exporter/alerts"
)

var (
	update = flag.Bool("update", false, "write docs/incidents.md anew")
	seed   = flag.Int("seed", 0, "changes the moments of the scrapes")
)

// What goes wrong is delivered as exactly the alerts of docs/incidents.md, and they end
// when it is over; where nothing is wrong, nothing fires.
func TestIncidents(t *testing.T) {
	seen := &rows{text: map[string]string{}}
	t.Run("all", func(t *testing.T) {
		for _, i := range incidents {
			t.Run(i.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, i)
					w.happen(i)
					w.compare(i)
					seen.add(w, i)
				})
			})
		}
	})
	if len(seen.text) == len(incidents) { // not only some were asked for
		seen.check(t)
	}
}

// Every alert has an incident in which it is delivered, so that its runbook is followed
// while it fires.
func TestEveryAlertIsProvoked(t *testing.T) {
	var all []string
	for _, i := range incidents {
		for _, alert := range i.delivered {
			all = append(all, regexp.MustCompile(`Icws\w+`).FindString(alert))
		}
	}
	for _, name := range alerts.Runbooks() {
		if name != "IcwsWatchdog" && !slices.Contains(all, name) { // it always fires
			t.Errorf("no incident brings %s about", name)
		}
	}
}
