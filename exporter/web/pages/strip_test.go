package pages

import (
	"strings"
	"testing"

	"icws_exporter/probe"
)

// Seconds of an outage are not said to be minutes of it.
func TestTheStripCountsMinutesNotTheOutage(t *testing.T) {
	var states probe.StatesOfLastHour
	for i := 50; i < 60; i++ {
		states[i] = probe.MinuteState{Known: true, State: probe.StateLive}
	}
	states[52].State, states[53].State, states[55].State = probe.StateBackoff, probe.StateBackoff, probe.StateConnecting
	want := "Last hour: 7 minutes live, on its way up in all or part of 1 minute, down in all or part of 2 minutes"
	if got := string(strip(states)); !strings.Contains(got, "<title>"+want+"</title>") {
		t.Errorf("%s, want %s", got, want)
	}
}
