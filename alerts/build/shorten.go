package build

import (
	"regexp"
	"strconv"
	"time"
)

// Shorten returns a rule file or an Alertmanager configuration in which every
// duration is that many times shorter, for tests that cannot wait: ranges, offsets,
// for, keep_firing_for and the timings of groups. Ranges are never shorter than
// shortest.
func Shorten(text string, times int, shortest time.Duration) string {
	for _, where := range []struct {
		duration *regexp.Regexp
		shortest time.Duration
	}{{inBrackets, shortest}, {inSteps, time.Second}, {inOffset, shortest}, {inField, time.Second}} {
		text = where.duration.ReplaceAllStringFunc(text, func(found string) string {
			m := where.duration.FindStringSubmatch(found)
			shorter := max(duration(m[2])/time.Duration(times), where.shortest, time.Second)
			return m[1] + strconv.Itoa(int(shorter.Seconds())) + "s" + m[3]
		})
	}
	return text
}

var (
	inBrackets = regexp.MustCompile(`(\[)([0-9]+[smhd])([\]:])`)
	inSteps    = regexp.MustCompile(`(:)([0-9]+[smhd])(\])`)
	inOffset   = regexp.MustCompile(`( offset )([0-9]+[smhd])(\b)`)
	inField    = regexp.MustCompile(`(?m)^( *(?:for|keep_firing_for|interval|group_wait|group_interval|repeat_interval): )([0-9]+[smhd])($)`)
)

// duration reads a number with one unit of Prometheus, which time does not know all of.
func duration(text string) time.Duration {
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	n, _ := strconv.Atoi(text[:len(text)-1]) // the patterns let only digits through
	return time.Duration(n) * unit[text[len(text)-1]]
}
