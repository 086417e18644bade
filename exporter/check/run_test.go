package check

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

const (
	testUser     = "svc-prom"
	testPassword = `cörrect "horse\ba/ttery&`
)

// simulated starts a simulated server that testUser may log on to.
func simulated(t *testing.T, o icwssim.Options) (*icwssim.Server, string) {
	t.Helper()
	o.User, o.Password = testUser, testPassword
	sim := icwssim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	return sim, server.URL
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// configured is the one server of a configuration; settings are more lines of it.
func configured(t *testing.T, url string, settings ...string) (config.Server, config.Limits) {
	t.Helper()
	lines := append([]string{
		"name: chicago", "url: '" + url + "'", "user: " + testUser,
		"password_file: '" + writeFile(t, "pw", testPassword+"\n") + "'",
		"request_timeout: 3s", "poll_interval: 200ms",
	}, settings...)
	if !strings.Contains(strings.Join(settings, " "), "delivery_timeout") {
		lines = append(lines, "delivery_timeout: 5s")
	}
	text := "servers:\n  - " + strings.Join(lines, "\n    ") + "\n"
	v, err := config.Parse("test", []byte(text), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return v.Servers()[0], v.Limits()
}

// run checks the server of a URL.
func run(t *testing.T, ctx context.Context, url string, o Options, settings ...string) Report {
	t.Helper()
	var server config.Server
	server, o.Limits = configured(t, url, settings...)
	report := Run(ctx, server, o)
	t.Cleanup(func() {
		if t.Failed() {
			var b strings.Builder
			text := NewTextWriter(&b, false)
			for _, s := range report.Steps {
				text.Step(s)
			}
			text.End(report)
			t.Log("\n" + b.String())
		}
	})
	return report
}

func stepsOf(r Report, name string) []Step {
	return slices.DeleteFunc(slices.Clone(r.Steps), func(s Step) bool { return s.Name != name })
}

// wantStep wants the only step of the name to have the status, and detail and
// advice to hold the texts.
func wantStep(t *testing.T, r Report, name string, status Status, texts ...string) {
	t.Helper()
	steps := stepsOf(r, name)
	if len(steps) != 1 {
		t.Fatalf("%d steps %s, want 1", len(steps), name)
	}
	s := steps[0]
	if s.Status != status {
		t.Errorf("%s is %s, want %s: %s", name, s.Status, status, s.Detail)
	}
	for _, text := range texts {
		if !strings.Contains(s.Detail+" -> "+s.Advice, text) {
			t.Errorf("%s says %q -> %q, without %q", name, s.Detail, s.Advice, text)
		}
	}
	if (s.Status == Failed || s.Status == Warning) && s.Advice == "" {
		t.Errorf("%s is %s without advice", name, s.Status)
	}
}

func wantNoSession(t *testing.T, sim *icwssim.Server) {
	t.Helper()
	if left := sim.Sessions(); len(left) > 0 {
		t.Errorf("left on the server: %+v", left)
	}
}

// statuses are the steps with how they went, one a line.
func statuses(r Report) string {
	var b strings.Builder
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%s %s\n", s.Name, s.Status)
	}
	return b.String()
}

const allGood = `configuration ok
password ok
dns ok
tcp ok
tls ok
version ok
log_on ok
features ok
transport ok
stream ok
subscribe ok
first_message ok
status_list ok
second_subscribe ok
switchover ok
observe ok
unsubscribe ok
disconnect ok
`

func TestAHealthyServer(t *testing.T) {
	sim := icwssim.New(icwssim.Options{User: testUser, Password: testPassword, Name: "cic-a", Quirks: icwssim.Quirks{PingInterval: icwssim.Period(20 * time.Millisecond)}, Life: icwssim.Life{Interval: 10 * time.Millisecond}})
	server := httptest.NewTLSServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	ca := writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	var told []Step
	r := run(t, t.Context(), server.URL, Options{Observe: 300 * time.Millisecond, OnStep: func(s Step) { told = append(told, s) }},
		"http: {tls_config: {ca_file: '"+ca+"'}}")
	// The catalogue lives: the list may already differ from the first message.
	got := strings.Replace(statuses(r), "status_list warning", "status_list ok", 1)
	if diff := cmp.Diff(allGood, got); diff != "" || !r.OK {
		t.Errorf("ok %t, steps (-want +got):\n%s", r.OK, diff)
	}
	if diff := cmp.Diff(told, r.Steps); diff != "" {
		t.Errorf("OnStep was told other steps:\n%s", diff)
	}
	wantStep(t, r, StepTLS, OK, "TLS 1.3", "issued by itself", "days")
	wantStep(t, r, StepLogOn, OK, "cic-a")
	wantStep(t, r, StepTransport, OK, "event stream", "messaging 2")
	wantStep(t, r, StepFirstMessage, OK, "status messages in")
	wantStep(t, r, StepSecondSubscribe, OK, "sends everything again")
	wantStep(t, r, StepObserve, OK, "pings, at most")
	if steps := stepsOf(r, StepObserve); strings.Contains(steps[0].Detail, " 0 changes") {
		t.Errorf("no change was seen: %s", steps[0].Detail)
	}
	wantNoSession(t, sim)
	if n := sim.LogOns()[testUser]; n != 1 {
		t.Errorf("%d log-ons, want 1", n)
	}
	counts := sim.Counts()
	if counts.Of(icwssim.OpUnsubscribe, 204) != 1 || counts.Of(icwssim.OpDisconnect, 200) != 1 {
		t.Errorf("left by %v", counts)
	}
}

func TestAServerThatIsPolled(t *testing.T) {
	for name, settings := range map[string][]string{"an old server": nil, "as configured": {"transport: poll"}} {
		t.Run(name, func(t *testing.T) {
			o := icwssim.Options{}
			if settings == nil {
				o.MessagingVersion, o.ConnectionVersion = 1, 3
			}
			sim, url := simulated(t, o)
			r := run(t, t.Context(), url, Options{Observe: 300 * time.Millisecond}, settings...)
			if !r.OK {
				t.Error("the check failed")
			}
			wantStep(t, r, StepTransport, OK, "polling every 200ms")
			wantStep(t, r, StepStream, Skipped)
			wantStep(t, r, StepFirstMessage, OK)
			wantStep(t, r, StepSecondSubscribe, OK, "sends everything again")
			wantStep(t, r, StepObserve, OK, "0 changes")
			if settings == nil {
				wantStep(t, r, StepSwitchover, Skipped, "connection 3")
			}
			wantNoSession(t, sim)
			if sim.Counts().Of(icwssim.OpStream) > 0 {
				t.Error("a stream was opened")
			}
		})
	}
}

// What the protocol leaves open is information, not failure.
func TestQuirksAreInformation(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{Quirks: icwssim.Quirks{
		NoResend: true, IsDeltaLast: true, TypeLast: true, FullInChanged: true, AnnounceState: true, Replay: true,
		FeatureVersionsAsStrings: true, SessionIn: "headers", DeleteMissingCode: 404,
	}})
	r := run(t, t.Context(), url, Options{}, "delivery_timeout: 1s")
	if !r.OK {
		t.Error("the check failed")
	}
	wantStep(t, r, StepSecondSubscribe, OK, "does not send everything again")
	wantNoSession(t, sim)
}

func TestAnEmptyListIsWarnedOf(t *testing.T) {
	_, url := simulated(t, icwssim.Options{Statuses: []icwssim.Status{}})
	wantStep(t, run(t, t.Context(), url, Options{}), StepFirstMessage, Warning, "empty", "access rights")
}

func TestLogOnWarnings(t *testing.T) {
	days := 5
	_, url := simulated(t, icwssim.Options{DaysUntilPasswordExpiration: &days})
	wantStep(t, run(t, t.Context(), url, Options{}), StepLogOn, Warning, "expires in 5 days")

	_, url = simulated(t, icwssim.Options{AlternateHosts: []string{"cic-b.elsewhere.org"}})
	host := strings.TrimPrefix(url, "http://")
	r := run(t, t.Context(), "http://{host}", Options{}, "hosts: ['"+host+"']")
	wantStep(t, r, StepLogOn, Warning, "cic-b.elsewhere.org", "allowed_hosts")
}

func TestSwitchoverWarnings(t *testing.T) {
	_, url := simulated(t, icwssim.Options{Switchover: icwssim.Switchover{Active: true, BackupHost: "cic-b"}})
	wantStep(t, run(t, t.Context(), url, Options{}), StepSwitchover, Warning, "under way", "backup cic-b")
	_, url = simulated(t, icwssim.Options{Switchover: icwssim.Switchover{SubsystemsDown: []string{"Notifier"}}})
	wantStep(t, run(t, t.Context(), url, Options{}), StepSwitchover, Warning, "Notifier")
}

// Each refused log-on brings the user nearer to being locked.
func TestARefusedUserIsTriedOnce(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{})
	sim.SetPassword("another one")
	host := strings.TrimPrefix(url, "http://")
	r := run(t, t.Context(), "http://{host}", Options{}, "hosts: ['"+host+"', 'localhost"+host[strings.LastIndex(host, ":"):]+"']")
	wantStep(t, r, StepLogOn, Failed, "authenticationFailure", "Interaction Administrator")
	wantStep(t, r, StepSubscribe, Skipped)
	wantStep(t, r, StepDisconnect, Skipped)
	if n := sim.Counts().Of(icwssim.OpConnect); n != 1 {
		t.Errorf("%d log-ons, want 1", n)
	}
	if r.OK {
		t.Error("the check passes")
	}
}

func TestNoPasswordNoLogOn(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{})
	server, limits := configured(t, url)
	server.PasswordFile = filepath.Join(t.TempDir(), "gone")
	r := Run(t.Context(), server, Options{Limits: limits})
	steps := stepsOf(r, StepPassword)
	if steps[0].Status != Failed || !strings.Contains(steps[0].Detail, "cannot be read") {
		t.Errorf("%+v", steps)
	}
	wantStep(t, r, StepVersion, OK)
	wantStep(t, r, StepLogOn, Skipped, "no password")
	if sim.Counts().Of(icwssim.OpConnect) != 0 {
		t.Error("a log-on was tried")
	}
}

// A credential of the unit is found, and that a changed one needs a restart is said.
func TestACredentialOfTheUnit(t *testing.T) {
	_, url := simulated(t, icwssim.Options{})
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(writeFile(t, "password", testPassword+"\n")))
	server, limits := configured(t, url)
	server.PasswordFile, server.PasswordCredential = "", "password"
	r := Run(t.Context(), server, Options{Limits: limits})
	wantStep(t, r, StepPassword, OK, "the systemd credential password (systemd copied it when the unit started, so a changed one needs a restart of the unit)")
	wantStep(t, r, StepLogOn, OK)
}

// What is certainly no ICWS never gets the password (P5).
func TestWhatIsNoICWSGetsNoPassword(t *testing.T) {
	answer := func(code int, header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
			w.WriteHeader(code)
			io.WriteString(w, body)
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"a page":           answer(200, "Content-Type: text/html", "<html>Welcome</html>"),
		"other JSON":       answer(200, "Content-Type: application/json", `{"status":"ok"}`),
		"not found":        answer(404, "Content-Type: text/plain", "404 page not found"),
		"other JSON error": answer(404, "Content-Type: application/json", `{"message":"no route"}`),
		"asks for a user":  answer(401, "WWW-Authenticate: Basic", ""),
		"a redirect":       answer(302, "Location: /login", ""),
		"nothing":          answer(204, "X: y", ""),
		"101":              answer(101, "Upgrade: websocket", ""),
		"wants TLS":        answer(400, "X: y", "Client sent an HTTP request to an HTTPS server."),
	} {
		t.Run(name, func(t *testing.T) {
			var posts atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					posts.Add(1)
				}
				handler(w, r)
			}))
			defer server.Close()
			r := run(t, t.Context(), server.URL, Options{})
			wantStep(t, r, StepVersion, Failed)
			wantStep(t, r, StepLogOn, Skipped, "no ICWS")
			if posts.Load() != 0 || r.OK {
				t.Errorf("%d log-ons, ok %t", posts.Load(), r.OK)
			}

			// A server that lists such a host leads no password there either.
			_, url := simulated(t, icwssim.Options{NotAccepting: true, AlternateHosts: []string{strings.TrimPrefix(server.URL, "http://")}})
			host := strings.TrimPrefix(url, "http://")
			r = run(t, t.Context(), "http://{host}", Options{}, "hosts: ['"+host+"']", "allowed_hosts: [127.0.0.1]")
			wantStep(t, r, StepLogOn, Failed, "no ICWS, so the password was not sent")
			if posts.Load() != 0 {
				t.Errorf("%d log-ons at a listed host", posts.Load())
			}
		})
	}
}

func TestLogOnFailuresAreExplained(t *testing.T) {
	for name, test := range map[string]struct {
		options icwssim.Options
		fault   *icwssim.Fault
		want    []string
	}{
		"licence":      {options: icwssim.Options{Quirks: icwssim.Quirks{LicenceMissing: true}}, want: []string{"I3_FEATURE_ICWS_SDK"}},
		"other 400":    {fault: &icwssim.Fault{Operation: "connect", Code: 400, ErrorID: "error.request.invalid"}, want: []string{"I3_FEATURE_ICWS_SDK", "error.request.invalid"}},
		"backup":       {options: icwssim.Options{NotAccepting: true}, want: []string{"notAcceptingConnections", "takes no log-ons", "hosts"}},
		"other hosts":  {options: icwssim.Options{NotAccepting: true, AlternateHosts: []string{"cic-b.elsewhere.org"}}, want: []string{"cic-b.elsewhere.org", "allowed_hosts"}},
		"proxy log-on": {fault: &icwssim.Fault{Operation: "connect", Code: 401}, want: []string{"proxy"}},
		"redirect":     {fault: &icwssim.Fault{Operation: "connect", Code: 302, Headers: map[string]string{"Location": "https://sso.example.com/"}}, want: []string{"sso.example.com", "not followed"}},
		"not ICWS":     {fault: &icwssim.Fault{Operation: "connect", Code: 404}, want: []string{"url"}},
		"page":         {fault: &icwssim.Fault{Operation: "connect", Body: "<html>", ContentType: "text/html"}, want: []string{"page of a proxy"}},
		"gone":         {fault: &icwssim.Fault{Operation: "connect", Code: 410}, want: []string{"no longer"}},
		"500":          {fault: &icwssim.Fault{Operation: "connect", Code: 500}, want: []string{"Session Manager"}},
		"silent":       {fault: &icwssim.Fault{Operation: "connect", Stall: true}, want: []string{"in time"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, url := simulated(t, test.options)
			if test.fault != nil {
				sim.Inject(*test.fault)
			}
			r := run(t, t.Context(), "http://{host}", Options{}, "hosts: ['"+strings.TrimPrefix(url, "http://")+"']")
			wantStep(t, r, StepLogOn, Failed, test.want...)
			wantStep(t, r, StepDisconnect, Skipped)
			wantNoSession(t, sim)
		})
	}
}

// A failure in the middle is explained, and the session is ended all the same.
func TestFailuresInTheSession(t *testing.T) {
	cut := 40
	for name, test := range map[string]struct {
		fault    icwssim.Fault
		settings []string
		step     string
		status   Status
		want     string
	}{
		"stream 500":            {icwssim.Fault{Operation: "stream", Code: 500}, []string{"transport: sse"}, StepStream, Failed, "Session Manager"},
		"stream not there":      {icwssim.Fault{Operation: "stream", Code: 404}, nil, StepStream, Warning, "polls"},
		"stream buffered":       {icwssim.Fault{Operation: "stream", Swallow: icwssim.SwallowStream}, []string{"delivery_timeout: 1s"}, StepFirstMessage, Failed, "buffer"},
		"stream cut":            {icwssim.Fault{Operation: "stream", Cut: &cut}, nil, StepFirstMessage, Failed, "cut"},
		"subscribe cookie":      {icwssim.Fault{Operation: "subscribe", Code: 401, ErrorID: "error.request.accessDenied.cookie.invalid"}, nil, StepSubscribe, Failed, "sticky"},
		"subscribe token":       {icwssim.Fault{Operation: "subscribe", Code: 401, Body: `{"errorCode":2,"message":"m"}`}, nil, StepSubscribe, Failed, "CSRF"},
		"subscribe no cookie":   {icwssim.Fault{Operation: "subscribe", Code: 401, Body: `{"errorCode":4,"message":"m"}`}, nil, StepSubscribe, Failed, "Set-Cookie"},
		"subscribe forbidden":   {icwssim.Fault{Operation: "subscribe", Code: 403}, nil, StepSubscribe, Failed, "right"},
		"subscribe gone":        {icwssim.Fault{Operation: "subscribe", Code: 410}, nil, StepSubscribe, Failed, "no longer"},
		"subscribe 429":         {icwssim.Fault{Operation: "subscribe", Code: 429}, nil, StepSubscribe, Failed, "limits"},
		"subscribe 502":         {icwssim.Fault{Operation: "subscribe", Code: 502, Body: "<html>", ContentType: "text/html"}, nil, StepSubscribe, Failed, "proxy"},
		"subscribe dropped":     {icwssim.Fault{Operation: "subscribe", Drop: true}, nil, StepSubscribe, Failed, "cut"},
		"subscribe silent":      {icwssim.Fault{Operation: "subscribe", Delay: time.Minute}, nil, StepSubscribe, Failed, "in time"},
		"second subscribe":      {icwssim.Fault{Operation: "subscribe", Skip: 1, Code: 500}, nil, StepSecondSubscribe, Failed, "Session Manager"},
		"nothing comes by poll": {icwssim.Fault{Swallow: icwssim.SwallowFull}, []string{"delivery_timeout: 1s", "transport: poll"}, StepFirstMessage, Failed, "polling brings nothing"},
		"poll 500":              {icwssim.Fault{Operation: "poll", Code: 500}, []string{"transport: poll"}, StepFirstMessage, Failed, "Session Manager"},
		"poll cut":              {icwssim.Fault{Operation: "poll", Cut: &cut}, []string{"transport: poll"}, StepFirstMessage, Failed, "cut"},
		"list forbidden":        {icwssim.Fault{Operation: "list", Code: 403}, nil, StepStatusList, Warning, "every fifth check"},
		"switchover 500":        {icwssim.Fault{Operation: "switchover_status", Code: 500}, nil, StepSwitchover, Warning, "Session Manager"},
		"unsubscribe 500":       {icwssim.Fault{Operation: "unsubscribe", Code: 500}, nil, StepUnsubscribe, Warning, "500"},
		"disconnect once 500":   {icwssim.Fault{Operation: "disconnect", Code: 500, Count: 1}, nil, StepDisconnect, OK, "ended"},
		"disconnect dropped":    {icwssim.Fault{Operation: "disconnect", Drop: true, Count: 1}, nil, StepDisconnect, OK, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, url := simulated(t, icwssim.Options{})
			sim.Inject(test.fault)
			r := run(t, t.Context(), url, Options{}, test.settings...)
			wantStep(t, r, test.step, test.status, test.want)
			if r.OK != (test.status != Failed) {
				t.Errorf("ok is %t", r.OK)
			}
			wantNoSession(t, sim)
			if n := sim.Counts().Of(icwssim.OpConnect); n != 1 {
				t.Errorf("%d log-ons, want 1", n)
			}
		})
	}
}

func TestASessionThatCannotBeEndedIsReported(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{})
	sim.Inject(icwssim.Fault{Operation: "disconnect", Code: 500})
	r := run(t, t.Context(), url, Options{})
	wantStep(t, r, StepDisconnect, Failed, "slot")
	if n := sim.Counts().Of(icwssim.OpDisconnect); n < 2 || n > 5 || r.OK {
		t.Errorf("%d tries to end the session, want some; ok %t", n, r.OK)
	}
}

func TestADisplacedSessionIsExplained(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{})
	r := run(t, t.Context(), url, Options{Observe: time.Minute, OnStep: func(s Step) {
		if s.Name == StepSwitchover {
			sim.EndSessions(false)
		}
	}})
	wantStep(t, r, StepObserve, Failed, "ended the session")
	wantNoSession(t, sim)
}

// However far it came, an interrupted check ends its session.
func TestInterruptedAfterAnyStep(t *testing.T) {
	names := []string{StepConfiguration, StepVersion}
	names = append(names, StepLogOn)
	for _, s := range sessionSteps {
		names = append(names, s.name)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, url := simulated(t, icwssim.Options{Users: icwssim.InventUsers(3, 1), Licences: []icwssim.Licence{{ID: "I3_A"}}})
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			r := run(t, ctx, url, Options{OnStep: func(s Step) {
				if s.Name == name {
					interrupt()
				}
			}}, "licences: true", "users: {all: true}")
			if r.OK != (name == StepObserve) { // nothing is left to interrupt
				t.Errorf("ok is %t", r.OK)
			}
			if !r.OK && !strings.Contains(fmt.Sprint(r.Steps), "interrupted") {
				t.Errorf("no step says that it was interrupted")
			}
			wantNoSession(t, sim)
			if n := sim.Counts().Of(icwssim.OpConnect, 201); len(stepsOf(r, StepDisconnect)) != 1 || n > 1 {
				t.Errorf("%d sessions were opened", n)
			}
		})
	}
}

// An interrupt that comes while a request is under way, or while we wait.
func TestInterruptedInTheMiddle(t *testing.T) {
	for name, test := range map[string]struct {
		method, path string
		fault        *icwssim.Fault
		options      Options
	}{
		"log-on":             {method: "POST", path: "/connection"},
		"stream":             {method: "GET", path: "/messages"},
		"subscribe":          {method: "PUT", path: "/status-messages"},
		"first message":      {method: "PUT", path: "/status-messages", fault: &icwssim.Fault{Swallow: icwssim.SwallowFull}},
		"list":               {method: "GET", path: "/status/status-messages"},
		"switchover, waited": {method: "GET", path: "/switchover-status", options: Options{Observe: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			sim := icwssim.New(icwssim.Options{User: testUser, Password: testPassword})
			if test.fault != nil {
				sim.Inject(*test.fault)
			}
			var once sync.Once
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == test.method && strings.HasSuffix(r.URL.Path, test.path) {
					body, _ := io.ReadAll(r.Body) // a log-on counts as sent with its body
					r.Body = io.NopCloser(bytes.NewReader(body))
					once.Do(interrupt)
				}
				sim.ServeHTTP(w, r)
			}))
			t.Cleanup(func() { sim.Close(); server.Close() })
			r := run(t, ctx, server.URL, test.options, "delivery_timeout: 30s")
			if r.OK {
				t.Error("the check passes")
			}
			wantNoSession(t, sim)
			if n := sim.Counts().Of(icwssim.OpConnect, 201); n != 1 {
				t.Errorf("%d sessions were opened, want 1", n)
			}
		})
	}
}

// A host that takes no log-ons is left for the one that it names, as the probe does.
func TestASwitchoverPair(t *testing.T) {
	active, activeURL := simulated(t, icwssim.Options{Name: "cic-a"})
	standby, standbyURL := simulated(t, icwssim.Options{NotAccepting: true})
	hosts := "hosts: ['" + strings.TrimPrefix(standbyURL, "http://") + "', '" + strings.TrimPrefix(activeURL, "http://") + "']"
	r := run(t, t.Context(), "http://{host}", Options{}, hosts)
	if len(stepsOf(r, StepVersion)) != 2 || !r.OK {
		t.Errorf("%d hosts were looked at, ok %t", len(stepsOf(r, StepVersion)), r.OK)
	}
	wantStep(t, r, StepLogOn, OK, strings.TrimPrefix(activeURL, "http://"))
	wantNoSession(t, active)
	wantNoSession(t, standby)
}

// Where the probe is content, check is: what the server says of a subscription that
// delivers is told, and is no failure.
func TestASuspendedSubscriptionIsWarnedOf(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{})
	r := run(t, t.Context(), url, Options{Observe: 200 * time.Millisecond, OnStep: func(s Step) {
		if s.Name == StepSwitchover {
			sim.SubscriptionState(icwssim.SubscriptionSuspended)
		}
	}})
	wantStep(t, r, StepObserve, Warning, "suspended", "Session Manager")
	if !r.OK {
		t.Error("the check fails")
	}
	wantNoSession(t, sim)
}

// A change that comes before the whole list is not the list.
func TestAChangeBeforeTheListIsNoList(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{})
	sim.Inject(icwssim.Fault{Swallow: icwssim.SwallowFull, Count: 1})
	subscribed := make(chan struct{})
	go func() {
		<-subscribed
		sim.Step(3)
	}()
	r := run(t, t.Context(), url, Options{OnStep: func(s Step) {
		if s.Name == StepSubscribe {
			close(subscribed)
		}
	}}, "delivery_timeout: 1s")
	wantStep(t, r, StepFirstMessage, OK, fmt.Sprintf("%d status messages", len(sim.Truth().Statuses)))
	wantNoSession(t, sim)
}
