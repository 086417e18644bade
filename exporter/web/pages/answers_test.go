package pages

import (
	"fmt"
	"testing"

	"icws_exporter/probe"
)

// Counts of what is well are rounded, so that open pages are not told of every poll.
func TestCountsAreCalm(t *testing.T) {
	for n, want := range map[uint32]string{0: "0", 99: "99", 100: "100", 187: "180", 1234: "1200", 12_345: "12k", 4_000_000: "4000k"} {
		if got := answersOf(probe.Answers{probe.Answer2xx: n})[probe.Answer2xx].Text; got != want {
			t.Errorf("%d answers of 2xx read %s, want %s", n, got, want)
		}
		bad := answersOf(probe.Answers{probe.Answer500: n})[probe.Answer500]
		if bad.Text != fmt.Sprint(n) || bad.Bad != (n > 0) {
			t.Errorf("%d answers of 500 read %+v", n, bad)
		}
	}
}
