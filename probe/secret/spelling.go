package secret

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// rounds is how many escapes within each other are undone.
	rounds = 3
	// cutMark stands for the … where a text was cut. Nothing else folds to it.
	cutMark = "\x00"
	cutText = "…"
	cutRune = '…'
)

// fold returns the text in the form in which texts and secrets are compared: letters
// in one case, and every run of blanks, control characters and + (a blank in a URL)
// as one blank.
func fold(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	blank := false
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		isBlank := c == '+' || c <= ' ' || c >= utf8.RuneSelf && !unicode.IsPrint(c)
		switch {
		case isBlank && blank:
		case isBlank:
			b.WriteByte(' ')
		case c == utf8.RuneError && size == 1:
			b.WriteByte(text[i])
		case c == cutRune:
			b.WriteString(cutMark)
		default:
			b.WriteRune(foldRune(c))
		}
		blank = isBlank
		i += size
	}
	return b.String()
}

// foldRune is the same for all cases of a letter.
func foldRune(r rune) rune {
	first := r
	for other := unicode.SimpleFold(r); r >= utf8.RuneSelf && other != r; other = unicode.SimpleFold(other) {
		first = min(first, other)
	}
	if first >= 'A' && first <= 'Z' {
		first += 'a' - 'A'
	}
	return first
}

// latin1 is the text in ISO 8859-1, as headers may have it, where that is another.
func latin1(text string) (string, bool) {
	var b strings.Builder
	for _, r := range text {
		if r > 0xff {
			return "", false
		}
		b.WriteByte(byte(r))
	}
	return b.String(), b.Len() != len(text)
}

// misread is the text as who takes UTF-8 for ISO 8859-1 reads it.
func misread(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// escape is one escape of URLs (%C3 %u00c3), of HTML (&amp; &#38;), of JSON, Go and other
// languages (\n \" \u0022 \x22 \042), or of a shell (a backslash before a blank or at the
// end of a line), or the beginning of one that was cut off.
var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}|%[uU][0-9A-Fa-f]{4}` +
	`|&[#0-9A-Za-z]{0,8}…|&#?[0-9A-Za-z]+;?` +
	`|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\x[0-9A-Fa-f]{2}` +
	`|\\[0-3][0-7]{2}|\\[abfnrtv]|\\[\x00-/:-@\[-\x60{-\x7f]|[%\\][#0-9A-Za-z]{0,8}…`)

// unescape undoes all escapes once. Of one that was cut off only the cut stays. What
// is no escape stays.
func unescape(text string) string {
	if !strings.ContainsAny(text, `%&\`) {
		return text
	}
	return escape.ReplaceAllStringFunc(text, unescaped)
}

func unescaped(e string) string {
	switch {
	case strings.HasSuffix(e, cutText):
		return cutText
	case e[0] == '&':
		return html.UnescapeString(e)
	case e[0] == '%' && len(e) == len("%41"):
		return string([]byte{byte(hexCode(e[1:]))})
	case e[1]|0x20 == 'u' && len(e) == len(`\ud83d\ude00`):
		return string(utf16.DecodeRune(hexCode(e[2:6]), hexCode(e[8:])))
	case e[1]|0x20 == 'u':
		return string(hexCode(e[2:]))
	case len(e) == 2 && strings.IndexByte("abfnrtv", e[1]) < 0:
		return e[1:]
	}
	plain, err := strconv.Unquote(`"` + e + `"`)
	if err != nil {
		return e
	}
	return plain
}

// hexCode is the number that hex digits write, of which there are eight at most.
func hexCode(digits string) rune {
	code, _ := strconv.ParseUint(digits, 16, 32)
	return rune(code)
}
