package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/roster"
)

// pageOf is the page of a server in one line.
func pageOf(t *testing.T, server exporter.Server) string {
	t.Helper()
	return strings.Join(strings.Fields(ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/servers/chicago").body), " ")
}

func wantPage(t *testing.T, page string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// What is not watched is not there at all: no heading, no word.
func TestThePageIsSilentOnWhatIsOff(t *testing.T) {
	page := pageOf(t, liveServer(time.Now()))
	for _, word := range []string{">Licences<", ">Users<", "licence"} {
		if strings.Contains(strings.ReplaceAll(page, `id="licences" aria-labelledby="licences-title" hidden>`, ""), word) {
			t.Errorf("the page says %q", word)
		}
	}
	api := ask(t, stubFleet{servers: []exporter.Server{liveServer(time.Now())}}, "GET", "/api/v1/servers/chicago").body
	var d map[string]any
	if err := json.Unmarshal([]byte(api), &d); err != nil || d["licences"] != nil || d["users"] != nil {
		t.Errorf("%v in %s", err, api)
	}
}

func TestThePageShowsLicences(t *testing.T) {
	server := liveServer(time.Now())
	server.Snapshot.Licences = probe.LicenceState{
		On: true, Reading: probe.LicencesRead, ReadAt: time.Now(), FreshUntil: time.Now().Add(time.Minute), Cut: 3,
		List: []probe.Licence{{Name: "I3_SHORT", InUse: 45, Allowed: 50}, {Name: "I3_NONE", InUse: 0, Allowed: 0}, {Name: "I3_FREE", InUse: 44, Allowed: 50}},
	}
	page := pageOf(t, server)
	wantPage(t, page,
		`<tr class="bad"><th scope="row">I3_SHORT</th><td class="number became">45</td><td class="number">50</td><td><meter min="0" max="50" value="45" aria-label="45 of 50">`,
		`<tr><th scope="row">I3_NONE</th>`, `<tr><th scope="row">I3_FREE</th>`, "3 more kinds")
	answer := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/api/v1/servers/chicago?fields=licences").body
	wantPage(t, strings.Join(strings.Fields(answer), " "), `"state": "read"`, `{ "licence": "I3_SHORT", "in_use": 45, "allowed": 50 }`, `"cut": 3`)
}

// Whatever keeps them from being read, the page says why and what to do, and no number
// is older than it looks.
func TestThePageSaysWhyThereAreNoLicences(t *testing.T) {
	for reading := range probe.LicenceReading(probe.NumLicenceReadings) {
		server := liveServer(time.Now())
		server.Snapshot.Licences = probe.LicenceState{
			On: true, Reading: reading, Reason: "configuration: the server answered 403", ReadAt: time.Now(), FreshUntil: time.Now(),
			List: []probe.Licence{{Name: "I3_OLD", InUse: 45, Allowed: 50}},
		}
		page := pageOf(t, server)
		wantPage(t, page, ">Licences<")
		if strings.Contains(page, "I3_OLD") {
			t.Errorf("%s: an old number is shown", reading)
		}
		if calm := strings.Contains(page, "Nothing has to be done."); calm != (server.LicencesAdvice().Do == "") {
			t.Errorf("%s: that nothing has to be done is said: %t", reading, calm)
		}
		if hasAdvice := server.LicencesAdvice().Do != ""; hasAdvice != (reading != probe.LicencesRead && reading != probe.LicencesNotRead) {
			t.Errorf("%s: advice is %t", reading, hasAdvice)
		}
		for _, step := range server.LicencesAdvice().Steps() {
			wantPage(t, page, step)
		}
	}
}

// counting is a server at which some users are counted.
func counting(now time.Time) exporter.Server {
	server := liveServer(now)
	server.Snapshot.Users = &probe.UsersReport{
		State: probe.UsersLive, Since: now.Add(-time.Hour), Watched: 62, Reported: 60, LeftOut: 2, Refused: 1,
		Counts: &roster.Counts{
			LoggedInKnown: true,
			Groups: []roster.GroupCount{
				{Group: "Available", Users: [3]int{0, 20, 40}, OnPhone: 7, Earliest: now.Add(-time.Hour)},
				{Group: "Away", Users: [3]int{0, 0, 0}},
			},
			Statuses:   []roster.StatusCount{{ID: "At Lunch", Users: 3}},
			Workgroups: []roster.WorkgroupCount{{Workgroup: "Sales", Group: "Available", Users: 12}, {Workgroup: "Sales", Group: "Away"}},
		},
	}
	server.Snapshot.Users.Verified(now, time.Minute)
	return server
}

func TestThePageShowsUsers(t *testing.T) {
	server := counting(time.Now())
	wantPage(t, pageOf(t, server),
		">Users<", "62 users watched, 60 reported by the server, 2 more left out (users.max_users), 1 refused.",
		`<tr><th scope="row">Available</th><td class="number">40</td><td class="number">20</td><td class="number">7</td>`,
		`<rect class="is-in" width="40" height="1"/>`, `<rect class="is-out" x="40" width="20" height="1"/>`,
		`<th scope="row">Away</th><td class="number zero">0</td>`, `<th scope="row">Sales</th><td>Available</td><td class="number">12</td>`, "is not ACD availability")
	answer := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/api/v1/servers/chicago?fields=users").body
	wantPage(t, strings.Join(strings.Fields(answer), " "), `"watched": 62`, `"left_out": 2`, `"logged_in": 40, "not_logged_in": 20, "logged_in_unknown": 0, "on_phone": 7`,
		`{ "status_id": "At Lunch", "users": 3 }`, `{ "workgroup": "Sales", "group": "Available", "users": 12 }`)
}

// A server that does not say who is logged in gets a column of its own.
func TestThePageSaysThatNobodyKnowsWhoIsLoggedIn(t *testing.T) {
	server := counting(time.Now())
	server.Snapshot.Users.Counts = &roster.Counts{Groups: []roster.GroupCount{{Group: "Available", Users: [3]int{60, 0, 0}}}}
	wantPage(t, pageOf(t, server), "does not say who is logged in", `>Not said</th>`, `<rect class="is-unsaid" x="0" width="60" height="1"/>`)
}

// Whatever is wrong with the counting, the page says what and what to do, with the
// reason; an old number is nowhere.
func TestThePageSaysWhyNobodyIsCounted(t *testing.T) {
	for state := range probe.UsersState(probe.NumUsersStates) {
		server := counting(time.Now())
		server.Snapshot.Users.State, server.Snapshot.Users.Reason = state, "the reason for "+state.String()
		server.Snapshot.Users.FreshUntil = time.Now()
		page := pageOf(t, server)
		wantPage(t, page, ">Users<", "the reason for "+state.String(), "wrong number is worse than none")
		if strings.Contains(page, "is-in") {
			t.Errorf("%s: an old number is shown", state)
		}
		if calm := strings.Contains(page, "Nothing has to be done."); calm != (server.UsersAdvice().Do == "") {
			t.Errorf("%s: that nothing has to be done is said: %t", state, calm)
		}
		if hasAdvice := server.UsersAdvice().Do != ""; hasAdvice != (state != probe.UsersLive && state != probe.UsersStarting) {
			t.Errorf("%s: advice is %t", state, hasAdvice)
		}
		for _, step := range server.UsersAdvice().Steps() {
			wantPage(t, page, strings.ReplaceAll(step, "'", "&#39;"))
		}
		answer := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/api/v1/servers/chicago?fields=users").body
		if !strings.Contains(answer, `"state": "`+state.String()+`"`) || strings.Contains(answer, `"groups":`) {
			t.Errorf("%s: %s", state, answer)
		}
	}
	server := counting(time.Now())
	server.Snapshot.Users.Counts = nil
	wantPage(t, pageOf(t, server), "Nobody has been counted yet.")
}
