package icwssim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What is optional in the contract is sent when it is set, and not otherwise.
func TestOptionalMembersAreLeftOut(t *testing.T) {
	s, c := serve(t, Options{Name: "cic-a"})
	r := c.connect("?include=purecloud-integration,default-workstation")
	if v := properties(t, r); v["alternateHostList"] != nil || v["daysUntilPasswordExpiration"] != nil || v["version"] != nil {
		t.Errorf("connect: %s", r.body)
	}
	if !strings.Contains(r.body, `"purecloudIntegration":{"integrationEnabled":false}`) {
		t.Errorf("connect: %s", r.body)
	}
	if r := c.session("GET", "connection/switchover-status", ""); r.body != `{"isSwitchoverActive":false,"primaryHost":"cic-a"}` {
		t.Errorf("switchover status: %s", r.body)
	}
	s.SetSwitchover(Switchover{BackupHost: "cic-b", BackupState: new(0), BackupStarting: true})
	want := `{"isSwitchoverActive":false,"primaryHost":"cic-a","backupHost":"cic-b","isBackupICStarting":true,"backupState":0}`
	if r := c.session("GET", "connection/switchover-status", ""); r.body != want {
		t.Errorf("switchover status: %s", r.body)
	}
	_, empty := serve(t, Options{AlternateHosts: []string{}})
	if r := empty.connect(""); !strings.Contains(r.body, `"alternateHostList":[]`) {
		t.Errorf("an empty list was asked for: %s", r.body)
	}
}

func TestEveryRefusedConnectionNamesHosts(t *testing.T) {
	s, c := serve(t, Options{})
	s.Inject(Fault{Code: 503})
	if r := c.connect(""); !strings.Contains(r.body, `"alternateHostList":[]`) {
		t.Errorf("connect: %+v", r)
	}
	if r := c.do("GET", "/icws/connection/version", ""); strings.Contains(r.body, "alternateHostList") {
		t.Errorf("version: %+v", r)
	}
}

func TestCookieIsSecureOverHTTPS(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	web := httptest.NewTLSServer(s)
	defer web.Close()
	c := &client{t: t, base: web.URL, http: web.Client(), patience: time.Minute}
	if r := c.connect(""); !strings.HasSuffix(r.header.Get("Set-Cookie"), "; HttpOnly; Secure") {
		t.Errorf("https: %+v", r)
	}
	_, plain := serve(t, Options{})
	if r := plain.connect(""); strings.Contains(r.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("http: %+v", r)
	}
}

func TestAllow(t *testing.T) {
	_, c := serve(t, Options{})
	for path, want := range map[string]string{
		"/icws/connection": "POST", "/icws/1000001/connection": "GET, DELETE", "/icws/1000001/" + subscriptionPath: "PUT, DELETE",
	} {
		if r := c.do("PATCH", path, ""); r.code != http.StatusMethodNotAllowed || r.header.Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, r.code, r.header.Get("Allow"), want)
		}
	}
}

func TestErrorCodeOfSessionIDs(t *testing.T) {
	s, c := serve(t, Options{})
	code := func(sid string) any {
		return properties(t, c.do("GET", "/icws/"+sid+"/status/status-messages", ""))["errorCode"]
	}
	for sid, want := range map[string]any{
		"abc": 1.0, "4294967296": 1.0, "99999999999999999999": 1.0, "4294967295": float64(codeSessionUnknown),
	} {
		if got := code(sid); got != want {
			t.Errorf("%s: %v, want %v", sid, got, want)
		}
	}
	s.SetQuirks(Quirks{UnknownSessionAsMissing: true})
	if got := code("42"); got != 1.0 {
		t.Errorf("unknown session with the quirk: %v", got)
	}
}

func TestShouldReconnectIsLeftOutByOldServers(t *testing.T) {
	for name, o := range map[string]Options{
		"connection 2": {ConnectionVersion: 2}, "quirk": {Quirks: Quirks{NoShouldReconnect: true}},
	} {
		s, c := serve(t, o)
		c.mustSubscribe().poll()
		s.EndSessions(false)
		if m := c.poll(); len(m) != 1 || m[0].NewState != connectionDown || m[0].ShouldReconnect != nil {
			t.Errorf("%s: %+v", name, m)
		}
		if r := c.session("GET", "connection", ""); strings.Contains(r.body, "shouldReconnect") {
			t.Errorf("%s: %s", name, r.body)
		}
	}
}
