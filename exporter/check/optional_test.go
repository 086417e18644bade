package check

import (
	"fmt"
	"os"
	"path/filepath"
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

// usersCheck is a check of a server with twenty users, and what it says of them.
type usersCheck struct {
	setting string // of users:, with IDS for the ids of all
	quirks  icwssim.UserQuirks
	noRight int // on how many the session's user has no right
	answer  int // to the subscription, or to the list in path; 0: as it should be
	path    string
	status  Status
	says    []string
}

const (
	everybody   = "{all: true}"
	theSubPath  = "subscriptions/status/user-statuses"
	giveView    = "the right to view the users"
	takeThemOut = "deleted or renamed"
)

// usersChecks are the switches of docs/protocol-users.md, 8, that a check can meet, and
// the answers of its section 6.
var usersChecks = map[string]usersCheck{
	"as it should be":           {setting: everybody, status: OK, says: []string{"sees 20 users", "sees 4 workgroups, the first of 5 members", "20 watched, 20 reported"}},
	"no right: left out":        {setting: "IDS", noRight: 5, status: Warning, says: []string{"sees 15 users", "20 watched, 15 reported", giveView}},
	"no right: 403":             {setting: "IDS", noRight: 5, quirks: icwssim.UserQuirks{NoUserRight: "403-all"}, status: Warning, says: []string{"20 watched, 15 reported", "refuses 5 of 20 users (403)", giveView}},
	"no right: 404":             {setting: "IDS", noRight: 5, quirks: icwssim.UserQuirks{NoUserRight: "404-all"}, status: Warning, says: []string{"20 watched, 15 reported", "refuses 5 of 20 users (404)", takeThemOut, giveView}},
	"no right on anybody":       {setting: "IDS", noRight: 20, status: Warning, says: []string{"sees no users", "20 watched, 0 reported", giveView}},
	"no right on anybody: 403":  {setting: "IDS", noRight: 20, quirks: icwssim.UserQuirks{NoUserRight: "403-all"}, status: Warning, says: []string{"refuses whoever it was asked for", "(403)", giveView}},
	"unknown: 404":              {setting: "IDS who", status: Warning, says: []string{"21 watched, 20 reported", "refuses 1 of 21 users (404)", takeThemOut}},
	"unknown: 400":              {setting: "IDS who", quirks: icwssim.UserQuirks{UnknownUser: "400"}, status: Warning, says: []string{"21 watched, 20 reported", "refuses 1 of 21 users (400)", takeThemOut}},
	"unknown: ignored":          {setting: "IDS who", quirks: icwssim.UserQuirks{UnknownUser: "ignore"}, status: Warning, says: []string{"21 watched, 20 reported", takeThemOut}},
	"unknown: empty status":     {setting: "IDS who", quirks: icwssim.UserQuirks{UnknownUser: "empty-status"}, status: Warning, says: []string{"21 watched, 20 reported", takeThemOut}},
	"too many: 400":             {setting: everybody, quirks: icwssim.UserQuirks{UserMaximum: 8}, status: Warning, says: []string{"20 watched, 8 reported", "(400)", "more are tried later", "users.max_users"}},
	"too many: the first":       {setting: everybody, quirks: icwssim.UserQuirks{UserMaximum: 8, UserMaximumAnswer: "first"}, status: Warning, says: []string{"20 watched, 8 reported", "watches only so many"}},
	"empty list":                {setting: everybody, noRight: 20, status: Warning, says: []string{"sees no users", "sees no workgroups", "the list of users is empty", giveView, "users.ids"}},
	"only our own":              {setting: everybody, noRight: 20, quirks: icwssim.UserQuirks{ListWithoutRight: "own"}, status: Warning, says: []string{"sees 1 user", "the list of users is empty", giveView}},
	"list: 403":                 {setting: everybody, path: "/configuration/users", answer: 403, status: Warning, says: []string{"users.all is answered 403", "0 watched", giveView, "users.ids"}},
	"list: 500":                 {setting: everybody, path: "/configuration/users", answer: 500, status: Warning, says: []string{"users.all is answered 500", "tried again by itself"}},
	"a workgroup that is not":   {setting: "{workgroups: [Gone]}", status: Warning, says: []string{`"Gone" is answered 404`, "spelling of users.workgroups"}},
	"subscription: 404":         {setting: everybody, path: theSubPath, answer: 404, status: Warning, says: []string{"refuses whoever it was asked for", "(404)"}},
	"subscription: 400":         {setting: everybody, path: theSubPath, answer: 400, status: Warning, says: []string{"refuses whoever it was asked for", "(400)"}},
	"subscription: 403":         {setting: everybody, path: theSubPath, answer: 403, status: Warning, says: []string{"refuses whoever it was asked for", "(403)", giveView}},
	"subscription: 413":         {setting: everybody, path: theSubPath, answer: 413, status: Warning, says: []string{"(413)", "users.max_users"}},
	"subscription: 410":         {setting: everybody, path: theSubPath, answer: 410, status: Warning, says: []string{"answered 410", "remove users:"}},
	"subscription: 500":         {setting: everybody, path: theSubPath, answer: 500, status: Warning, says: []string{"answered 500", "tried again by itself"}},
	"no message":                {setting: everybody, path: theSubPath, answer: 200, status: Warning, says: []string{"sends no message", "Session Manager trace"}},
	"nobody knows who is there": {setting: everybody, quirks: icwssim.UserQuirks{LoggedInAbsent: true}, status: Warning, says: []string{"20 watched, 20 reported", "does not say who is logged in"}},
	"changes only":              {setting: everybody, quirks: icwssim.UserQuirks{UserInitial: "delta"}, status: OK, says: []string{"20 watched, 20 reported"}},
	"in two messages":           {setting: everybody, quirks: icwssim.UserQuirks{UserInitial: "split"}, status: OK, says: []string{"20 watched, 20 reported"}},
}

// Whatever a server does about users, the check says how many are seen, watched and
// reported, what is wrong and what to do. Users who cannot be counted are no reason not to
// watch the server.
func TestUsersOnEveryKindOfServerAreChecked(t *testing.T) {
	for name, c := range usersChecks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := icwssim.InventUsers(20, 1)
			var ids []string
			for i := range users {
				users[i].NoRight = i < c.noRight
				ids = append(ids, "'"+users[i].ID+"'")
			}
			if named, more, given := strings.Cut(c.setting, "IDS"); given {
				ids = append(ids, strings.Fields(more)...)
				c.setting = named + "{ids: [" + strings.Join(ids, ", ") + "]}"
			}
			sim, url := simulated(t, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: c.quirks}})
			if c.answer != 0 {
				sim.Inject(icwssim.Fault{Path: c.path, Code: c.answer})
			}
			report := run(t, t.Context(), url, Options{}, "users: "+c.setting, "delivery_timeout: 1s")
			wantStep(t, report, StepUsers, c.status, c.says...)
			if !report.OK {
				t.Error("the check fails")
			}
			namesNobody(t, "the report", fmt.Sprint(report), users)
		})
	}
}

// Users who are counted, and in a status that the session's user cannot see, are a warning.
func TestUsersInAStatusThatIsNotInTheList(t *testing.T) {
	users := icwssim.InventUsers(20, 1)
	for i := range users {
		users[i].Status = "Secret"
	}
	_, url := simulated(t, icwssim.Options{Users: users})
	report := run(t, t.Context(), url, Options{}, "users: {all: true}")
	wantStep(t, report, StepUsers, Warning, "20 watched, 20 reported", "in a status that is not in the list", "rights to status messages")
}

// A server without lists of users leaves one way.
func TestAServerWithoutListsOfUsers(t *testing.T) {
	_, url := simulated(t, icwssim.Options{})
	report := run(t, t.Context(), url, Options{}, "users: {all: true}")
	wantStep(t, report, StepUsers, Warning, "only users.ids can be used", "feature")
	if !report.OK {
		t.Error("the check fails")
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
