package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

var update = flag.Bool("update", false, "write the example of docs/api.md anew")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	userPassword  = "correct-horse-battery"
	proxyPassword = "s3cret-of-the-proxy"
)

// configured returns the servers of a YAML configuration.
func configured(t *testing.T, yaml string) []config.Server {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte(userPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := config.Parse("icws.yaml", []byte(yaml), dir)
	if err != nil {
		t.Fatal(err)
	}
	servers := v.Servers()
	for i := range servers {
		servers[i].PasswordFile = "/etc/icws_exporter/pw" // not the directory of the test
	}
	return servers
}

// knownServer is a server of which everything is known.
func knownServer(t *testing.T) exporter.Server {
	usable := catalogue.GroupCount{Group: "Away", Entries: 2}
	usable.Flagged[catalogue.IsSelectableStatus], usable.Flagged[catalogue.IsAcdStatus] = 2, 1
	s := &probe.Snapshot{
		State: probe.StateLive, StateSince: noon.Add(-3 * time.Hour), Heartbeat: noon.Add(-250 * time.Millisecond),
		Product: "PureConnect", Release: "2018 R4", ICServer: "CHI-IC1",
		Hosts: []probe.Host{
			{Name: "cic-a.example.com", Checked: true},
			{Name: "cic-b.example.com", Active: true, Checked: true, Up: true, CertificateNotAfter: noon.AddDate(0, 3, 0)},
			{Name: "osm-1.example.com"},
		},
		TransportKnown: true, Transport: probe.TransportSSE,
		PasswordExpiry: noon.AddDate(0, 0, 9),
		ClockKnown:     true, ClockOffset: -1500 * time.Millisecond,
		Switchover: probe.Switchover{Known: true, BackupKnown: true, BackupState: probe.BackupUpgradeHigher},
		SessionUp:  true, SessionEstablished: noon.Add(-3 * time.Hour),
		LastContact: noon.Add(-3 * time.Second),
		Feeds: [probe.NumSubscriptions]probe.FeedState{probe.StatusMessages: {
			Up: true, State: probe.SubscriptionNormal, Since: noon.Add(-3 * time.Hour), LastMessage: noon.Add(-20 * time.Second),
			LastVerified: noon.Add(-20 * time.Second), LastFull: noon.Add(-20 * time.Second), LastChange: noon.Add(-10 * time.Minute),
		}},
		Entries: 3, DistinctGroups: 2,
		Groups:     []catalogue.GroupCount{{Group: "(none)", Entries: 1}, usable},
		FreshUntil: noon.Add(160 * time.Second),
	}
	s.Groups[1].Flagged[catalogue.IsSelectableStatus] = 2
	s.Groups[1].Flagged[catalogue.CanHaveDate] = 1
	s.OperationGone[icws.OpSwitchoverStatus] = true
	history := probe.NewHistory(collect.New(collect.Options{}).Add("chicago", "us"))
	history.Exchange(icws.Exchange{
		Operation: icws.OpSubscribe, Host: "cic-a.example.com", Code: 500, ErrorID: "error.server.unavailable", Err: errors.New("x"),
		Start: noon.Add(-20 * time.Minute), Duration: 1250 * time.Millisecond,
	})
	for i := range 3 {
		history.Exchange(icws.Exchange{
			Operation: icws.OpVersion, Host: "cic-b.example.com", Code: 200,
			Start: noon.Add(time.Duration(i-14) * time.Minute), Duration: 31 * time.Millisecond,
		})
	}
	server := configured(t, `
servers:
  - name: chicago
    site: us
    hosts: [cic-a.example.com, cic-b.example.com]
    user: svc-prom
    password_file: pw
    http: {proxy_url: "http://prom:`+proxyPassword+`@proxy.example.com:3128"}
`)[0]
	return exporter.Server{Name: "chicago", Site: "us", Config: server, Snapshot: s, History: history}
}

// atNoon lets a handler answer one request at noon.
func atNoon(t *testing.T, handler http.Handler, path string) (recorder *httptest.ResponseRecorder) {
	synctest.Test(t, func(*testing.T) {
		time.Sleep(time.Until(noon))
		recorder = httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	})
	return recorder
}

// stubFleet are the servers that a test watches.
type stubFleet []exporter.Server

func (f stubFleet) Servers() []exporter.Server { return f }

// serving returns the API of the servers behind a mux.
func serving(servers ...exporter.Server) http.Handler {
	mux := http.NewServeMux()
	for pattern, resource := range Routes(stubFleet(servers)) {
		mux.Handle(pattern, resource)
	}
	return mux
}

// ask sends a GET to the API.
func ask(handler http.Handler, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}

// The example of the documentation is the answer, byte by byte.
func TestTheDocumentedAnswerIsTheAnswer(t *testing.T) {
	const file = "../../../docs/api.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "```json\n")
	want, after, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/api.md has no example")
	}
	got := atNoon(t, serving(knownServer(t)), "/api/v1/servers/chicago")
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "application/json" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d, %v", got.Code, got.Header())
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+"```json\n"+got.Body.String()+"```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got.Body.String()); diff != "" {
		t.Errorf("if it should differ, run go test -update and look at the change (-documented +answered):\n%s", diff)
	}
}

// fieldsOf returns the paths of all JSON fields below a type.
func fieldsOf(of reflect.Type, prefix string) []string {
	switch {
	case of.Kind() == reflect.Pointer:
		return fieldsOf(of.Elem(), prefix)
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		return fieldsOf(of.Elem(), prefix+"[]")
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]():
		return nil
	}
	var fields []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		path := strings.TrimPrefix(prefix+"."+name, ".")
		fields = append(fields, path)
		fields = append(fields, fieldsOf(of.Field(i).Type, path)...)
	}
	return fields
}

// A client that relies on the documentation finds every field there, and no field
// that does not exist.
func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = true
	}
	existing := map[string]bool{}
	for _, field := range fieldsOf(reflect.TypeFor[serverDetail](), "") {
		existing[field] = true
		below := func(d string) bool { return strings.HasPrefix(d, field+".") || strings.HasPrefix(d, field+"[]") }
		described := documented[field]
		for d := range documented {
			described = described || below(d)
		}
		if !described {
			t.Errorf("%s is not documented", field)
		}
	}
	for field := range documented {
		if !existing[field] {
			t.Errorf("%s is documented and does not exist", field)
		}
	}
}

func TestAPIShowsNoSecret(t *testing.T) {
	for _, path := range []string{"/api/v1/servers", "/api/v1/servers/chicago"} {
		body := atNoon(t, serving(knownServer(t)), path).Body.String()
		if strings.Contains(body, userPassword) || strings.Contains(body, proxyPassword) {
			t.Errorf("%s shows a password:\n%s", path, body)
		}
		if !strings.Contains(body, `"proxy_url": "http://proxy.example.com:3128"`) {
			t.Errorf("%s does not show the proxy", path)
		}
	}
}

func TestAPILeavesOutWhatIsNotKnown(t *testing.T) {
	server := exporter.Server{Name: "lab", Snapshot: &probe.Snapshot{
		State: probe.StateAuthHold, Reason: "the server refused the password", Entries: 12, FreshUntil: noon,
	}}
	var got map[string]any
	if err := json.Unmarshal(atNoon(t, serving(server), "/api/v1/servers/lab").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "configuration")
	delete(got, "answers_last_hour") // all of them 0
	if advice, ok := got["advice"].(map[string]any); !ok || advice["reason"] != "refused_log_on" {
		t.Errorf("the advice is %v", got["advice"])
	}
	delete(got, "advice")
	want := map[string]any{
		"name": "lab", "up": false, "state": "auth_hold", "reason": "the server refused the password", "hosts": []any{},
		"session": map[string]any{"up": false, "owed": 0.0}, "subscription": map[string]any{"up": false, "state": "none"}, "breaker": "closed",
		"recent": map[string]any{}, "catalogue": map[string]any{"fresh": false, "fresh_until": "2026-11-23T12:00:00Z"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A name or site that looks like a number, a date or a word of YAML is a text.
func TestAPIKeepsTextsTexts(t *testing.T) {
	for _, name := range []string{"007", "1e3", "0x10", "1_000", "2026-11-23", "null", "~", "yes", "true", "a: b", "#", "über"} {
		quoted, _ := json.Marshal(name)
		server := configured(t, "servers: [{name: "+string(quoted)+", url: 'https://cic', user: "+string(quoted)+", password_file: pw}]")[0]
		got := server.Keys()
		if got["name"] != name || got["user"] != name || got["poll_interval"] != "2s" {
			t.Errorf("%s is shown as %#v, user %#v", name, got["name"], got["user"])
		}
	}
}

func TestAPIFindsServersByEscapedNames(t *testing.T) {
	var servers []exporter.Server
	names := map[string]string{
		"a/b": "a%2Fb", "a//b": "a%2F%2Fb", "100%": "100%25", "x y": "x%20y", "zürich": "z%C3%BCrich", "a%2Fb": "a%252Fb", "?q": "%3Fq",
		"cic-a:8019": "cic-a:8019", "...": "...", "../x": "..%2Fx",
	}
	for name := range names {
		servers = append(servers, exporter.Server{Name: name, Snapshot: &probe.Snapshot{}})
	}
	for name, escaped := range names {
		got := ask(serving(servers...), "/api/v1/servers/"+escaped)
		var found struct{ Name string }
		if err := json.Unmarshal(got.Body.Bytes(), &found); err != nil || got.Code != http.StatusOK || found.Name != name {
			t.Errorf("%s answers %d, %v, the server %q", escaped, got.Code, err, found.Name)
		}
	}
}

func TestAPIAnswersErrorsInJSON(t *testing.T) {
	handler := serving(knownServer(t))
	for _, path := range []string{"/api/v1/servers/lab", "/api/v1/servers/chicago/x", "/api/v1/servers/", "/api/v1/nothing", "/api/"} {
		got := ask(handler, path)
		var answer struct{ Error string }
		if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || answer.Error == "" || got.Code != http.StatusNotFound {
			t.Errorf("%s answers %d, %v: %s", path, got.Code, err, got.Body)
		}
		if strings.Contains(got.Body.String(), "chicago") {
			t.Errorf("%s tells the name of a server: %s", path, got.Body)
		}
	}
	if got := ask(serving(), "/api/v1/servers").Body.String(); got != "{\n  \"servers\": []\n}\n" {
		t.Errorf("no servers are %s", got)
	}
}

// Who needs little gets little, in the order of the names.
func TestAPIFields(t *testing.T) {
	handler := serving(knownServer(t))
	for fields, want := range map[string]string{
		"state,up":                             `{"state":"live","up":true}`,
		"catalogue.fresh,name":                 `{"catalogue":{"fresh":true},"name":"chicago"}`,
		"hosts.name":                           `{"hosts":[{"name":"cic-a.example.com"},{"name":"cic-b.example.com"},{"name":"osm-1.example.com"}]}`,
		"answers_last_hour.500,outage":         `{"answers_last_hour":{"500":1}}`,
		"configuration.user,configuration.url": `{"configuration":{"url":"https://{host}:8019","user":"svc-prom"}}`,
		"session.nothing":                      `{"session":{}}`,
		"name.x":                               `{"name":"chicago"}`,
	} {
		got := atNoon(t, handler, "/api/v1/servers/chicago?fields="+fields)
		var compact bytes.Buffer
		if err := json.Compact(&compact, got.Body.Bytes()); err != nil || got.Code != http.StatusOK || compact.String() != want {
			t.Errorf("%s: %d, %v: %s, want %s", fields, got.Code, err, compact.String(), want)
		}
	}
	list := atNoon(t, handler, "/api/v1/servers?fields=name")
	if want := "{\n  \"servers\": [\n    {\n      \"name\": \"chicago\"\n    }\n  ]\n}\n"; list.Body.String() != want {
		t.Errorf("the list is %s", list.Body)
	}
	for _, path := range []string{"/api/v1/servers/chicago?fields=state,password", "/api/v1/servers?fields=,"} {
		if got := ask(handler, path); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), "there is no field") {
			t.Errorf("%s answers %d: %s", path, got.Code, got.Body)
		}
	}
}

// The list in parts is the list, byte by byte as encoding/json would write it.
func TestAPIListInParts(t *testing.T) {
	var all []exporter.Server
	for i := range 5 {
		server := knownServer(t)
		server.Name = fmt.Sprint("server-", i)
		all = append(all, server)
	}
	handler := serving(all...)
	whole := atNoon(t, handler, "/api/v1/servers").Body.Bytes()
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(whole), "", "  "); err != nil || indented.String()+"\n" != string(whole) {
		t.Errorf("the list is not indented as JSON is (%v):\n%s", err, whole)
	}
	var names []string
	for path := "/api/v1/servers?limit=2"; path != ""; {
		var part struct {
			Servers []struct{ Name string }
			Next    string
		}
		if err := json.Unmarshal(atNoon(t, handler, path).Body.Bytes(), &part); err != nil {
			t.Fatal(err)
		}
		for _, s := range part.Servers {
			names = append(names, s.Name)
		}
		if path = ""; part.Next != "" {
			path = "/api/v1/servers?limit=2&after=" + part.Next
		}
	}
	if got := strings.Join(names, " "); got != "server-0 server-1 server-2 server-3 server-4" {
		t.Errorf("the parts have %s", got)
	}
	for query, want := range map[string]int{"?limit=0": 400, "?limit=-1": 400, "?limit=x": 400, "?limit=9999": 200, "?after=zzz": 200} {
		if got := ask(handler, "/api/v1/servers"+query); got.Code != want {
			t.Errorf("%s answers %d: %s", query, got.Code, got.Body)
		}
	}
}

// What is shown of a configuration is that in effect.
func TestAPIShowsTheConfigurationInEffect(t *testing.T) {
	server := knownServer(t)
	for _, site := range []string{"us", "ch"} {
		server.Config.Site = site
		if got := newServerDetail(server, nil, noon).Configuration["site"]; got != site {
			t.Errorf("the site is %v, want %s", got, site)
		}
	}
}
