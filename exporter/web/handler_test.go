package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stubFleet answers what a test gave it.
type stubFleet struct {
	servers             []exporter.Server
	unhealthy, notReady []string
	statuses            []catalogue.Entry
	busy                error // of the probe that is asked for its statuses
}

func (f stubFleet) Servers() []exporter.Server   { return f.servers }
func (f stubFleet) Unhealthy(time.Time) []string { return f.unhealthy }
func (f stubFleet) Statuses(context.Context, string) ([]catalogue.Entry, error) {
	return f.statuses, f.busy
}
func (f stubFleet) NotReady(time.Time) []string               { return f.notReady }
func (f stubFleet) Retry(context.Context, string, bool) error { return nil }

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
		SessionUp: true, Feeds: [probe.NumSubscriptions]probe.FeedState{probe.StatusMessages: {Up: true, State: probe.SubscriptionNormal}},
		LastContact: now.Add(-2 * time.Second), Entries: 4711, Groups: usable("Available", 4711), FreshUntil: now.Add(time.Minute),
	}}
}

// usable is a group with statuses that agents can work with.
func usable(name string, entries int) []catalogue.GroupCount {
	group := catalogue.GroupCount{Group: name, Entries: entries}
	group.Flagged[catalogue.IsSelectableStatus], group.Flagged[catalogue.IsAcdStatus] = entries, 1
	return []catalogue.GroupCount{group}
}

// cells returns the text of the cells of the page's table rows, without tags.
func cells(page string) []string {
	_, body, _ := strings.Cut(page, "<tbody")
	body, _, _ = strings.Cut(body, "</table>")
	var texts []string
	for _, m := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(body, -1) {
		texts = append(texts, strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "")), " "))
	}
	return texts
}

func TestOverviewShowsALiveServer(t *testing.T) {
	page := ask(t, stubFleet{servers: []exporter.Server{liveServer(time.Now())}}, "GET", "/")
	got := cells(page.body)
	want := []string{
		"chicago us Last hour: nothing is known yet", "Live for 3h 0m", "–", "cic-b event stream, delivering; contact within a minute", "Statuses 4711",
		"2xx0 4010 4100 5000 Other0 No reply0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.Contains(page.body, "<h1>1 of 1 servers up</h1>") {
		t.Error("the page does not say how many servers are up")
	}
	if page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", page.header.Get("Content-Type"))
	}
}

func heldServer(now time.Time) exporter.Server {
	return exporter.Server{Name: "lab", Snapshot: &probe.Snapshot{
		State: probe.StateAuthHold, StateSince: now, Reason: "the server refused the password",
		NextAttempt: now.Add(15*time.Minute + 30*time.Second),
		Entries:     12, FreshUntil: now.Add(-time.Second),
	}}
}

func TestOverviewSaysWhyAServerIsDown(t *testing.T) {
	page := ask(t, stubFleet{servers: []exporter.Server{heldServer(time.Now())}}, "GET", "/")
	got := strings.Join(cells(page.body), "|")
	for _, want := range []string{"Log-on held", "the server refused the password", "no session", "Next attempt in 15m", "unknown"} {
		if !strings.Contains(got, want) {
			t.Errorf("the row does not say %q: %s", want, got)
		}
	}
	if strings.Contains(got, "12") {
		t.Errorf("a stale count is shown as if it were true: %s", got)
	}
	if !strings.Contains(page.body, "0 of 1 servers up") {
		t.Error("a server on hold counts as up")
	}
}

func TestThePagesEscapeWhatServersSay(t *testing.T) {
	hostile := `<script>alert("x")</script>`
	now := time.Now()
	history := probe.NewHistory(collect.New(collect.Options{}).Add("h", ""))
	history.StateChanged(probe.StateBackoff, hostile)
	history.Exchange(icws.Exchange{Host: hostile, Code: 500, ErrorID: hostile, Err: errors.New("x")})
	history.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckDrift, Drift: 1, IDs: []string{hostile}})
	slog.New(history.Tee(slog.DiscardHandler)).Warn(hostile, "reason", hostile)
	fleet := stubFleet{
		servers: []exporter.Server{{Name: hostile, Site: hostile, History: history, Snapshot: &probe.Snapshot{
			Reason: hostile, Hosts: []probe.Host{{Name: hostile, Active: true}}, FreshUntil: now.Add(time.Hour),
			Groups: []catalogue.GroupCount{{Group: hostile}}, Product: hostile, ICServer: hostile,
		}}},
		statuses: []catalogue.Entry{{ID: hostile, Text: hostile, Group: hostile}},
	}
	name := url.PathEscape(hostile)
	for _, path := range []string{"/", "/?q=" + name, "/servers/" + name, "/servers/" + name + "?q=" + name} {
		page := ask(t, fleet, "GET", path)
		if n := strings.Count(page.body, "<script"); page.code != http.StatusOK || n != 1 {
			t.Errorf("%s answers %d and has %d scripts, want its own alone:\n%s", path, page.code, n, page.body)
		}
		if n := strings.Count(page.body, "&lt;script&gt;"); n < 4 {
			t.Errorf("%s shows only %d of the texts:\n%s", path, n, page.body)
		}
	}
	missing := ask(t, stubFleet{}, "GET", "/"+"%3Cscript%3Ealert(1)%3C/script%3E")
	if missing.code != http.StatusNotFound || strings.Contains(missing.body, "<script") {
		t.Errorf("the 404 page answers %d:\n%s", missing.code, missing.body)
	}
}

func TestOverviewShowsAFailedReload(t *testing.T) {
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

func TestPagesSayThatTheWebConfigurationIsNotTaken(t *testing.T) {
	problem := "it takes the <passwords> off"
	o := Options{Fleet: stubFleet{servers: []exporter.Server{liveServer(time.Now())}}, WebConfigProblem: func() string { return problem }}
	for _, path := range []string{"/", "/servers/chicago"} {
		if page := askPages(t, o, "GET", path, nil).body; !strings.Contains(page, "it takes the &lt;passwords&gt; off") {
			t.Errorf("%s does not say so", path)
		}
	}
	problem = ""
	if page := askPages(t, o, "GET", "/", nil).body; strings.Contains(page, "web configuration") {
		t.Error("the page speaks of a web configuration that is in effect")
	}
}

func TestOverviewWithoutServers(t *testing.T) {
	if page := ask(t, stubFleet{}, "GET", "/"); !strings.Contains(page.body, "No servers are configured.") {
		t.Errorf("an empty page says nothing:\n%s", page.body)
	}
}

// What the page links to must be there, or a first visit shows a bare page.
func TestPagesLinkToWhatExists(t *testing.T) {
	fleet := stubFleet{servers: []exporter.Server{liveServer(time.Now())}}
	for _, path := range []string{"/", "/servers/chicago", "/runbooks/", "/dashboards/"} {
		base, _ := url.Parse(path)
		for _, m := range regexp.MustCompile(`(?:href|src)="([^"#]+)"`).FindAllStringSubmatch(ask(t, fleet, "GET", path).body, -1) {
			to, err := base.Parse(m[1])
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, fleet, "GET", to.String()); got.code != http.StatusOK {
				t.Errorf("%s links to %s, which answers %d", path, m[1], got.code)
			}
		}
	}
	if css := ask(t, stubFleet{}, "GET", "/assets/page.css"); !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet has Content-Type %q: browsers refuse it", css.header.Get("Content-Type"))
	}
	if js := ask(t, stubFleet{}, "GET", "/assets/page.js"); !strings.HasPrefix(js.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("the script has Content-Type %q: browsers refuse it", js.header.Get("Content-Type"))
	}
	if list := ask(t, stubFleet{}, "GET", "/assets/"); list.code != http.StatusNotFound {
		t.Errorf("the directory of assets answers %d", list.code)
	}
}

func TestPagesCanOnlyBeRead(t *testing.T) {
	for _, path := range []string{
		"/", "/metrics", "/-/healthy", "/-/ready", "/assets/page.css", "/nowhere",
		"/events", "/servers/chicago", "/servers/chicago/events", "/config", "/runbooks/Displaced", "/runbooks/", "/dashboards/", "/dashboards/icws-server.json", "/probe", "/sd", "/api/v1/servers", "/api/v1/servers/chicago", "/api/", "/debug/pprof/",
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
	secure(http.NotFoundHandler()).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := recorder.Header().Get("X-Frame-Options"); got != "sameorigin" {
		t.Errorf("X-Frame-Options is %q, want the operator's sameorigin", got)
	}
}
