package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
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
		if hasAdvice := server.LicencesAdvice().Do != ""; hasAdvice != (reading != probe.LicencesRead && reading != probe.LicencesNotRead) {
			t.Errorf("%s: advice is %t", reading, hasAdvice)
		}
		for _, step := range server.LicencesAdvice().Steps() {
			wantPage(t, page, step)
		}
	}
}
