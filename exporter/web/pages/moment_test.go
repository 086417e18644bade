package pages

import (
	"testing"
	"time"
)

func TestDurationReadsLikeSpeech(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "just now", 900 * time.Millisecond: "just now", 45 * time.Second: "for 45s", 72 * time.Hour: "for 3 days",
	} {
		if got := duration(d); got != want {
			t.Errorf("duration(%s) = %q, want %q", d, got, want)
		}
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
