package exporter_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// What the page shows of a server that failed: what it answered, what became of
// the probe, the lines of its log. A change of the configuration does not wipe it.
func TestTheHistoryOfAServerOutlivesAReload(t *testing.T) {
	sim, other := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{})
	fleet, _ := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("chicago"), other.entry("lab")))
	eventually(t, "all are up", allUp(fleet))
	sim.Inject(icwssim.Fault{Operation: "subscribe", Code: http.StatusInternalServerError, Count: 1})
	sim.ExpireSessions()
	failed := func(r probe.Request) bool {
		return r.Operation == icws.OpSubscribe && r.Code == http.StatusInternalServerError
	}
	eventually(t, "the history has the 500", func() bool {
		return slices.ContainsFunc(fleet.Servers()[0].History.Recent().Failures, failed)
	})
	eventually(t, "all are up again", allUp(fleet))
	apply(t, fleet, configuration(t, "all", sim.entry("chicago", "check_interval: 30s"), other.entry("lab")))
	eventually(t, "all are up with the new configuration", allUp(fleet))

	servers := fleet.Servers()
	recent := servers[0].History.Recent()
	became := func(word string) bool {
		return slices.ContainsFunc(recent.Events, func(e probe.Event) bool { return e.Became == word })
	}
	if !slices.ContainsFunc(recent.Failures, failed) || !became("live") || !became("backoff") || !became("closed") {
		t.Errorf("the history has forgotten: %+v", recent)
	}
	if !slices.ContainsFunc(recent.Log, func(l probe.LogLine) bool { return l.Message == "stopped watching" }) {
		t.Errorf("the log has not what came before the reload: %+v", recent.Log)
	}
	if n := servers[0].History.LastHour(time.Now())[probe.Answer500]; n != 1 {
		t.Errorf("the last hour has %d answers of 500", n)
	}
	for _, r := range servers[1].History.Recent().Failures {
		t.Errorf("the history of another server has %+v", r)
	}
}

func TestStatusesAreTheServers(t *testing.T) {
	sim := simulate(t, icwssim.Options{})
	fleet, _ := newFleet(t, exporter.Options{})
	apply(t, fleet, configuration(t, "all", sim.entry("chicago")))
	eventually(t, "the list is the server's", func() bool {
		list, err := fleet.Statuses(t.Context(), "chicago")
		return err == nil && len(list) == len(sim.Truth().Statuses)
	})
	sim.Step(5)
	eventually(t, "a change is in the list", func() bool {
		list, err := fleet.Statuses(t.Context(), "chicago")
		changed := slices.ContainsFunc(list, func(e catalogue.Entry) bool { return !e.ChangedAt.Equal(list[0].ChangedAt) })
		return err == nil && changed && len(list) == len(sim.Truth().Statuses)
	})
	if err := fleet.Retry(t.Context(), "lab", false); !errors.Is(err, exporter.ErrUnknownServer) {
		t.Errorf("to try an unknown server again gives %v", err)
	}
	if _, err := fleet.Statuses(t.Context(), "lab"); !errors.Is(err, exporter.ErrUnknownServer) {
		t.Errorf("an unknown server has %v", err)
	}
	before, _ := fleet.Statuses(t.Context(), "chicago")
	fleet.Close()
	if after, _ := fleet.Statuses(t.Context(), "chicago"); len(after) != len(before) {
		t.Errorf("after the end there are %d statuses, want the last %d", len(after), len(before))
	}
}
