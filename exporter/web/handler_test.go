package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stubFleet answers what a test gave it.
type stubFleet struct {
	servers             []exporter.Server
	unhealthy, notReady []string
}

func (f stubFleet) Servers() []exporter.Server   { return f.servers }
func (f stubFleet) Unhealthy(time.Time) []string { return f.unhealthy }
func (f stubFleet) NotReady(time.Time) []string  { return f.notReady }

// stubReloader answers what a test gave it, and counts.
type stubReloader struct {
	last    exporter.Outcome
	err     error
	reloads int
}

func (r *stubReloader) Reload(context.Context) error { r.reloads++; return r.err }
func (r *stubReloader) Last() exporter.Outcome       { return r.last }

type answer struct {
	code   int
	header http.Header
	body   string
}

// ask sends one request to the pages over a real socket.
func ask(t *testing.T, fleet Fleet, method, path string) answer {
	t.Helper()
	return askPages(t, Options{Fleet: fleet}, method, path, nil)
}

// askPages is ask for pages with other options; what a test leaves out is filled
// in.
func askPages(t *testing.T, o Options, method, path string, header http.Header) answer {
	t.Helper()
	if o.Fleet == nil {
		o.Fleet = stubFleet{}
	}
	if o.Metrics == nil {
		o.Metrics = collect.New(collect.Options{})
	}
	if o.Reloader == nil {
		o.Reloader = &stubReloader{}
	}
	return askHandler(t, NewHandler(o), method, path, header)
}

func askHandler(t *testing.T, handler http.Handler, method, path string, header http.Header) answer {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func liveServer(now time.Time) exporter.Server {
	return exporter.Server{Name: "chicago", Site: "us", Snapshot: &probe.Snapshot{
		State: probe.StateLive, StateSince: now.Add(-3 * time.Hour),
		Hosts:          []probe.Host{{Name: "cic-a"}, {Name: "cic-b", Active: true}},
		TransportKnown: true, Transport: probe.TransportSSE,
		SessionUp: true, SubscriptionUp: true, SubscriptionState: probe.SubscriptionNormal,
		LastContact: now.Add(-2 * time.Second), Entries: 4711, FreshUntil: now.Add(time.Minute),
	}}
}

// cells returns the text of the cells of the page's table rows, without tags.
func cells(page string) []string {
	_, body, _ := strings.Cut(page, "<tbody>")
	var texts []string
	for _, m := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(body, -1) {
		texts = append(texts, strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "")))
	}
	return texts
}

func TestStatusPageShowsALiveServer(t *testing.T) {
	page := ask(t, stubFleet{servers: []exporter.Server{liveServer(time.Now())}}, "GET", "/")
	got := cells(page.body)
	want := []string{"chicago us", "live", "3h 0m ago", "–", "cic-b", "sse", "delivering", "4711", "", "–"}
	if len(got) != len(want) {
		t.Fatalf("the row has %d cells, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if i != 8 && got[i] != want[i] {
			t.Errorf("cell %d is %q, want %q", i, got[i], want[i])
		}
	}
	if !strings.HasSuffix(got[8], "s ago") {
		t.Errorf("the last contact is %q, want seconds ago", got[8])
	}
	if !strings.Contains(page.body, "1 of 1 servers up") {
		t.Error("the page does not say how many servers are up")
	}
	if page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", page.header.Get("Content-Type"))
	}
}

func TestStatusPageSaysWhyAServerIsDown(t *testing.T) {
	now := time.Now()
	page := ask(t, stubFleet{servers: []exporter.Server{{Name: "lab", Snapshot: &probe.Snapshot{
		State: probe.StateAuthHold, StateSince: now, Reason: "the server refused the password",
		NextAttempt: now.Add(15*time.Minute + 30*time.Second),
		Entries:     12, FreshUntil: now.Add(-time.Second),
	}}}}, "GET", "/")
	got := strings.Join(cells(page.body), "|")
	if !strings.Contains(got, "auth_hold") || !strings.Contains(got, "the server refused the password") ||
		!strings.Contains(got, "no session") || !strings.Contains(got, "in 15m") {
		t.Errorf("the row does not explain itself: %s", got)
	}
	if !strings.Contains(got, "unknown") || strings.Contains(got, "12") {
		t.Errorf("a stale count is shown as if it were true: %s", got)
	}
	if !strings.Contains(page.body, "0 of 1 servers up") {
		t.Error("a server on hold counts as up")
	}
}

func TestStatusPageEscapesWhatServersSay(t *testing.T) {
	hostile := `<script>alert("x")</script>`
	page := ask(t, stubFleet{servers: []exporter.Server{{Name: hostile, Site: hostile, Snapshot: &probe.Snapshot{
		Reason: hostile, Hosts: []probe.Host{{Name: hostile, Active: true}},
	}}}}, "GET", "/")
	if strings.Contains(page.body, "<script") {
		t.Errorf("the page has an element that it did not make:\n%s", page.body)
	}
	if strings.Count(page.body, "&lt;script&gt;") != 4 {
		t.Errorf("want name, site, reason and host escaped:\n%s", page.body)
	}
	missing := ask(t, stubFleet{}, "GET", "/"+"%3Cscript%3Ealert(1)%3C/script%3E")
	if missing.code != http.StatusNotFound || strings.Contains(missing.body, "<script") {
		t.Errorf("the 404 page answers %d:\n%s", missing.code, missing.body)
	}
}

func TestStatusPageShowsAFailedReload(t *testing.T) {
	problems := []string{`icws.yaml:3:5: <script>: unknown key`, "icws.yaml:4:1: second"}
	for range 30 {
		problems = append(problems, "icws.yaml:9:9: one of many")
	}
	reloader := &stubReloader{last: exporter.Outcome{At: time.Now().Add(-5 * time.Minute), Problem: strings.Join(problems, "\n")}}
	page := askPages(t, Options{Reloader: reloader}, "GET", "/", nil).body
	for _, want := range []string{
		"The last reload of the configuration failed", "5m 0s ago", "stays in effect",
		"<li>icws.yaml:3:5: &lt;script&gt;: unknown key</li>", "<li>icws.yaml:4:1: second</li>", "and 12 more",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	good := askPages(t, Options{Reloader: &stubReloader{last: exporter.Outcome{At: time.Now()}}}, "GET", "/", nil).body
	if strings.Contains(good, "reload") {
		t.Errorf("the page speaks of a reload that went well:\n%s", good)
	}
}

func TestStatusPageWithoutServers(t *testing.T) {
	if page := ask(t, stubFleet{}, "GET", "/"); !strings.Contains(page.body, "No servers are configured.") {
		t.Errorf("an empty page says nothing:\n%s", page.body)
	}
}

// What the page links to must be there, or a first visit shows a bare page.
func TestStatusPageAssetsExist(t *testing.T) {
	page := ask(t, stubFleet{}, "GET", "/")
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		if got := ask(t, stubFleet{}, "GET", "/"+m[1]); got.code != http.StatusOK {
			t.Errorf("%s answers %d", m[1], got.code)
		}
	}
	if css := ask(t, stubFleet{}, "GET", "/assets/page.css"); !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet has Content-Type %q: browsers refuse it", css.header.Get("Content-Type"))
	}
	if list := ask(t, stubFleet{}, "GET", "/assets/"); list.code != http.StatusNotFound {
		t.Errorf("the directory of assets answers %d", list.code)
	}
}

func TestPagesCanOnlyBeRead(t *testing.T) {
	for _, path := range []string{
		"/", "/metrics", "/-/healthy", "/-/ready", "/assets/page.css", "/nowhere",
		"/probe", "/sd", "/api/v1/servers", "/api/v1/servers/chicago", "/api/", "/debug/pprof/",
	} {
		if got := ask(t, stubFleet{}, "POST", path); got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") == "" {
			t.Errorf("POST %s answers %d, Allow %q", path, got.code, got.header.Get("Allow"))
		}
	}
	if got := ask(t, stubFleet{}, "HEAD", "/"); got.code != http.StatusOK || got.body != "" {
		t.Errorf("HEAD / answers %d %q", got.code, got.body)
	}
}

func TestEveryPageHasSecurityHeaders(t *testing.T) {
	for _, path := range []string{"/", "/metrics", "/-/ready", "/-/reload", "/assets/page.css", "/api/v1/servers", "/nowhere"} {
		header := ask(t, stubFleet{}, "GET", path).header
		for name := range securityHeaders {
			if header.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
	}
}

// The toolkit sets the headers of the web configuration file before it calls us.
func TestOperatorsHeadersWin(t *testing.T) {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("X-Frame-Options", "sameorigin")
	guard(http.NotFoundHandler()).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := recorder.Header().Get("X-Frame-Options"); got != "sameorigin" {
		t.Errorf("X-Frame-Options is %q, want the operator's sameorigin", got)
	}
}

func TestDistanceReadsLikeSpeech(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                "now",
		-900 * time.Millisecond:          "now",
		-45 * time.Second:                "45s ago",
		61 * time.Second:                 "in 1m 1s",
		-(26*time.Hour + 3*time.Minute):  "26h 3m ago",
		-(10*24*time.Hour + 5*time.Hour): "10 days ago",
	} {
		if got := distance(d); got != want {
			t.Errorf("distance(%s) = %q, want %q", d, got, want)
		}
	}
}
