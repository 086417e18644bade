package collect

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var update = flag.Bool("update", false, "rewrite golden files and docs/metrics.md")

// golden compares got with the file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; if it should, run go test -update and look at the change (-want +got):\n%s",
			file, cmp.Diff(string(want), string(got)))
	}
}

func TestGolden(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			s := scenario()
			text := exposition(t, s, Text)
			golden(t, filepath.Join("testdata", name+".prom"), []byte(text))
			golden(t, filepath.Join("testdata", name+".om"), []byte(exposition(t, s, OpenMetrics)))
			problems, err := promlint.New(strings.NewReader(text)).Lint()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Errorf("promlint: %s: %s", p.Metric, p.Text)
			}
		})
	}
}

// Nobody would notice a family that no scenario ever shows to be wrong.
func TestEveryFamilyIsInAGoldenFile(t *testing.T) {
	var all strings.Builder
	for name := range scenarios {
		b, err := os.ReadFile(filepath.Join("testdata", name+".prom"))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for _, f := range Families() {
		if !strings.Contains(all.String(), "# TYPE "+f.Name+" ") {
			t.Errorf("no golden file shows %s", f.Name)
		}
	}
}

// alwaysThere is how many series a family has without what is off by default.
func alwaysThere(f *Family) int {
	n := f.Bound(true).Fixed
	for _, l := range f.Labels {
		optional := 0
		for _, v := range l.Values {
			if slices.Contains([]string{"subscribe_optional", "unsubscribe_optional", "user_status", "configuration"}, v) {
				optional++
			}
		}
		if optional > 0 {
			n = n / len(l.Values) * (len(l.Values) - optional)
		}
	}
	return n
}

// A rate over a series that appears with its first event misses that event.
func TestFirstExpositionHasEveryClosedSeries(t *testing.T) {
	s := newTestSet(Options{Full: true})
	s.Add("chicago", "us")
	page := exposition(t, s, Text)
	for _, f := range []*Family{
		MetricSessionOpens, MetricSessionOpenFailures, MetricSessionCloses, MetricSessionsAbandoned, MetricSwitchovers,
		MetricAlternateHostsRejected, MetricRequestFailures, MetricErrorResponses, MetricBreakerTransitions,
		MetricBreakerRejections, MetricReceivedBytes, MetricStreamHeartbeats, MetricSubscriptionLosses,
		MetricDeliveryChecks, MetricMessages, MetricMessageDecodeFailures, MetricCatalogueChanges,
		MetricCatalogueDrift, MetricCatalogueAnomalies, MetricCatalogueResyncs, MetricOperationGone,
		MetricExporterLogMessages, MetricExporterSeriesFolded, MetricTransport,
	} {
		if got, want := strings.Count(page, "\n"+f.Name), alwaysThere(f); got != want {
			t.Errorf("%s: %d series in the first exposition, want %d", f.Name, got, want)
		}
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, f.Name) && !strings.HasSuffix(line, " 0\n") {
				t.Errorf("not at 0: %s", line)
			}
		}
	}
	for _, f := range []*Family{MetricProbeState, MetricBreakerState, MetricSubscriptionState, MetricExporterServers} {
		if got, want := strings.Count(page, "\n"+f.Name+"{"), alwaysThere(f); got != want {
			t.Errorf("%s: %d states in the first exposition, want %d", f.Name, got, want)
		}
	}
}

func TestFirstExpositionHasTheExpectedResponses(t *testing.T) {
	s := newTestSet(Options{})
	s.Add("chicago", "us")
	page := exposition(t, s, Text)
	for operation, success := range map[string]int{"connect": 201, "subscribe": 200, "poll": 200, "stream": 200, "list": 200} {
		for _, code := range []int{success, 401, 410, 429, 500, 502, 503, 504} {
			hasLines(t, page, `icws_responses_total{code="`+strconv.Itoa(code)+`",operation="`+operation+`",server="chicago"} 0`)
		}
	}
	if got := strings.Count(page, "\nicws_responses_total{"); got != 44 {
		t.Errorf("%d series of responses before the first one, want %d", got, 44)
	}
}
