package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/probe"
)

func usersOf(t *testing.T, text string) (Server, *probe.Users) {
	t.Helper()
	v := mustParse(t, strings.Replace(oneServer, "}]", ", "+text+"}]", 1))
	s := v.Servers()[0]
	return s, s.Probe(v.Limits()).Users
}

// Nobody is counted unless a source says who.
func TestUsersAreOffByDefault(t *testing.T) {
	v := mustParse(t, oneServer)
	if users := v.Servers()[0].Probe(v.Limits()); users.Users != nil || users.Licences {
		t.Errorf("without a word the probe counts %+v", users)
	}
	if _, users := usersOf(t, "users: {all: false, max_users: 3}"); users != nil {
		t.Errorf("with all: false the probe counts %+v", users)
	}
}

func TestTheProbeGetsTheUsers(t *testing.T) {
	s, users := usersOf(t, "licences: true, users: {workgroups: [Sales, Service Desk], by_workgroup: true}")
	want := &probe.Users{
		Workgroups: []string{"Sales", "Service Desk"}, Max: 2000, MinCohort: 5, ByWorkgroup: true,
		RefreshInterval: 900e9, StaleAfter: s.StaleAfter,
	}
	if diff := cmp.Diff(want, users); diff != "" || !s.Licences {
		t.Errorf("(-want +got):\n%s", diff)
	}
	users.Workgroups[0] = "changed"
	if s.Users.Workgroups[0] != "Sales" {
		t.Error("the probe shares the list of the configuration")
	}
}

// Users are never stale sooner than they can be compared.
func TestUsersAreStaleAfterAMinuteAtLeast(t *testing.T) {
	if _, users := usersOf(t, "check_interval: 10s, stale_after: 20s, delivery_timeout: 5s, users: {all: true}"); users.StaleAfter != time.Minute {
		t.Errorf("stale after %s where the server is after 20s", users.StaleAfter)
	}
	short := strings.Replace(oneServer, "}]", ", check_interval: 10s, users: {all: true, stale_after: 59s}}]", 1)
	if _, err := Parse("test.yaml", []byte(short), "testdata"); err == nil || !strings.Contains(err.Error(), "from 1m") {
		t.Errorf("users.stale_after: 59s: %v", err)
	}
}

// A source of a server replaces that of the defaults, and the rest stays.
func TestOneSourceHidesThatOfTheDefaults(t *testing.T) {
	v := mustParse(t, `
defaults: {user: u, password_file: password, hosts: [a], users: {all: true, max_users: 7}}
servers: [{name: a, users: {ids: [x, y]}}, {name: b, users: {all: false}}, {name: c}]`)
	servers := v.Servers()
	if u := servers[0].Probe(v.Limits()).Users; u == nil || u.All || len(u.IDs) != 2 || u.Max != 7 {
		t.Errorf("a counts %+v", u)
	}
	if u := servers[1].Probe(v.Limits()).Users; u != nil {
		t.Errorf("b counts %+v", u)
	}
	if u := servers[2].Probe(v.Limits()).Users; u == nil || !u.All {
		t.Errorf("c counts %+v", u)
	}
}

// User ids are personal: neither the configuration as it is shown nor a problem has
// one.
func TestNoUserIDIsShown(t *testing.T) {
	const personal = "swordfish-0451"
	s, _ := usersOf(t, "users: {ids: ["+personal+", other]}")
	text, err := s.MarshalJSON()
	if err != nil || strings.Contains(string(text), personal) || !strings.Contains(string(text), `2 ids`) {
		t.Errorf("JSON is %s, %v", text, err)
	}
	if text := string(s.Redacted()); strings.Contains(text, personal) || !strings.Contains(text, "<2 ids>") {
		t.Errorf("YAML is %s", text)
	}
	// The bad files have the same word as an id, and their errors are looked at by
	// TestNoProblemRepeatsASecretOrALineOfTheFile.
	if _, err := parseTestdata(t, "testdata/bad/users.yaml"); err == nil {
		t.Error("testdata/bad/users.yaml is good")
	}
}

// Other users or licences are no reason for another session: the probe takes them over.
func TestUsersAndLicencesAreOptional(t *testing.T) {
	base := mustParse(t, oneServer).Servers()[0]
	for _, key := range []string{"licences: true", "users: {all: true}", "users: {ids: [a]}", "users: {all: true, stale_after: 1h}"} {
		s := edited(t, key)
		if !base.Equal(s) {
			t.Errorf("%s makes another session", key)
		}
		if base.EqualOptional(s) {
			t.Errorf("%s is no change", key)
		}
	}
	if !edited(t, "users: {all: true}").EqualOptional(edited(t, "users: {all: true, max_users: 2000}")) {
		t.Error("a default that is spelled out is a change")
	}
	if !base.EqualOptional(edited(t, "users: {all: false, min_cohort: 9}")) {
		t.Error("what nobody is counted by is a change")
	}
}
