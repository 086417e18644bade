package build

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Shorten returns a rule file or an Alertmanager configuration in which every
// duration is that many times shorter, for tests that cannot wait: ranges, offsets,
// for, keep_firing_for, the timings of groups, and thresholds whose names end in
// _seconds. Ranges are never shorter than shortest and, unless it is 0, never longer
// than longest.
func Shorten(text string, times int, shortest, longest time.Duration) string {
	shorter := func(d time.Duration) time.Duration { return max(d/time.Duration(times), time.Second) }
	ranges := func(d time.Duration) time.Duration {
		d = max(shorter(d), shortest)
		if longest > 0 {
			d = min(d, longest)
		}
		return d
	}
	text = replaceDurations(text, inBrackets, ranges)
	text = replaceDurations(text, inSteps, shorter)
	text = replaceDurations(text, inOffset, ranges)
	text = replaceDurations(text, inField, shorter)
	values := map[string]string{}
	for _, t := range Thresholds(text) {
		if seconds, err := strconv.Atoi(t.Value); err == nil && strings.HasSuffix(t.Name, "_seconds") {
			values[t.Name] = strconv.Itoa(max(1, seconds/times))
		}
	}
	return setThresholds(text, values)
}

var (
	inBrackets = regexp.MustCompile(`(\[)([0-9]+[smhd])([\]:])`)
	inSteps    = regexp.MustCompile(`(:)([0-9]+[smhd])(\])`)
	inOffset   = regexp.MustCompile(`( offset )([0-9]+[smhd])(\b)`)
	inField    = regexp.MustCompile(`(?m)^( *(?:for|keep_firing_for|interval|group_wait|group_interval|repeat_interval): )([0-9]+[smhd])($)`)
)

func replaceDurations(text string, where *regexp.Regexp, shorter func(time.Duration) time.Duration) string {
	return where.ReplaceAllStringFunc(text, func(found string) string {
		m := where.FindStringSubmatch(found)
		return m[1] + strconv.Itoa(int(shorter(duration(m[2])).Seconds())) + "s" + m[3]
	})
}

// duration reads a number with one unit of Prometheus, which time does not know all of.
func duration(text string) time.Duration {
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	n, _ := strconv.Atoi(text[:len(text)-1]) // the patterns let only digits through
	return time.Duration(n) * unit[text[len(text)-1]]
}
