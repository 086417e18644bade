package icwssim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestConnectAnswersAsPureConnectDoes(t *testing.T) {
	days := 3
	s, c := serve(t, Options{Name: "cic-a", AlternateHosts: []string{"cic-b"}, DaysUntilPasswordExpiration: &days})
	r := c.connect("?include=features,version,server-time,default-workstation,effective-station,nonsense")
	if r.code != http.StatusCreated {
		t.Fatalf("%+v", r)
	}
	v := properties(t, r)
	sid := v["sessionId"].(string)
	for name, want := range map[string]any{
		"csrfToken": r.header.Get(HeaderToken), "sessionId": r.header.Get(HeaderSession),
		"icServer": "cic-a", "userID": "demo", "daysUntilPasswordExpiration": 3.0,
		"defaultWorkstationId": nil, "effectiveStation": nil,
	} {
		if got, present := v[name]; !present || got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if hosts := v["alternateHostList"].([]any); len(hosts) != 1 || hosts[0] != "cic-b" {
		t.Errorf("alternateHostList = %v", hosts)
	}
	if got := v["version"].(map[string]any)["majorVersion"]; got != "18" {
		t.Errorf("majorVersion = %v", got)
	}
	if got := r.header.Get("Location"); got != "/icws/"+sid+"/connection" {
		t.Errorf("Location = %s", got)
	}
	if got := r.header.Get("Content-Type"); got != "application/vnd.inin.icws+JSON;charset=utf-8" {
		t.Errorf("Content-Type = %s", got)
	}
	cookie := r.header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "icws_"+sid+"=") || !strings.HasSuffix(cookie, "|languageId=en-us; Path=/icws/"+sid+"; HttpOnly") {
		t.Errorf("Set-Cookie = %s", cookie)
	}
	live := s.Sessions()
	if len(live) != 1 || live[0].ID != sid || live[0].User != "demo" || live[0].Language != "en-US" || live[0].Subscribed {
		t.Errorf("sessions: %+v", live)
	}
}

func TestConnectIncludesOnlyWhatIsAskedFor(t *testing.T) {
	_, c := serve(t, Options{ConnectionVersion: 3})
	v := properties(t, c.connect("?include=version,server-time"))
	if v["version"] == nil {
		t.Error("version is missing")
	}
	for _, name := range []string{"features", "serverTimeInfo", "purecloudIntegration"} {
		if _, present := v[name]; present {
			t.Errorf("%s is present", name)
		}
	}
}

func TestConnectRefusals(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(logOn, old, new, 1) }
	for _, test := range []struct {
		name, body, language, query string
		options                     Options
		code                        int
		errorID, text               string
	}{
		{name: "wrong password", body: with(`"password":"demo"`, `"password":"no"`), code: 400, errorID: idAuthentication, text: `"errorCode":-2147221503`},
		{name: "wrong user", body: with(`"userID":"demo"`, `"userID":"who"`), code: 400, errorID: idAuthentication},
		{name: "no language", language: "-", body: logOn, code: 400, text: "Accept-Language"},
		{name: "malformed", body: "{", code: 400},
		{name: "null", body: "null", code: 400},
		{name: "empty", body: "", code: 400},
		{name: "no type", body: `{"userID":"demo"}`, code: 400, text: "missingPropertyError"},
		{name: "unknown type", body: with("icAuth", "magic"), code: 400, text: "unknown"},
		{name: "single sign-on", body: with("icAuth", "singleSignOnToken"), code: 400, text: "user and password only"},
		{name: "no application", body: with(`"applicationName":"t",`, ""), code: 400, text: `"propertyName":"applicationName"`},
		{name: "password is a number", body: with(`"password":"demo"`, `"password":1`), code: 400, text: `"propertyName":"password"`},
		{name: "include rejected", body: logOn, query: "?include=features", options: Options{Quirks: Quirks{RejectInclude: true}}, code: 400, errorID: idUnsupported},
		{name: "no licence", body: logOn, options: Options{Quirks: Quirks{LicenceMissing: true}}, code: 400, text: "I3_FEATURE_ICWS_SDK"},
		{
			name: "not accepting", body: logOn, options: Options{NotAccepting: true, AlternateHosts: []string{"cic-b"}},
			code: 503, errorID: "error.server.notAcceptingConnections", text: `"alternateHostList":["cic-b"]`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := serve(t, test.options)
			header := []string{"Accept-Language", "en-US"}
			if test.language == "-" {
				header = nil
			}
			r := c.do("POST", "/icws/connection"+test.query, test.body, header...)
			if r.code != test.code || !strings.Contains(r.body, test.text) || !strings.Contains(r.body, test.errorID) {
				t.Errorf("%d %s", r.code, r.body)
			}
			if len(s.Sessions()) > 0 {
				t.Error("a session was opened")
			}
		})
	}
}

func TestSessionIdentityIsWhereTheQuirkPutsIt(t *testing.T) {
	for place, want := range map[string][2]bool{"body-and-headers": {true, true}, "body": {true, false}, "headers": {false, true}} {
		_, c := serve(t, Options{Quirks: Quirks{SessionIn: place, PlainCookie: true}})
		r := c.connect("")
		_, inBody := properties(t, r)["csrfToken"]
		if inHeader := r.header.Get(HeaderToken) != ""; inBody != want[0] || inHeader != want[1] {
			t.Errorf("%v: body %v, headers %v", place, inBody, inHeader)
		}
		if strings.Contains(r.header.Get("Set-Cookie"), "|") {
			t.Errorf("cookie is not plain: %s", r.header.Get("Set-Cookie"))
		}
	}
}

func TestUnauthorized(t *testing.T) {
	_, c := serve(t, Options{})
	c.mustConnect()
	path := "/icws/" + c.sid + "/status/status-messages"
	for _, test := range []struct {
		name, path string
		header     []string
		text       string
	}{
		{"session id of the wrong format", "/icws/abc/status/status-messages", nil, `"errorCode":1,`},
		{"unknown session", "/icws/42/status/status-messages", []string{"Cookie", "icws_42=x", HeaderToken, c.token}, idAuthentication},
		{"no cookie", path, []string{HeaderToken, c.token}, `"errorCode":4,`},
		{"wrong cookie", path, []string{HeaderToken, c.token, "Cookie", "icws_" + c.sid + "=x"}, "error.request.accessDenied.cookie.invalid"},
		{"no token", path, []string{"Cookie", c.cookie}, `"errorCode":2,`},
		{"wrong token", path, []string{"Cookie", c.cookie, HeaderToken, "x"}, `"errorCode":2,`},
	} {
		r := c.do("GET", test.path, "", test.header...)
		if r.code != 401 || !strings.Contains(r.body, test.text) || !strings.Contains(r.body, `"alternateHostList":[]`) {
			t.Errorf("%s: %d %s", test.name, r.code, r.body)
		}
		if got := r.header.Get("WWW-Authenticate"); got != `ICWS realm="ICWS" location="/ICWS/connection"` {
			t.Errorf("%s: WWW-Authenticate = %s", test.name, got)
		}
	}
}

func TestDisconnectEndsTheSession(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustSubscribe()
	stream := c.stream()
	stream.message()
	if r := c.session("DELETE", "connection", ""); r.code != 200 {
		t.Errorf("disconnect: %+v", r)
	}
	if _, err := stream.next(); err == nil {
		t.Error("the stream goes on")
	}
	if r := c.session("GET", "status/status-messages", ""); r.code != 401 {
		t.Errorf("list after disconnect: %+v", r)
	}
	if r := c.session("GET", "connection", ""); r.code != 200 || !strings.Contains(r.body, `"connectionState":2`) {
		t.Errorf("state of the former session: %+v", r)
	}
	if len(s.Sessions()) != 0 {
		t.Error("the session is alive")
	}
}

func TestNewLogOnDisplacesTheOldestOfTheUser(t *testing.T) {
	_, c := serve(t, Options{Quirks: Quirks{MaxSessionsPerUser: 1}})
	c.mustSubscribe().poll()
	second := c.other().mustConnect()
	told := c.poll()
	if len(told) != 1 || told[0].Type != typeConnectionStateChange || told[0].NewState != 2 || told[0].PreviousState != 1 || *told[0].ShouldReconnect {
		t.Errorf("told %+v", told)
	}
	if r := c.session("GET", messagesPath, ""); r.code != 401 {
		t.Errorf("second poll: %+v", r)
	}
	if r := second.session("GET", messagesPath, ""); r.code != 200 {
		t.Errorf("the new session: %+v", r)
	}
}

func TestPasswordAndAcceptingChangeAtRunTime(t *testing.T) {
	s, c := serve(t, Options{User: "Demo"})
	c.mustConnect()
	s.SetPassword("other")
	if r := c.other().connect(""); r.code != 400 {
		t.Errorf("old password: %+v", r)
	}
	if r := c.session("GET", messagesPath, ""); r.code != 200 {
		t.Errorf("open session: %+v", r)
	}
	s.SetPassword("demo")
	s.SetNotAccepting(true)
	if r := c.other().connect(""); r.code != 503 || !strings.Contains(r.body, `"alternateHostList":[]`) {
		t.Errorf("not accepting: %+v", r)
	}
	s.SetNotAccepting(false)
	c.other().mustConnect()
	if got := s.LogOns()["demo"]; got != 3 {
		t.Errorf("%d log-ons, want 3: a refused connection is none", got)
	}
	if n := s.Counts().Of(OpConnect, 400, 503); n != 2 || s.Counts().Of(OpConnect) != 4 {
		t.Errorf("counts: %v", s.Counts())
	}
}

func TestProxyPrefixIsRewritten(t *testing.T) {
	_, c := serve(t, Options{Prefix: "/app/api/cic-a/"})
	if r := c.connect(""); r.code != 404 {
		t.Errorf("without the prefix: %+v", r)
	}
	c.base += "/app/api/cic-a"
	r := c.connect("")
	if r.code != 201 || !strings.HasPrefix(r.header.Get("Location"), "/app/api/cic-a/icws/") ||
		!strings.Contains(r.header.Get("Set-Cookie"), "; Path=/app/api/cic-a/icws/"+c.sid+";") {
		t.Errorf("%+v", r)
	}
	if r := c.session("GET", messagesPath, ""); r.code != 200 {
		t.Errorf("poll: %+v", r)
	}
}

func TestSessionlessResources(t *testing.T) {
	_, c := serve(t, Options{StatusVersion: -1, Quirks: Quirks{FeatureVersionsAsStrings: true}})
	for path, want := range map[string]string{
		"features":           `{"featureInfoList":[{"featureId":"connection","version":"11"},{"featureId":"messaging","version":"2"}]}`,
		"features/messaging": `{"featureId":"messaging","version":"2"}`,
		"version":            `"build":"171"`,
		"server-time":        `"serverUtcTime":"20`,
		"server-info":        `"allowIcAuth":true`,
	} {
		if r := c.do("GET", "/icws/connection/"+path, ""); r.code != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if r := c.do("GET", "/icws/connection/features/status", ""); r.code != 400 {
		t.Errorf("unsupported feature: %+v", r)
	}
	if r := c.do("GET", "/icws/connection/nothing", ""); r.code != 404 {
		t.Errorf("unknown resource: %+v", r)
	}
	if r := c.do("PATCH", "/icws/connection", ""); r.code != 405 || !strings.Contains(r.body, "httpMethodNotAllowed") {
		t.Errorf("unknown method: %+v", r)
	}
}

func TestNoSwitchoverStatusBeforeConnection11(t *testing.T) {
	_, old := serve(t, Options{ConnectionVersion: 10})
	if r := old.mustConnect().session("GET", "connection/switchover-status", ""); r.code != 404 {
		t.Errorf("%+v", r)
	}
}

func TestForeignClients(t *testing.T) {
	_, c := serve(t, Options{})
	c.mustConnect()
	whole := c.cookie + "; Path=/icws/" + c.sid + "; HttpOnly"
	for _, header := range [][]string{
		{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", "text/weird; x"}, {},
		{HeaderSession, c.sid},
	} {
		for _, body := range []string{"", "{}", "null", " \n"} {
			header := append([]string{"Cookie", whole, "Cookie", "foreign=1", HeaderToken, c.token}, header...)
			if r := c.do("PUT", "/icws/"+c.sid+"/"+subscriptionPath+"?select=*", body, header...); r.code != 200 {
				t.Errorf("PUT %q: %+v", body, r)
			}
		}
	}
	if r := c.session("PUT", subscriptionPath, "{"); r.code != 400 {
		t.Errorf("malformed PUT: %+v", r)
	}
	if r := c.session("GET", messagesPath+"?x=1", "{}"); r.code != 200 {
		t.Errorf("poll with body, token and query: %+v", r)
	}
	if r := c.session("POST", "messaging/heartbeat", ""); r.code != 204 {
		t.Errorf("heartbeat: %+v", r)
	}
	if r := c.session("GET", "connection", ""); r.code != 200 || r.body != `{"connectionState":1}` {
		t.Errorf("connection state: %+v", r)
	}
	if r := c.do("GET", "/ICWS/connection/version", ""); r.code != 200 {
		t.Errorf("upper-case root: %+v", r)
	}
}

func TestJournalIsBoundedAndHoldsNoSecret(t *testing.T) {
	s, c := serve(t, Options{Password: "hunter2"})
	for range 5 {
		c.do("POST", "/icws/connection?password=hunter2", strings.Replace(logOn, `"password":"demo"`, `"password":"hunter2"`, 1), "Accept-Language", "en")
	}
	for range journalSize - 2 {
		c.do("GET", "/icws/connection/version", "")
	}
	journal := s.Journal()
	if len(journal) != journalSize || journal[0].Operation != OpConnect || journal[1].Operation != OpConnect || journal[2].Operation != OpVersion {
		t.Errorf("journal of %d: %+v", len(journal), journal[:3])
	}
	if journal[0].Session == "" || journal[0].Code != 201 {
		t.Errorf("connect in the journal: %+v", journal[0])
	}
	if strings.Contains(fmt.Sprint(journal), "hunter2") {
		t.Error("the journal has the password")
	}
	for _, path := range []string{"state", ""} {
		if r := c.do("GET", "/-/sim/"+path, ""); r.code != 200 || strings.Contains(r.body, "hunter2") {
			t.Errorf("%s: %+v", path, r)
		}
	}
}
