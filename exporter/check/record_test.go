package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter/capture"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// record checks with a recorder and returns the capture.
func record(t *testing.T, url string, o Options, settings ...string) (Report, string) {
	t.Helper()
	server, limits := configured(t, url, settings...)
	dir := filepath.Join(t.TempDir(), "capture")
	recorder, err := capture.NewRecorder(dir, server, limits, "test")
	if err != nil {
		t.Fatal(err)
	}
	o.Limits, o.Through = limits, recorder.RoundTripper
	report := Run(t.Context(), server, o)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, capture.File)
	for name, want := range map[string]fs.FileMode{dir: 0o700, path: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", filepath.Base(name), info.Mode(), err, want)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return report, string(text)
}

// wantNone wants none of the values in the text, in whatever form.
func wantNone(t *testing.T, text string, values ...string) {
	t.Helper()
	for _, value := range values {
		quoted, _ := json.Marshal(value)
		for form, written := range map[string]string{
			"raw": value, "JSON": string(quoted[1 : len(quoted)-1]),
			"JSON as jsontext writes it": strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value),
			"query":                      url.QueryEscape(value), "path": url.PathEscape(value),
			"base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
		} {
			if i := strings.Index(strings.ToLower(text), strings.ToLower(written)); i >= 0 {
				t.Errorf("%q stands in the capture as %s: …%s…", value, form, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
}

func TestACaptureHoldsNoSecret(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{Name: "cic-chicago", AlternateHosts: []string{"cic-b.corp.example.com", "cic-c"}})
	quoted, _ := json.Marshal(testPassword)
	// A server that repeats everything wherever it can.
	for _, f := range []icwssim.Fault{
		{Operation: "list", Code: 500, Message: "cic-b.corp.example.com says " + testPassword + " of " + testUser + " or SVC-PROM is wrong"},
		{Operation: "switchover_status", Code: 502, ContentType: "text/html", Body: "<p>password=" + string(quoted) + " for svc-prom at cic-chicago</p>"},
		{Operation: "version", Body: `{"productId":"` + base64.StdEncoding.EncodeToString([]byte(testUser+":"+testPassword)) + `"}`,
			Headers: map[string]string{"X-Debug": "svc-prom", "Set-Cookie": "balance=1; Path=/; Domain=corp.example.com"}},
	} {
		sim.Inject(f)
	}
	var sessionIDs []string
	report, text := record(t, url, Options{OnStep: func(s Step) {
		for _, x := range sim.Sessions() {
			sessionIDs = append(sessionIDs, x.ID)
		}
		if s.Name == StepSwitchover {
			sim.Send(`{"__type":"urn:x","isDelta":false,"reason":` + string(quoted) + `,"userId":"svc-prom","csrfToken":"fresh-token"}`)
			// In the name of a member nothing is looked for; then the line has nothing of it.
			sim.Send(`{"__type":"urn:y","isDelta":false,` + string(quoted) + `:1,"deep":{"` + base64.URLEncoding.EncodeToString([]byte(testPassword)) + `":[]}}`)
		}
	}, Observe: 200 * time.Millisecond})
	if !strings.Contains(statuses(report), "first_message ok") || len(sessionIDs) == 0 {
		t.Fatal(statuses(report))
	}
	host := strings.TrimPrefix(url, "http://")
	wantNone(t, text, testPassword, testUser, "Simulated", host, "127.0.0.1", "cic-chicago", "corp.example.com", "cic-c", "fresh-token", sessionIDs[0])
	if secrets := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}|"[A-Za-z0-9+]{24}"`).FindAllString(text, -1); secrets != nil {
		t.Errorf("a cookie or token is left: %q", secrets)
	}
	for _, want := range []string{
		`"password":"password-1"`, `"userID":"user-1"`, `"csrfToken":"token-1"`, `"Inin-Icws-Csrf-Token":["token-1"]`,
		`"Set-Cookie":["icws_session-1=cookie-2; Path=/icws/session-1; HttpOnly"]`, `"path":"/icws/session-1/connection"`,
		`"statusId":"Available"`, `"X-Debug":["(left out)"]`, `"host":"host-1"`, `"status":502` + "", `"text":"<withheld: it holds a secret>"`, `"reason":"<withheld: it holds a secret>"`, `"left_out":"<withheld: it holds a secret>"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the capture has no %s:\n%s", want, text)
		}
	}
}

// Half an answer to a log-on may hold half a token.
func TestACutLogOnIsLeftOut(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{Quirks: icwssim.Quirks{SessionIn: "body"}})
	cut := 30
	sim.Inject(icwssim.Fault{Operation: "connect", Cut: &cut})
	_, text := record(t, url, Options{})
	if !strings.Contains(text, `"left_out":"30 bytes`) || strings.Contains(text, `\"csrfToken`) {
		t.Errorf("the capture is\n%s", text)
	}
}

// Every line but the first is an exchange or a part of a stream.
func TestACaptureIsWhole(t *testing.T) {
	sim, url := simulated(t, icwssim.Options{Quirks: icwssim.Quirks{PingInterval: icwssim.Period(20 * time.Millisecond)}, Life: icwssim.Life{Interval: 10 * time.Millisecond}})
	_, text := record(t, url, Options{Observe: 300 * time.Millisecond})
	exchanges, comments, events, ends := 0, 0, 0, 0
	for line := range strings.Lines(text) {
		var l struct {
			Capture int
			Method  string
			Status  int
			Comment *string
			JSON    json.RawMessage
			End     string
			T       float64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case l.Method != "":
			exchanges++
		case l.Comment != nil:
			comments++
		case l.End != "":
			ends++
		case l.JSON != nil:
			events++
		}
	}
	answered := 0
	for _, codes := range sim.Counts() {
		for _, n := range codes {
			answered += n
		}
	}
	if exchanges != answered || ends != 1 || comments < 3 || events < 5 {
		t.Errorf("%d exchanges of %d, %d comments, %d events, %d ends:\n%s", exchanges, answered, comments, events, ends, text)
	}
}

func TestRecorderRefusals(t *testing.T) {
	server, limits := configured(t, "http://127.0.0.1:1")
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	short := server
	short.PasswordFile = writeFile(t, "pw", "abc\n")
	common := server
	common.PasswordFile = writeFile(t, "pw", "password")
	for name, test := range map[string]struct {
		dir    string
		server config.Server
		want   string
	}{
		"not empty":   {full, server, "not empty"},
		"a file":      {filepath.Join(full, "x"), server, "directory"},
		"no parent":   {filepath.Join(full, "no", "such"), server, "directory"},
		"short":       {filepath.Join(full, "a"), short, "short"},
		"common":      {filepath.Join(full, "b"), common, "short or common"},
		"no password": {filepath.Join(full, "c"), config.Server{PasswordFile: "nowhere"}, "cannot be read"},
	} {
		if _, err := capture.NewRecorder(test.dir, test.server, limits, "test"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if _, err := os.Stat(filepath.Join(test.dir, capture.File)); err == nil {
			t.Errorf("%s: a capture was begun", name)
		}
	}
	recorder, err := capture.NewRecorder(t.TempDir(), server, limits, "test") // empty
	if err != nil {
		t.Fatal(err)
	}
	if err := recorder.Close(); err != nil {
		t.Error(err)
	}
}

func TestABodyThatTheClientBreaksOffIsRecordedAsCanceled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"half":`))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	settings, limits := configured(t, server.URL)
	dir := filepath.Join(t.TempDir(), "capture")
	r, err := capture.NewRecorder(dir, settings, limits, "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/icws/session-1/status/status-messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := r.RoundTripper(http.DefaultTransport).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("the body is whole")
	}
	response.Body.Close()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, capture.File))
	if err != nil || !strings.Contains(string(text), `"error":"canceled"`) {
		t.Errorf("%v\n%s", err, text)
	}
}

// slowStream is a stream whose next part arrives while it is closed.
type slowStream struct {
	reading, closed chan struct{}
}

func (s slowStream) Read(p []byte) (int, error) {
	close(s.reading)
	<-s.closed
	return copy(p, "data: {}\n\n"), nil
}

func (s slowStream) Close() error { close(s.closed); return nil }

func (s slowStream) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: s, Request: r}, nil
}

func TestAPartOfAStreamThatCameAfterItsEndIsNotRecorded(t *testing.T) {
	settings, limits := configured(t, "http://127.0.0.1:8018")
	dir := filepath.Join(t.TempDir(), "capture")
	r, err := capture.NewRecorder(dir, settings, limits, "test")
	if err != nil {
		t.Fatal(err)
	}
	stream := slowStream{make(chan struct{}), make(chan struct{})}
	response, err := r.RoundTripper(stream).RoundTrip(httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8018/icws/session-1/messaging/messages", nil))
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = response.Body.Read(make([]byte, 100))
	}()
	<-stream.reading
	response.Body.Close()
	<-read
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, capture.File))
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); err != nil || len(lines) != 3 || !strings.Contains(lines[2], `"end":"client"`) {
		t.Errorf("%v\n%s", err, text)
	}
}
