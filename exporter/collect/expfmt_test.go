package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// gatherInOrder gathers what the const collector sends in the order in which it
// sends it: a registry would sort the servers between the other labels.
func gatherInOrder(t testing.TB, s *Set) []*dto.MetricFamily {
	t.Helper()
	sc := s.scrape(nil)
	var all []*dto.MetricFamily
	for _, f := range s.table {
		ch := make(chan prometheus.Metric, 10_000)
		out := samples{sink: func(m prometheus.Metric) { ch <- m }}
		out.collect([]*Family{f}, sc, sc.servers)
		close(ch)
		kind := map[Type]dto.MetricType{Counter: dto.MetricType_COUNTER, Histogram: dto.MetricType_HISTOGRAM}[f.Type]
		if f.Type == Gauge || f.Type == StateSet {
			kind = dto.MetricType_GAUGE
		}
		family := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: &kind}
		for metric := range ch {
			var m dto.Metric
			if err := metric.Write(&m); err != nil {
				t.Fatal(err)
			}
			family.Metric = append(family.Metric, &m)
		}
		if len(family.Metric) > 0 {
			all = append(all, family)
		}
	}
	return all
}

func encode(t testing.TB, families []*dto.MetricFamily, format expfmt.Format) string {
	t.Helper()
	var b bytes.Buffer
	e := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		if err := e.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.(expfmt.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// numberedLines returns the lines of a page with every value in one form: in
// OpenMetrics 1 and 1.0 are the same number.
func numberedLines(t testing.TB, page string) []string {
	t.Helper()
	lines := strings.SplitAfter(page, "\n")
	for i, line := range lines {
		end := strings.LastIndexByte(line, ' ')
		if line == "" || line[0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSuffix(line[end+1:], "\n"), 64)
		if err != nil {
			t.Fatalf("no value in line %q: %v", line, err)
		}
		lines[i] = line[:end+1] + strconv.FormatFloat(v, 'g', -1, 64)
	}
	return lines
}

// sameAsExpfmt checks both formats of s against client_golang and expfmt.
func sameAsExpfmt(t testing.TB, s *Set) {
	t.Helper()
	families := gatherInOrder(t, s)
	want := encode(t, families, expfmt.NewFormat(expfmt.TypeTextPlain))
	if got := exposition(t, s, Text); got != want {
		t.Errorf("the text differs from expfmt's (-want +got):\n%s", cmp.Diff(want, got))
	}
	want = encode(t, families, expfmt.FmtOpenMetrics_1_0_0)
	if diff := cmp.Diff(numberedLines(t, want), numberedLines(t, exposition(t, s, OpenMetrics))); diff != "" {
		t.Errorf("OpenMetrics differs from expfmt's in more than the form of numbers (-want +got):\n%s", diff)
	}
}

func TestSameAsExpfmt(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) { sameAsExpfmt(t, scenario()) })
	}
}

// expfmt's parser of OpenMetrics is strict and slow, so it gets the smallest page.
func TestOpenMetricsParses(t *testing.T) {
	s := newTestSet(Options{})
	d := expfmt.NewDecoder(strings.NewReader(exposition(t, s, OpenMetrics)), expfmt.FmtOpenMetrics_1_0_0)
	parsed := map[string]*dto.MetricFamily{}
	for {
		var f dto.MetricFamily
		if err := d.Decode(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		parsed[f.GetName()] = &f
	}
	for _, want := range gatherInOrder(t, s) {
		for _, m := range want.GetMetric() {
			if m.Counter != nil {
				m.Counter.CreatedTimestamp = nil // which only protobuf carries
			}
		}
		if got := parsed[want.GetName()]; !proto.Equal(got, want) {
			t.Errorf("%s is parsed as %v, want %v", want.GetName(), got, want)
		}
	}
}

// The registry checks consistency: no series twice, no label missing, help and
// type the same for all.
func TestGathererAcceptsEveryScenario(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			s := scenario()
			gathered, err := s.Gatherer().Gather()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(gathered), len(gatherInOrder(t, s)); got != want {
				t.Errorf("%d families gathered, want %d", got, want)
			}
		})
	}
}

func TestNativeHistograms(t *testing.T) {
	s := newTestSet(Options{})
	s.Add("chicago", "us").Delivered(probe.StatusMessages, 300*time.Millisecond)
	gathered, err := s.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range gathered {
		if f.GetName() != MetricDelivery.Name {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSchema() != 3 || len(h.GetPositiveDelta()) != 1 || len(h.GetBucket()) != len(buckets) {
			t.Errorf("want one native bucket of a factor below 1.1 beside the classic ones: %v", h)
		}
		return
	}
	t.Error("the histogram is not gathered")
}

// numbers are where formatting floats goes wrong.
var numbers = rapid.OneOf(
	rapid.Float64(),
	rapid.SampledFrom([]float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 999999, 1e6, 1000001, 123456789, 1 << 48, 1 << 53, 1e21,
		5e-324, 1e-7, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
	}),
	rapid.Map(rapid.IntRange(-2_000_000, 2_000_000), func(n int) float64 { return float64(n) }),
)

// texts are label values with what has to be escaped, replaced or cut.
var texts = rapid.OneOf(
	rapid.String(),
	rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	rapid.StringMatching(`[a"\\\n{},=é漢]{0,200}`),
)

func TestNumbersSameAsExpfmt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := numbers.Draw(t, "v")
		var b bytes.Buffer
		f := &dto.MetricFamily{
			Name: proto.String("x"), Type: dto.MetricType_GAUGE.Enum(),
			Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &v}}},
		}
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
		want := strings.TrimPrefix(b.String(), "# TYPE x gauge\nx ")
		if got := string(appendValue(nil, v)) + "\n"; got != want {
			t.Fatalf("%v is written %q, want %q", v, got, want)
		}
	})
}

func TestAnyServerSameAsExpfmt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newTestSet(Options{StatusSeries: true, MaxStatuses: 3})
		for _, name := range rapid.SliceOfN(texts, 1, 3).Draw(rt, "servers") {
			m := s.Add(name, texts.Draw(rt, "site"))
			m.Watch(drawPublished(rt))
			m.Read(rapid.IntRange(0, 1<<40).Draw(rt, "bytes"))
			code := rapid.IntRange(-1, 1000).Draw(rt, "code")
			took := time.Duration(rapid.Int64Range(0, 1e11).Draw(rt, "took"))
			m.Exchange(icws.Exchange{Code: code, ErrorID: texts.Draw(rt, "errorId"), Duration: took})
		}
		if _, err := s.Gatherer().Gather(); err != nil {
			rt.Fatal(err)
		}
		sameAsExpfmt(rapidTB{t, rt}, s)
	})
}

// FuzzExposition puts any text where a label value comes from outside, and compares
// every way out with client_golang and expfmt.
func FuzzExposition(f *testing.F) {
	f.Add("chicago", "us", "Available", "cic-a.example.com", uint64(1), int64(1))
	f.Add(hostileName, "si\"te", hostileText, "h\\\n\"", uint64(1<<48-1), int64(-1))
	f.Add("", "\\", "\n", "", uint64(999_999), int64(1e6))
	f.Add("\xff", strings.Repeat("é", 65), strings.Repeat("x", 129), "\xc3\x28", uint64(1e6), int64(math.MaxInt64))
	f.Add(`\n`, `\\n`, "\\\"", "\"\n\\", uint64(0), int64(0))
	f.Add("\r\n", "\x00\u2028\ufeff", "{}=,# EOF", strings.Repeat("\\", 128), uint64(10), int64(10))
	f.Fuzz(func(t *testing.T, name, site, text, host string, n uint64, offset int64) {
		o := Options{StatusSeries: true}
		for _, o.PerServer = range []bool{false, true} {
			s := newTestSet(o)
			p := &published{snapshot: live(), statuses: []catalogue.Entry{{ID: text, Text: host, Group: site}}}
			p.snapshot.Groups = []catalogue.GroupCount{group(text, int(n>>1))}
			p.snapshot.Hosts = []probe.Host{{Name: host, Checked: true}}
			p.snapshot.Product, p.snapshot.Release = text, host
			p.snapshot.Hash, p.snapshot.ClockOffset = n, time.Duration(offset)
			m := s.Add(name, site)
			m.Watch(p)
			m.Delivered(probe.StatusMessages, time.Duration(offset))
			m.Exchange(icws.Exchange{Code: int(n % 1000), ErrorID: text})
			if _, err := s.Gatherer().Gather(); err != nil {
				t.Fatal(err)
			}
			sameAsExpfmt(t, s)
			for _, format := range []Format{Text, OpenMetrics} {
				s.Render(format, true, func(body []byte) {
					if unzip(t, body) != exposition(t, s, format) {
						t.Errorf("format %d is another page when it is compressed", format)
					}
				})
			}
			if s.PerServer() {
				sameApart(t, s, name)
			}
		}
	})
}

// sameApart checks the page of one server, up to the order of its lines: a registry
// sorts the series of a family.
func sameApart(t testing.TB, s *Set, name string) {
	t.Helper()
	families, err := s.ServerGatherer(labelValue(name)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var page string
	s.RenderServer(labelValue(name), Want{Format: Text, Compress: true}, func(body []byte) { page = unzip(t, body) })
	want := encode(t, families, expfmt.NewFormat(expfmt.TypeTextPlain))
	if diff := cmp.Diff(sortedLines(want), sortedLines(page)); diff != "" {
		t.Errorf("the text of one server differs from expfmt's (-want +got):\n%s", diff)
	}
}

func sortedLines(page string) []string { return slices.Sorted(strings.Lines(page)) }

// rapidTB reports to rapid, which can then shrink the failing case.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

func (r rapidTB) Errorf(format string, args ...any) { r.rt.Errorf(format, args...) }
func (r rapidTB) Fatalf(format string, args ...any) { r.rt.Fatalf(format, args...) }
func (r rapidTB) Fatal(args ...any)                 { r.rt.Fatal(args...) }

func drawPublished(rt *rapid.T) *published {
	p := &published{snapshot: live()}
	s := &p.snapshot
	s.State = probe.State(rapid.IntRange(0, probe.NumStates-1).Draw(rt, "state"))
	s.Product, s.Release = texts.Draw(rt, "product"), texts.Draw(rt, "release")
	s.ClockOffset = time.Duration(rapid.Int64().Draw(rt, "offset"))
	s.Hash = rapid.Uint64Range(0, 1<<48-1).Draw(rt, "hash")
	s.NextAttempt = time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(rt, "next"))
	s.Hosts = nil
	for _, name := range rapid.SliceOfN(texts, 0, 4).Draw(rt, "hosts") {
		s.Hosts = append(s.Hosts, probe.Host{Name: name, Checked: true})
	}
	s.Groups = nil
	// The catalogue publishes distinct label values.
	for _, name := range rapid.SliceOfNDistinct(texts, 0, 4, labelValue).Draw(rt, "groups") {
		s.Groups = append(s.Groups, catalogue.GroupCount{Group: name, Entries: rapid.IntRange(0, 1e7).Draw(rt, "n")})
	}
	for i, id := range rapid.SliceOfN(texts, 0, 5).Draw(rt, "ids") {
		p.statuses = append(p.statuses, catalogue.Entry{ID: id, Text: fmt.Sprint(i), Group: id})
	}
	return p
}

// A counter says when it began, or Prometheus cannot know that its first value is
// what happened since: failures before the first scrape would go unseen.
func TestCountersCarryWhenTheyBegan(t *testing.T) {
	began := noon
	s := newTestSet(Options{Full: true, Now: func() time.Time { return began }})
	began = noon.Add(time.Hour)
	m := s.Add("chicago", "us")
	began = noon.Add(2 * time.Hour)
	busy(m)
	counters := 0
	for _, f := range gatherInOrder(t, s) {
		for _, metric := range f.GetMetric() {
			if metric.Counter == nil {
				continue
			}
			counters++
			want := noon
			if len(metric.GetLabel()) > 0 && strings.Contains(metric.String(), "chicago") {
				want = noon.Add(time.Hour)
			}
			if got := metric.GetCounter().GetCreatedTimestamp(); got == nil || !got.AsTime().Equal(want) {
				t.Errorf("%s began at %v, want %s", f.GetName(), got, want)
			}
		}
	}
	if counters < 100 {
		t.Errorf("only %d counters were found", counters)
	}
	// As OpenMetrics it would be twice as many series: only protobuf says it.
	if page := exposition(t, s, OpenMetrics); strings.Contains(page, "_created") {
		t.Error("OpenMetrics has series of created times")
	}
}
