package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time as configurations write it: 1m30s, 15m, 1d, 2w,
// 250ms, or 0.
type Duration time.Duration

var errDuration = errors.New("not a duration; expected a number with a unit, such as 30s, 1m30s or 1d")

const day = Duration(24 * time.Hour)

// UnmarshalText reads a duration: weeks and days first, then the units of Go.
func (d *Duration) UnmarshalText(text []byte) error {
	rest, total := string(text), int64(0)
	for _, unit := range []struct {
		name   string
		length Duration
	}{{"w", 7 * day}, {"d", day}} {
		digits, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || int64(n) > (math.MaxInt64-total)/int64(unit.length) {
			return errDuration
		}
		total += int64(n) * int64(unit.length)
		rest = after
		if rest == "" {
			*d = Duration(total)
			return nil
		}
	}
	if strings.ContainsAny(rest, "+-") {
		return errDuration
	}
	tail, err := time.ParseDuration(rest)
	if err != nil || int64(tail) > math.MaxInt64-total {
		return errDuration
	}
	*d = Duration(total + int64(tail))
	return nil
}

// String is the shortest form that UnmarshalText reads back: 1d12h, 1m30s, 0s.
func (d Duration) String() string {
	if d <= 0 || d%Duration(time.Millisecond) != 0 {
		return time.Duration(d).String()
	}
	var b strings.Builder
	for _, unit := range []struct {
		name   string
		length Duration
	}{
		{"d", day}, {"h", Duration(time.Hour)}, {"m", Duration(time.Minute)},
		{"s", Duration(time.Second)}, {"ms", Duration(time.Millisecond)},
	} {
		if n := d / unit.length; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d %= unit.length
		}
	}
	return b.String()
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// AutoDuration is a Duration that may also be left to the probe: 0 is auto.
type AutoDuration Duration

// UnmarshalText reads a duration above zero, or auto.
func (d *AutoDuration) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*d = 0
		return nil
	}
	var fixed Duration
	if err := fixed.UnmarshalText(text); err != nil || fixed == 0 {
		return errors.New("not a duration; expected auto, or a number with a unit, such as 90s")
	}
	*d = AutoDuration(fixed)
	return nil
}

// String is the duration, or auto.
func (d AutoDuration) String() string {
	if d == 0 {
		return "auto"
	}
	return Duration(d).String()
}

// MarshalText is String.
func (d AutoDuration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
