package secret

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	zeroWidthNonJoiner = '\u200c' // Persian needs it
	zeroWidthJoiner    = '\u200d' // and emoji need this
)

// revived is an escape sequence as the coloured log would make a real one of it.
const revived = `\x1b`

// Escape makes visible, as in <U+001B>, what a terminal or a browser would obey
// instead of showing it: control characters, line ends, and marks that change the
// direction of a text. What is not UTF-8 becomes U+FFFD.
func Escape(text string) string {
	if !strings.ContainsFunc(text, isObeyed) && !strings.Contains(text, revived) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		if isObeyed(r) || r == '\\' && strings.HasPrefix(text[i:], revived) {
			fmt.Fprintf(&b, "<%U>", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isObeyed(r rune) bool {
	if r == zeroWidthJoiner || r == zeroWidthNonJoiner {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// escapeLines is Escape for a text of several lines, where the code that shows it takes
// care of them.
func escapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Escape(line)
	}
	return strings.Join(lines, "\n")
}

func shortened(text string) string {
	if len(text) <= mostShown {
		return text
	}
	return strings.ToValidUTF8(text[:mostShown], "") + cutText
}
