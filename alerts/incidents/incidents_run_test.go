package incidents

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
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

// Every alert about servers has an incident in which it is delivered, so that its runbook
// is followed while it fires.
func TestEveryAlertIsProvoked(t *testing.T) {
	var all []string
	for _, i := range incidents {
		for _, alert := range i.delivered {
			all = append(all, regexp.MustCompile(`Icws\w+`).FindString(alert))
		}
	}
	for _, file := range ruleFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(text), -1) {
			if m[1] != "IcwsWatchdog" && !slices.Contains(all, m[1]) { // it always fires
				t.Errorf("no incident brings %s about", m[1])
			}
		}
	}
}

// A Prometheus that takes the created times of counters sees what went wrong before its first scrape.
func TestFailuresBeforeTheFirstScrapeAreSeen(t *testing.T) {
	for _, takesZeros := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, incident{name: "early", only: "sse", notStarted: 1, takesZeros: takesZeros, options: icwssim.Options{NotAccepting: true}})
			w.exporters[0].start(t)
			time.Sleep(5 * time.Minute)
			w.sites[0].server.SetNotAccepting(false)
			time.Sleep(5 * time.Minute)
			w.discover(w.exporters...)
			time.Sleep(time.Minute)
			if up := w.monitor.query(t, "icws_up == 1"); len(up) != 1 {
				t.Fatalf("takes zeros %t: %v are up", takesZeros, up)
			}
			failed := w.monitor.query(t, `increase(icws_session_open_failures_total{reason="unavailable"}[15m]) >= 1`)
			if seen := len(failed) == 1; seen != takesZeros {
				t.Errorf("takes zeros %t: failures from before the first scrape are seen: %t", takesZeros, seen)
			}
		})
	}
}
