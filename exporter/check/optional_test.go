package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter/capture"
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

// namesNobody wants no user of the simulator anywhere in a text.
func namesNobody(t *testing.T, what, text string, users []icwssim.User) {
	t.Helper()
	for _, u := range users {
		for _, personal := range []string{u.ID, u.Name, u.Notes, u.Station + `"`, u.ForwardedNumber} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(personal)) {
				t.Fatalf("%s names %q", what, personal)
			}
		}
	}
}

func TestUsersAreLookedAtWhenTheyAreWanted(t *testing.T) {
	users := icwssim.InventUsers(60, 1)
	w := users[0].Workgroups[0]
	for setting, words := range map[string]string{
		"{all: true}":                         "60 watched, 60 reported",
		"{workgroups: ['" + w + "']}":         "of 1 workgroup",
		"{ids: ['" + users[0].ID + "', bo]}":  "2 watched, 1 reported",
		"{all: true, max_users: 50}":          "50 watched, 50 reported, 10 more left out",
		"{workgroups: ['" + w + "', 'Gone']}": "1 of 2 workgroups cannot be read",
	} {
		sim, url := simulated(t, icwssim.Options{Users: users})
		report := run(t, t.Context(), url, Options{}, "users: "+setting)
		status := OK
		if strings.Contains(setting, "Gone") || strings.Contains(setting, "bo]") {
			status = Warning
		}
		wantStep(t, report, StepUsers, status, words, "users.all sees 60 users", "users.workgroups sees", "users.ids needs no right")
		if text := fmt.Sprint(report); !report.OK {
			t.Errorf("%s: the check fails: %s", setting, text)
		} else {
			namesNobody(t, "the report of "+setting, text, users)
		}
		wantNoSession(t, sim)
	}
	_, url := simulated(t, icwssim.Options{Users: users})
	if steps := stepsOf(run(t, t.Context(), url, Options{}), StepUsers); len(steps) != 0 {
		t.Errorf("without users: there is %+v", steps)
	}
}

// Users who cannot be counted are no reason not to watch the server.
func TestUsersWhoCannotBeCountedAreAWarning(t *testing.T) {
	users := icwssim.InventUsers(10, 1)
	for words, o := range map[string]icwssim.Options{
		"sees no users": {Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{ListWithoutRight: "empty"}}},
		"answered 403":  {Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{ListWithoutRight: "403"}}},
		"feature":       {},
	} {
		o.Users = slices.Clone(o.Users)
		for i := range o.Users {
			o.Users[i].NoRight = true
		}
		_, url := simulated(t, o)
		report := run(t, t.Context(), url, Options{}, "users: {all: true}")
		wantStep(t, report, StepUsers, Warning, words)
		if !report.OK {
			t.Errorf("%s: the check fails", words)
		}
	}
}

// A capture has placeholders for users, and nothing at all of what else a server says of
// them; with a server that refuses some of them, too.
func TestACaptureNamesNoUser(t *testing.T) {
	users := icwssim.InventUsers(40, 1)
	for name, o := range map[string]icwssim.Options{
		"stream":   {},
		"polls":    {MessagingVersion: 1},
		"refusals": {Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{UnknownUser: "404"}}},
	} {
		for _, setting := range []string{"{all: true}", "{workgroups: ['" + users[0].Workgroups[0] + "']}", "{ids: ['" + users[0].ID + "', '" + users[1].ID + "', jo.unknown77]}"} {
			o.Users, o.Shifts = users, icwssim.Shifts{Interval: 10 * time.Millisecond, Seed: 1}
			_, url := simulated(t, o)
			server, limits := configured(t, url, "users: "+setting)
			dir := filepath.Join(t.TempDir(), "capture")
			recorder, err := capture.NewRecorder(dir, server, limits, "test")
			if err != nil {
				t.Fatal(err)
			}
			report := Run(t.Context(), server, Options{Limits: limits, Through: recorder.RoundTripper, Observe: 300 * time.Millisecond})
			if err := recorder.Close(); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, capture.File))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"user-statuses", "userStatusMessage", `"userId":"user-`, `"userIds":["user-`} {
				if !strings.Contains(string(text), want) {
					t.Fatalf("%s, %s: the capture has no %s, so this shows nothing: %+v", name, setting, want, report)
				}
			}
			namesNobody(t, "the capture of "+setting, string(text), append(users, icwssim.User{ID: "jo.unknown77", Name: users[0].Name, Notes: users[0].Notes, Station: users[0].Station, ForwardedNumber: users[0].ForwardedNumber}))
			namesNobody(t, "the report of "+setting, fmt.Sprint(report), append(users, icwssim.User{ID: "jo.unknown77", Name: users[0].Name, Notes: users[0].Notes, Station: users[0].Station, ForwardedNumber: users[0].ForwardedNumber}))
			if _, err := capture.OpenCapture(dir); err != nil {
				t.Errorf("%s: the capture cannot be played: %v", setting, err)
			}
		}
	}
}
