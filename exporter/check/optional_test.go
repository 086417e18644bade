package check

import (
	"testing"

	"icws_exporter/probe/icwssim"
)

func TestLicencesAreLookedAtWhenTheyAreWanted(t *testing.T) {
	o := icwssim.Options{Licences: []icwssim.Licence{{ID: "I3_A", InUse: 1, Allowed: 10}, {ID: "I3_B", InUse: 9, Allowed: 10}, {ID: "I3_C"}}}
	_, url := simulated(t, o)
	wantStep(t, run(t, t.Context(), url, Options{}, "licences: true"), StepLicences, OK, "3 kinds", "I3_B, 9 of 10")
	if steps := stepsOf(run(t, t.Context(), url, Options{}), StepLicences); len(steps) != 0 {
		t.Errorf("without licences: true there is %+v", steps)
	}
}

// Licences that cannot be read are no reason not to watch the server.
func TestLicencesThatCannotBeReadAreAWarning(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{Licences: []icwssim.Licence{{ID: "I3_A", Allowed: 1}}})
	for words, f := range map[string]icwssim.Fault{
		"right to view the licence": {Code: 403}, "the list is empty": {Body: `{"items":[]}`}, "answered 500": {Code: 500},
	} {
		f.Operation = icwssim.OpLicences
		sim.Clear()
		sim.Inject(f)
		report := run(t, t.Context(), url, Options{}, "licences: true")
		wantStep(t, report, StepLicences, Warning, words)
		if !report.OK {
			t.Errorf("%s: the check fails", words)
		}
	}
	_, old := simulated(t, icwssim.Options{})
	wantStep(t, run(t, t.Context(), old, Options{}, "licences: true"), StepLicences, Warning, "feature configuration")
}
