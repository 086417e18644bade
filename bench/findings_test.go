package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	var f findings
	f.add(13, "requests", 2.214, 3, "a minute")
	f.add(1, "lost", 1, 0, "changes")
	f.add(4, "page", 123.4, none, "µs")
	f.grows("memory", "MiB", []float64{10, 100, 1000}, []float64{20, 200, 2000})
	var out strings.Builder
	if err := f.print(&out); err != nil {
		t.Fatal(err)
	}
	const want = `| budget | what | figure | budget | figure / budget | met |
|---|---|---|---|---|---|
| 1 | lost | 1 changes | ≤ 0 changes | — | **no**, [why](README.md#what-is-not-met-and-why) |
| 4 | page | 123 µs |  |  |  |
| 13 | requests | 2.21 a minute | ≤ 3 a minute | 0.738 | yes |

| what grows | at | figures | slope |
|---|---|---|---|
| memory | 10, 100, 1000 | 20, 200, 2000 MiB | 1.00 |
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 3: "3", 1234567: "1234567", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.1: "0.1",
		0.00474: "0.00474", 0.000025: "2.5e-05",
	} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestSlope(t *testing.T) {
	for _, tc := range []struct {
		figures []float64
		want    float64
	}{{[]float64{5, 5, 5}, 0}, {[]float64{3, 30, 300}, 1}, {[]float64{1, 100, 10_000}, 2}} {
		g := growth{sizes: []float64{1, 10, 100}, figures: tc.figures}
		if got := g.slope(); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("slope of %v is %v, want %v", tc.figures, got, tc.want)
		}
	}
}

// Contestants take turns, the first round warms up, and a ratio is taken round by
// round: what slows a whole round does not change it.
func TestContest(t *testing.T) {
	var turns []string
	slow := []time.Duration{1, 1, 1000, 1}
	contestant := func(name string, cost time.Duration) contestant {
		round := 0
		return contestant{name, func(n int) (time.Duration, error) {
			turns = append(turns, name)
			spent := cost * slow[round] * time.Duration(n)
			round++
			return spent, nil
		}, 10}
	}
	r, err := contest(3, contestant("a", 20), contestant("b", 40))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, ""); got != "abababab" {
		t.Errorf("the turns were %s", got)
	}
	if r.of(0) != 20 || r.ratio(1, 0) != 2 {
		t.Errorf("median %v, ratio %v", r.of(0), r.ratio(1, 0))
	}
}

func TestBusiestSecond(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	s := site{logOns: []time.Time{at(0), at(100), at(1000), at(1050), at(1099), at(5000)}}
	if got := s.busiestSecond(); got != 4 {
		t.Errorf("got %d, want the 4 from 0.1 s on", got)
	}
}

func TestReadRates(t *testing.T) {
	rates, err := readRates([]byte("=== RUN   TestX/a\n=== ATTR  TestX/gone_hold requests_per_minute 0.47\n    === ATTR  TestX/live,_polling other 1\nPASS\n"), "TestX")
	if err != nil || len(rates) != 1 || rates[0] != (rate{"gone hold", 0.47}) {
		t.Errorf("%v, %v", rates, err)
	}
	if _, err := readRates([]byte("PASS\n"), "TestX"); err == nil {
		t.Error("a test that tells nothing passes for a measurement")
	}
}
