package config

import (
	"math"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "250ms": 250 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "1m30s": 90 * time.Second,
		"15m": 15 * time.Minute, "1d": day, "1d12h": 36 * time.Hour, "2w": 14 * day, "1w1d1h1m1s1ms": 8*day + time.Hour + time.Minute + time.Second + time.Millisecond,
	} {
		if d, err := parseDuration(text); err != nil || d != want {
			t.Errorf("%s is %v, %v; want %v", text, d, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "1dd", "1d2w", "1d-1s", "1 s", "1.5d", "999999999999d", "15250w6d"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q is accepted as %v", text, d)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "100": 100, "1023": 1023, "512KiB": 512 << 10, "16MiB": 16 << 20, "3GiB": 3 << 30,
	} {
		if b, ok := parseBytes(text); !ok || b != want || b.String() != text {
			t.Errorf("%s is %s, %v; want %d", text, b, ok, int64(want))
		}
	}
	for _, text := range []string{"", "MiB", "16MB", "16M", "-1", "1.5MiB", "16 MiB", "9223372036854775807KiB", "18446744073709551616"} {
		if b, ok := parseBytes(text); ok {
			t.Errorf("%q is accepted as %d", text, int64(b))
		}
	}
	if got := Bytes(math.MaxInt64).String(); got != "9223372036854775807" {
		t.Errorf("the largest size prints as %s", got)
	}
}
