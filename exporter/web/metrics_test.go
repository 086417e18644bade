package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"icws_exporter/exporter/collect"
	"icws_exporter/probe/icws"
)

const (
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	acceptProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," + acceptOpenMetrics
)

// newMetricsSet has one server that answered once.
func newMetricsSet() (*collect.Set, *collect.ServerMetrics) {
	set := collect.New(collect.Options{Now: func() time.Time { return time.Unix(1000, 0) }})
	m := set.Add("chicago", "us")
	m.Exchange(icws.Exchange{Operation: icws.OpSubscribe, Code: 200, Duration: 300 * time.Millisecond})
	return set, m
}

// scrape sends one request to the metrics of set over a real socket, and takes
// the answer as it is: the client asks for no compression by itself.
func scrape(t *testing.T, set *collect.Set, method, query string, header http.Header) answer {
	t.Helper()
	return askHandler(t, NewMetricsHandler(set), method, "/metrics"+query, header)
}

func page(set *collect.Set, format collect.Format) (page string) {
	set.Render(format, false, func(body []byte) { page = string(body) })
	return page
}

func unzip(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestMetricsInTheFormatAskedFor(t *testing.T) {
	const (
		text        = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
		openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
	)
	set, _ := newMetricsSet()
	for _, test := range []struct {
		accept, contentType string
		format              collect.Format
	}{
		{"", text, collect.Text},
		{"*/*", text, collect.Text},
		{"text/html,application/xhtml+xml;q=0.9", text, collect.Text},
		{"text/plain;version=0.0.4", text, collect.Text},
		{"application/json", text, collect.Text},
		{acceptOpenMetrics, openMetrics, collect.OpenMetrics},
		{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8", strings.Replace(openMetrics, "underscores", "allow-utf-8", 1), collect.OpenMetrics},
		{"application/openmetrics-text", "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores", collect.OpenMetrics},
	} {
		for _, encoding := range []string{"", "gzip"} {
			got := scrape(t, set, http.MethodGet, "", http.Header{
				"Accept": {test.accept}, "Accept-Encoding": {encoding},
			})
			if got.code != http.StatusOK || got.header.Get("Content-Type") != test.contentType {
				t.Errorf("%q got %d, %s, want %s", test.accept, got.code, got.header.Get("Content-Type"), test.contentType)
			}
			if got.header.Get("Content-Encoding") != encoding || got.header.Get("Vary") != "Accept, Accept-Encoding" {
				t.Errorf("%q: headers %v, want encoding %q and what the answer varies with", test.accept, got.header, encoding)
			}
			if length := got.header.Get("Content-Length"); length != fmt.Sprint(len(got.body)) {
				t.Errorf("Content-Length %s of %d bytes", length, len(got.body))
			}
			body := got.body
			if encoding == "gzip" {
				body = unzip(t, body)
			}
			if body != page(set, test.format) {
				t.Errorf("%q, %q: the body is not the page in the format", test.accept, encoding)
			}
		}
	}
}

// The negotiated format is remembered by Accept; a second client must not get the
// first one's.
func TestMetricsFormatsDoNotMix(t *testing.T) {
	set, _ := newMetricsSet()
	negotiated := new(negotiations)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want, contentType := negotiated.want(r)
		set.Render(want.Format, want.Compress, func(body []byte) { writeExposition(w, r, want, contentType, body) })
	})
	// More Accept headers than are remembered.
	for i := range 3 * maxNegotiations {
		for accept, want := range map[string]string{
			acceptOpenMetrics + fmt.Sprintf(",x/%d", i): page(set, collect.OpenMetrics),
			fmt.Sprintf("text/plain,x/%d", i):           page(set, collect.Text),
		} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", accept)
			h.ServeHTTP(w, r)
			if w.Body.String() != want {
				t.Fatalf("%q got %s", accept, w.Header().Get("Content-Type"))
			}
		}
	}
	if n := len(negotiated.by); n > maxNegotiations {
		t.Errorf("%d Accept headers are remembered, want %d at most", n, maxNegotiations)
	}
	// Odd ones do not keep out for ever those that come again and again.
	for range 2 {
		negotiated.get(http.Header{"Accept": {acceptOpenMetrics}})
	}
	if _, ok := negotiated.by[acceptOpenMetrics]; !ok {
		t.Error("a scraper's header is not remembered after many odd ones")
	}
	long := acceptOpenMetrics + "," + strings.Repeat("x", 10<<10)
	negotiated.get(http.Header{"Accept": {long}})
	if _, ok := negotiated.by[long]; ok {
		t.Error("a header of 10 kB is remembered")
	}
}

// Too many who ask for forms of their own are told so; the others are not kept out.
func TestCertainFamiliesAreBounded(t *testing.T) {
	set, _ := newMetricsSet()
	handler := NewMetricsHandler(set)
	limiter := newConnLimiter(nil, maxConnections, nil)
	of := func(ip string) context.Context {
		return context.WithValue(t.Context(), connKey{}, &limitedConn{limiter: limiter, address: ip})
	}
	ask := func(ctx context.Context, query string) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics"+query, nil).WithContext(ctx))
		return w.Code
	}
	inUse, release := make(chan struct{}), make(chan struct{})
	var held sync.WaitGroup
	for range maxNamedPerAddress {
		held.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/metrics?name[]=icws_up", nil).WithContext(of("10.0.0.1"))
			handler.ServeHTTP(&blockingWriter{inUse: inUse, release: release}, r)
		})
		<-inUse
	}
	if code := ask(of("10.0.0.1"), "?name[]=icws_up"); code != http.StatusServiceUnavailable {
		t.Errorf("one more of the address gets %d", code)
	}
	if code := ask(of("10.0.0.2"), "?name[]=icws_up"); code != http.StatusOK {
		t.Errorf("another address gets %d", code)
	}
	if code := ask(of("10.0.0.1"), ""); code != http.StatusOK {
		t.Errorf("a whole scrape of the address gets %d", code)
	}
	close(release)
	held.Wait()
	if code := ask(of("10.0.0.1"), "?name[]=icws_up"); code != http.StatusOK {
		t.Errorf("later it gets %d", code)
	}
}

// blockingWriter is a client that reads when it is told to.
type blockingWriter struct {
	discard
	inUse, release chan struct{}
}

func (w *blockingWriter) Header() http.Header { return http.Header{} }
func (w *blockingWriter) Write(b []byte) (int, error) {
	w.inUse <- struct{}{}
	<-w.release
	return len(b), nil
}

func TestAcceptEncoding(t *testing.T) {
	set, _ := newMetricsSet()
	for header, want := range map[string]string{
		"":                        "",
		"identity":                "",
		"deflate, br":             "",
		"gzip":                    "gzip",
		"GZIP":                    "gzip",
		"br, gzip;q=0.5":          "gzip",
		"gzip;q=0":                "",
		"gzip; Q=0.000":           "",
		"gzip;q=broken":           "",
		"*":                       "gzip",
		"*;q=0":                   "",
		"*, gzip;q=0":             "",
		"gzip;q=0, *":             "",
		"x-gzip-like":             "",
		"zstd;q=1.0, gzip ; q=.1": "gzip",
	} {
		got := scrape(t, set, http.MethodGet, "", http.Header{"Accept-Encoding": {header}})
		if got.header.Get("Content-Encoding") != want {
			t.Errorf("%q got the encoding %q, want %q", header, got.header.Get("Content-Encoding"), want)
		}
	}
	got := scrape(t, set, http.MethodGet, "", http.Header{"Accept-Encoding": {"br", "gzip"}})
	if got.header.Get("Content-Encoding") != "gzip" {
		t.Error("only the first line of Accept-Encoding counts")
	}
}

// A Prometheus that scrapes native histograms asks for protobuf.
func TestMetricsAsProtobuf(t *testing.T) {
	set, _ := newMetricsSet()
	for _, encoding := range []string{"", "gzip"} {
		got := scrape(t, set, http.MethodGet, "", http.Header{"Accept": {acceptProtobuf}, "Accept-Encoding": {encoding}})
		if got.code != http.StatusOK || got.header.Get("Content-Encoding") != encoding {
			t.Fatalf("got %d, %v", got.code, got.header)
		}
		body := got.body
		if encoding == "gzip" {
			body = unzip(t, body)
		}
		families := map[string]*dto.MetricFamily{}
		decoder := expfmt.NewDecoder(bytes.NewBufferString(body), expfmt.ResponseFormat(got.header))
		for {
			var f dto.MetricFamily
			if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			families[f.GetName()] = &f
		}
		native := 0
		for _, m := range families[collect.MetricRequestDuration.Name].GetMetric() {
			native += len(m.GetHistogram().GetPositiveDelta())
		}
		if native != 1 {
			t.Errorf("%d native buckets, want the one of the only exchange", native)
		}
		if want := strings.Count(page(set, collect.Text), "# TYPE "); len(families) != want {
			t.Errorf("%d families as protobuf, %d as text", len(families), want)
		}
	}
}

func TestMetricsOfCertainFamilies(t *testing.T) {
	set, _ := newMetricsSet()
	got := scrape(t, set, http.MethodGet, "?name[]=icws_up", nil)
	if got.code != http.StatusOK || !strings.Contains(got.body, "\nicws_up{") || strings.Count(got.body, "# TYPE ") != 1 {
		t.Errorf("got %d:\n%s", got.code, got.body)
	}
	for _, names := range []string{"?name[]=icws_up&name[]=go_goroutines&name[]=none", "?name[]=none"} {
		for _, accept := range []string{"", acceptOpenMetrics, acceptProtobuf} {
			got := scrape(t, set, http.MethodGet, names, http.Header{"Accept": {accept}})
			if got.code != http.StatusOK || strings.Contains(got.body, "icws_state") || strings.Contains(got.body, "icws_up") != strings.Contains(names, "icws_up") {
				t.Errorf("%s as %q: got %d:\n%.1000s", names, accept, got.code, got.body)
			}
		}
	}
	if got := scrape(t, set, http.MethodGet, "?other=1", nil); got.body != page(set, collect.Text) {
		t.Error("an unknown query changes the page")
	}
}

func TestMetricsMethods(t *testing.T) {
	set, _ := newMetricsSet()
	got := scrape(t, set, http.MethodHead, "", nil)
	if want := fmt.Sprint(len(page(set, collect.Text))); got.code != http.StatusOK || got.header.Get("Content-Length") != want || got.body != "" {
		t.Errorf("HEAD got %d, length %s, body %q", got.code, got.header.Get("Content-Length"), got.body)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		got := scrape(t, set, method, "", nil)
		if got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s got %d, Allow %q", method, got.code, got.header.Get("Allow"))
		}
	}
}

// discard is a client that takes everything and keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func scrapeRequest(accept, encoding string) (*discard, *http.Request) {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	return &discard{header: http.Header{}}, r
}

func BenchmarkMetrics(b *testing.B) {
	for _, encoding := range []string{"identity", "gzip"} {
		for _, changed := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/changed=%t", encoding, changed), func(b *testing.B) {
				set, m := newMetricsSet()
				h := NewMetricsHandler(set)
				w, r := scrapeRequest(acceptOpenMetrics, encoding)
				for range 2 { // the page and its spare grow to their size
					m.Read(1)
					h.ServeHTTP(w, r)
				}
				b.ReportAllocs()
				for b.Loop() {
					if changed {
						m.Read(1)
					}
					h.ServeHTTP(w, r)
				}
			})
		}
	}
}
