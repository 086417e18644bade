package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/encoding/protojson"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

func perServerNow() time.Time { return time.Unix(1000, 0) }

func chicago(set *collect.Set) {
	set.Add("chicago", "us").Exchange(icws.Exchange{Operation: icws.OpConnect, Code: 201, Duration: 300 * time.Millisecond})
}

// perServer is a fleet of two servers with pages of their own.
func perServer() Options {
	set := collect.New(collect.Options{PerServer: true, Now: perServerNow})
	chicago(set)
	set.Add("x y&z", "")
	return Options{Metrics: set, Fleet: stubFleet{servers: []exporter.Server{
		{Name: "chicago", Site: "us", Snapshot: &probe.Snapshot{}}, {Name: "x y&z", Snapshot: &probe.Snapshot{}},
	}}}
}

// What a client gets of one server is what client_golang would serve, in every
// format and encoding.
func TestProbeServesWhatClientGolangWould(t *testing.T) {
	o := perServer()
	whole := collect.New(collect.Options{Now: perServerNow})
	chicago(whole)
	ofServers := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := whole.Gatherer().Gather()
		return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool {
			return !slices.ContainsFunc(f.Metric[0].Label, func(l *dto.LabelPair) bool { return l.GetName() == "server" })
		}), err
	})
	reference := promhttp.HandlerFor(ofServers, promhttp.HandlerOpts{EnableOpenMetrics: true})
	for _, accept := range []string{"", "text/plain", "application/openmetrics-text;version=1.0.0", acceptOpenMetrics, acceptProtobuf} {
		for _, encoding := range []string{"identity", "gzip"} {
			header := http.Header{"Accept": {accept}, "Accept-Encoding": {encoding}}
			got := askPages(t, o, "GET", "/probe?target=chicago", header)
			want := askHandler(t, reference, "GET", "/", header)
			if got.code != http.StatusOK || got.header.Get("Content-Type") != want.header.Get("Content-Type") ||
				got.header.Get("Content-Encoding") != want.header.Get("Content-Encoding") {
				t.Errorf("%q, %q: %d %v, want the headers %v", accept, encoding, got.code, got.header, want.header)
			}
			if encoding == "gzip" {
				got.body, want.body = unzip(t, got.body), unzip(t, want.body)
			}
			sorted := sortedLines
			if accept == acceptProtobuf {
				sorted = func(body string) []string { return sortedSeries(t, body) }
			}
			if diff := cmp.Diff(sorted(want.body), sorted(got.body)); diff != "" {
				t.Errorf("%q, %q: -promhttp +ours:\n%s", accept, encoding, diff)
			}
		}
	}
}

// sortedSeries returns the series of an exposition in protobuf, sorted.
func sortedSeries(t *testing.T, body string) (series []string) {
	t.Helper()
	decoder := expfmt.NewDecoder(strings.NewReader(body), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		err := decoder.Decode(&f)
		if errors.Is(err, io.EOF) {
			slices.Sort(series)
			return series
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.GetMetric() {
			if m.Histogram != nil {
				m.Histogram.CreatedTimestamp = nil // they were made one after the other
			}
			text, err := protojson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var indented bytes.Buffer // protojson changes its blanks on purpose
			if err := json.Compact(&indented, text); err != nil {
				t.Fatal(err)
			}
			series = append(series, f.GetName()+" "+f.GetType().String()+" "+f.GetHelp()+" "+indented.String())
		}
	}
}

// sortedLines returns the lines of an exposition sorted, since a registry sorts
// the values of closed labels, and with whole numbers in the form of the text
// format.
func sortedLines(page string) []string {
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, ".0")
	}
	slices.Sort(lines)
	return lines
}

func TestProbeOfCertainFamilies(t *testing.T) {
	got := askPages(t, perServer(), "GET", "/probe?target=chicago&name[]=icws_up", nil)
	if got.code != http.StatusOK || !strings.Contains(got.body, "\nicws_up{server=\"chicago\",site=\"us\"} 0\n") || strings.Count(got.body, "# TYPE ") != 1 {
		t.Errorf("got %d:\n%s", got.code, got.body)
	}
}

func TestProbeTargets(t *testing.T) {
	o := perServer()
	for query, code := range map[string]int{
		"?target=chicago":                           200,
		"?target=x+y%26z":                           200,
		"?target=chicago&module=icws":               200, // as snmp_exporter is asked
		"":                                          400,
		"?target=":                                  400,
		"?target=chicago&target=lab":                400,
		"?module=x":                                 400,
		"?target=Chicago":                           404,
		"?target=http://evil.example.com":           404,
		"?target=x+y":                               404,
		"?target=" + strings.Repeat("a", 10_000):    404,
		"?target=%00%ff%3Cscript%3E":                404,
		"?target=lab&name[]=icws_up":                404,
		"?target=chicago%20&module=%3Cscript%3E&x=": 404,
	} {
		got := askPages(t, o, "GET", "/probe"+query, nil)
		if got.code != code {
			t.Errorf("/probe%s answers %d, want %d", query, got.code, code)
		}
		if code != 200 && (strings.Contains(got.body, "chicago") || strings.Contains(got.body, "x y") || len(got.body) > 200) {
			t.Errorf("/probe%s tells names or repeats what it was sent: %s", query, got.body)
		}
	}
	if got := askPages(t, o, "GET", "/probe?target=lab", http.Header{"Accept": {acceptProtobuf}}); got.code != http.StatusNotFound {
		t.Errorf("an unknown target as protobuf answers %d", got.code)
	}
	if got := askPages(t, o, "POST", "/probe?target=chicago", nil); got.code != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", got.code)
	}
}

func TestARemovedServerIsNoTargetAnyMore(t *testing.T) {
	o := perServer()
	o.Metrics.Remove("chicago")
	if got := askPages(t, o, "GET", "/probe?target=chicago", nil); got.code != http.StatusNotFound {
		t.Errorf("it answers %d:\n%s", got.code, got.body)
	}
}

func TestMetricsPerServerAreNowhereTwice(t *testing.T) {
	o := perServer()
	if got := askPages(t, o, "GET", "/metrics", nil); strings.Contains(got.body, "server=") || !strings.Contains(got.body, "icws_exporter_build_info{") {
		t.Errorf("/metrics has a server, or lacks the exporter:\n%s", got.body)
	}
	if got := askPages(t, o, "GET", "/probe?target=chicago", nil); strings.Contains(got.body, "icws_exporter_") || strings.Contains(got.body, "x y&z") {
		t.Errorf("/probe has more than the server:\n%s", got.body)
	}
	o.Metrics = collect.New(collect.Options{})
	o.Metrics.Add("chicago", "us")
	for _, path := range []string{"/probe?target=chicago", "/sd"} {
		if got := askPages(t, o, "GET", path, nil); got.code != http.StatusNotFound || !strings.Contains(got.body, "--web.per-server") {
			t.Errorf("%s without the flag answers %d: %s", path, got.code, got.body)
		}
	}
}

func discover(t *testing.T, request *http.Request) (groups []targetGroup) {
	t.Helper()
	recorder := httptest.NewRecorder()
	o := perServer()
	o.Reloader = &stubReloader{}
	NewHandler(o).ServeHTTP(recorder, request)
	// Prometheus refuses any other type.
	if recorder.Code != http.StatusOK || recorder.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d, %v", recorder.Code, recorder.Header())
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &groups); err != nil {
		t.Fatal(err)
	}
	return groups
}

func TestDiscovery(t *testing.T) {
	got := discover(t, httptest.NewRequest(http.MethodGet, "http://exporter.example.com:10018/sd", nil))
	want := []targetGroup{
		{[]string{"exporter.example.com:10018"}, map[string]string{
			"__metrics_path__": "/probe", "__param_target": "chicago", "instance": "exporter.example.com:10018/chicago",
			"__meta_icws_server": "chicago", "__meta_icws_site": "us",
		}},
		{[]string{"exporter.example.com:10018"}, map[string]string{
			"__metrics_path__": "/probe", "__param_target": "x y&z", "instance": "exporter.example.com:10018/x y&z",
			"__meta_icws_server": "x y&z",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Over HTTPS the targets are to be scraped over HTTPS.
	for _, group := range discover(t, httptest.NewRequest(http.MethodGet, "https://exporter.example.com/sd", nil)) {
		if group.Labels["__scheme__"] != "https" {
			t.Errorf("over HTTPS the labels are %v", group.Labels)
		}
	}
}

// Behind a proxy the targets are where the proxy serves them, with its path.
func TestDiscoveryBehindAProxy(t *testing.T) {
	for external, want := range map[string][3]string{
		"https://proxy.example.com/tools/icws/": {"proxy.example.com", "/tools/icws/probe", "https"},
		"http://proxy.example.com:8080":         {"proxy.example.com:8080", "/probe", ""},
		"https://proxy.example.com/a%20b":       {"proxy.example.com", "/a b/probe", "https"}, // Prometheus escapes it,
	} {
		o := perServer()
		var err error
		if o.ExternalURL, err = ParseExternalURL(external); err != nil {
			t.Fatal(err)
		}
		var groups []targetGroup
		if err := json.Unmarshal([]byte(askPages(t, o, "GET", "/sd", nil).body), &groups); err != nil || len(groups) != 2 {
			t.Fatalf("%d groups, %v", len(groups), err)
		}
		labels := groups[0].Labels
		if got := [3]string{groups[0].Targets[0], labels["__metrics_path__"], labels["__scheme__"]}; got != want || labels["instance"] != want[0]+"/chicago" {
			t.Errorf("%s: %q, %v", external, got, labels)
		}
	}
	for _, wrong := range []string{"proxy.example.com", "/icws", "ftp://proxy", "https://u:p@proxy", "https://proxy/?x", "https://%zz"} {
		if _, err := ParseExternalURL(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// What /sd lists can be scraped where it says.
func TestDiscoveredTargetsCanBeScraped(t *testing.T) {
	o := perServer()
	o.Reloader = &stubReloader{}
	server := httptest.NewServer(NewHandler(o))
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/sd")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var groups []targetGroup
	if err := json.NewDecoder(response.Body).Decode(&groups); err != nil || len(groups) != 2 {
		t.Fatalf("%d targets, %v", len(groups), err)
	}
	for _, group := range groups {
		request, err := http.NewRequest(http.MethodGet, "http://"+group.Targets[0]+group.Labels["__metrics_path__"], nil)
		if err != nil {
			t.Fatal(err)
		}
		query := request.URL.Query()
		query.Set("target", group.Labels["__param_target"])
		request.URL.RawQuery = query.Encode()
		scraped, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		scraped.Body.Close()
		if scraped.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", request.URL, scraped.StatusCode)
		}
	}
}

func TestDiscoveryWithoutServersIsAnEmptyList(t *testing.T) {
	o := perServer()
	o.Fleet = stubFleet{}
	if got := askPages(t, o, "GET", "/sd", nil); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("got %s", got.body)
	}
}
