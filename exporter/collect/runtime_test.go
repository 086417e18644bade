package collect

import (
	"math"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What we read ourselves is what client_golang reads, line for line. A new version of
// it with another family would have its own way again, and this test says so.
func TestRuntimeValuesAreThoseOfClientGolang(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere client_golang writes all of it")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(10_000)) // what is collected between two readings is no difference
	runtime.GC()
	r := newRuntimeMetrics(time.Now)
	for _, format := range []Format{Text, OpenMetrics} {
		ours, theirs := r.write(format, 0), r.encode(format, nil)
		if ours == nil {
			t.Fatalf("format %d: a family is not known", format)
		}
		want := strings.Split(string(theirs.bytes), "\n")
		got := strings.Split(string(ours.bytes), "\n")
		if len(got) != len(want) {
			t.Fatalf("format %d: %d lines, client_golang has %d", format, len(got), len(want))
		}
		for i := range got {
			compareLine(t, got[i], want[i])
		}
	}
}

// compareLine wants the same text, and the same value but for what changes from one
// reading to the next.
func compareLine(t *testing.T, got, want string) {
	if got == want {
		return
	}
	g, w := strings.LastIndex(got, " "), strings.LastIndex(want, " ")
	if strings.HasPrefix(got, "#") || g < 0 || w < 0 || got[:g] != want[:w] {
		t.Errorf("%q, client_golang has %q", got, want)
		return
	}
	a, errA := strconv.ParseFloat(got[g+1:], 64)
	b, errB := strconv.ParseFloat(want[w+1:], 64)
	slack := 0.2*math.Abs(b) + 4
	if strings.Contains(got, "_bytes") {
		slack += 8 << 20
	}
	if strings.HasSuffix(got[:g], "s_total") || strings.Contains(got, "heap_objects") {
		slack += 100_000
	}
	if errA != nil || errB != nil || math.Abs(a-b) > slack {
		t.Errorf("%q, client_golang has %q", got, want)
	}
}

func BenchmarkRuntimeMetrics(b *testing.B) {
	r := newRuntimeMetrics(time.Now)
	b.ReportAllocs()
	for b.Loop() {
		r.write(OpenMetrics, 8<<10)
	}
}
