package secret

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// rounds is how many escapes within each other are undone.
	rounds = 3
	// cutMark stands for the … where a text was cut. Nothing else folds to it.
	cutMark = 0
	cutText = "…"
)

// fold returns the text in the form in which texts and secrets are compared: letters
// in one case, and every run of blanks, control characters and + (a blank in a URL)
// as one blank.
func fold(text string) []byte {
	dst := make([]byte, 0, len(text))
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
			dst = append(dst, ' ')
		case c == utf8.RuneError && size == 1:
			dst = append(dst, text[i])
		case c == '…':
			dst = append(dst, cutMark)
		default:
			dst = utf8.AppendRune(dst, foldRune(c))
		}
		blank = isBlank
		i += size
	}
	return dst
}

// foldRune is the same for all cases of a letter.
func foldRune(r rune) rune {
	if r >= utf8.RuneSelf {
		first := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			first = min(first, other)
		}
		r = first
	}
	if r >= 'A' && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

func trimBlanks(folded []byte) []byte {
	for len(folded) > 0 && folded[0] == ' ' {
		folded = folded[1:]
	}
	for len(folded) > 0 && folded[len(folded)-1] == ' ' {
		folded = folded[:len(folded)-1]
	}
	return folded
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

// unescape undoes, once, the escapes of URLs (%C3), of HTML (&amp; &#38;) and of
// JSON, Go and other languages (\n \" \u0022 \x22 \042). An escape that was cut off
// is dropped. What is no escape stays.
func unescape(text string) string {
	if !strings.ContainsAny(text, `%&\`) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); {
		plain, size := "", 0
		switch text[i] {
		case '%':
			plain, size = unpercent(text[i:])
		case '&':
			plain, size = unentity(text[i:])
		case '\\':
			plain, size = unbackslash(text[i:])
		}
		if size == 0 {
			plain, size = text[i:i+1], 1
		}
		b.WriteString(plain)
		i += size
	}
	return b.String()
}

// cutEscape is the size of an escape that is followed by the mark of a cut.
func cutEscape(text string) int {
	const most = 10
	for i := 1; i < min(len(text), most); i++ {
		if strings.HasPrefix(text[i:], cutText) {
			return i
		}
		if c := text[i] | 0x20; c != '#'|0x20 && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return 0
		}
	}
	return 0
}

func unpercent(text string) (plain string, size int) {
	if code, ok := hexCode(text, 1, 2); ok {
		return string([]byte{byte(code)}), 3
	}
	if code, ok := hexCode(text, 2, 4); ok && text[1]|0x20 == 'u' {
		return string(code), 6
	}
	return "", cutEscape(text)
}

func unentity(text string) (plain string, size int) {
	const most = 40 // the longest name has 31 letters
	size = 1
	for size < min(len(text), most) && (isLetter(text[size]|0x20) && text[size] < utf8.RuneSelf || text[size] == '#') {
		size++
	}
	if cut := cutEscape(text); cut > 0 {
		return "", cut
	}
	if size < len(text) && text[size] == ';' {
		size++
	}
	if plain = html.UnescapeString(text[:size]); plain == text[:size] {
		return "", 0
	}
	return plain, size
}

func unbackslash(text string) (plain string, size int) {
	if len(text) < 2 {
		return "", 0
	}
	switch c := text[1]; {
	case strings.IndexByte("abfnrtv", c) >= 0:
		return "\n", 2 // all of them fold to a blank
	case c == 'x':
		if code, ok := hexCode(text, 2, 2); ok {
			return string([]byte{byte(code)}), 4
		}
	case c == 'u':
		return unUTF16(text)
	case c == 'U':
		if code, ok := hexCode(text, 2, 8); ok {
			return string(code), 10
		}
	case c >= '0' && c <= '3' && len(text) >= 4 && isOctal(text[2]) && isOctal(text[3]):
		return string([]byte{(c-'0')<<6 | (text[2]-'0')<<3 | (text[3] - '0')}), 4
	case c < utf8.RuneSelf && !isLetter(c|0x20):
		return text[1:2], 2
	}
	return "", cutEscape(text)
}

// unUTF16 reads \u0022, and two of them where they make one character.
func unUTF16(text string) (plain string, size int) {
	high, ok := hexCode(text, 2, 4)
	if !ok {
		return "", cutEscape(text)
	}
	if high&^0x3ff == 0xd800 && len(text) > 7 && text[6] == '\\' && text[7] == 'u' {
		if low, ok := hexCode(text, 8, 4); ok && low&^0x3ff == 0xdc00 {
			return string((high&0x3ff)<<10 | low&0x3ff + 0x10000), 12
		}
	}
	return string(high), 6
}

// hexCode reads size hex digits at a place of the text.
func hexCode(text string, at, size int) (code rune, ok bool) {
	if len(text) < at+size {
		return 0, false
	}
	for i := range size {
		digit, ok := hexDigit(text[at+i])
		if !ok {
			return 0, false
		}
		code = code<<4 | rune(digit)
	}
	return code, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	default:
		return 0, false
	}
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }
