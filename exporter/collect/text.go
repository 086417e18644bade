package collect

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Format is an exposition format.
type Format uint8

// The formats.
const (
	Text        Format = iota // Prometheus text 0.0.4
	OpenMetrics               // OpenMetrics 1.0
	Protobuf                  // messages of client_model, which have the native histograms

	numTexts   = 2 // the formats before are lines of text
	numFormats = 3
)

// maxLabelValue is the longest label value in bytes.
const maxLabelValue = 128

var labelEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// labelValue makes s a legal label value of bounded length: invalid UTF-8 is
// replaced and what exceeds 128 bytes is cut off between two runes.
func labelValue(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if len(s) <= maxLabelValue {
		return s
	}
	end := maxLabelValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// escapeLabelValue returns the label value of s as it stands between quotes.
func escapeLabelValue(s string) string {
	if isPlain(s) {
		return s
	}
	return labelEscaper.Replace(labelValue(s))
}

// isPlain reports whether s needs neither cleaning nor escaping, which nearly
// all label values do not.
func isPlain(s string) bool {
	if len(s) > maxLabelValue {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c == '\\' || c == '"' || c == '\n' {
			return false
		}
	}
	return true
}

// appendValue appends v as both formats write a number.
func appendValue(dst []byte, v float64) []byte {
	switch {
	// The shortest form of a larger whole number has an exponent.
	case v >= 0 && v < 1e6 && v == math.Trunc(v) && !math.Signbit(v):
		return strconv.AppendUint(dst, uint64(v), 10)
	case v == 0:
		return append(dst, '0')
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	default:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
}
