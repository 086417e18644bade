package secret

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// slowly is the specification of a Finder for one secret, in the plainest code: all
// that the standard library makes of a text, and the secret somewhere in it.
func slowly(text, secret string) bool {
	wanted := map[string]bool{}
	for round, s := 0, secret; round <= rounds; round, s = round+1, slowlyUnescaped(s) {
		wanted[strings.Trim(slowlyFolded(s), " ")] = true
	}
	if short, ok := latin1(secret); ok {
		wanted[strings.Trim(slowlyFolded(short), " ")] = true
	}
	characters := ""
	for i := range len(secret) {
		characters += string(rune(secret[i]))
	}
	wanted[strings.Trim(slowlyFolded(characters), " ")] = true
	for range rounds + 1 {
		for want := range wanted {
			if contains(slowlyFolded(text), want) || len(want) >= wordBytes && encodedIn(text, want) {
				return true
			}
		}
		text = slowlyUnescaped(text)
	}
	return false
}

func contains(text, want string) bool {
	if want == "" {
		return false
	}
	for i := 0; i+len(want) <= len(text); i++ {
		if text[i:i+len(want)] != want {
			continue
		}
		inWord := len(want) < wordBytes &&
			(i > 0 && isLetter(text[i-1]) && isLetter(want[0]) || i+len(want) < len(text) && isLetter(text[i+len(want)]) && isLetter(want[len(want)-1]))
		if !inWord {
			return true
		}
	}
	for at := range len(text) {
		for n := partBytes; n < len(want) && text[at] == cutMark[0]; n++ {
			if strings.HasSuffix(text[:at], want[:n]) {
				return true
			}
		}
	}
	return false
}

var (
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-][A-Za-z0-9+/_\r\n-]*`)
	hexRun    = regexp.MustCompile(`[0-9A-Fa-f][0-9A-Fa-f :,-]*`)
)

func encodedIn(text, want string) bool {
	var decoded []string
	for _, run := range base64Run.FindAllString(text, -1) {
		run = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "").Replace(run)
		for offset := range min(4, len(run)) {
			whole := run[offset:]
			if len(whole)%4 == 1 {
				whole = whole[:len(whole)-1]
			}
			plain, err := base64.RawStdEncoding.DecodeString(whole)
			if err != nil {
				panic(err)
			}
			decoded = append(decoded, string(plain))
		}
	}
	for _, run := range hexRun.FindAllString(text, -1) {
		run = strings.NewReplacer(" ", "", ":", "", "-", "", ",", "").Replace(run)
		for offset := range min(2, len(run)) {
			whole := run[offset:]
			plain, err := hex.DecodeString(whole[:len(whole)/2*2])
			if err != nil {
				panic(err)
			}
			decoded = append(decoded, string(plain))
		}
	}
	for _, plain := range decoded {
		for range rounds + 1 {
			if contains(slowlyFolded(plain), want) {
				return true
			}
			plain = slowlyUnescaped(plain)
		}
	}
	return false
}

func slowlyFolded(text string) string {
	var b strings.Builder
	for _, part := range regexp.MustCompile(`(?s).`).FindAllString(text, -1) {
		r := []rune(part)[0]
		switch {
		case r == unicode.ReplacementChar && len(part) == 1:
			b.WriteString(part)
		case part == cutText:
			b.WriteString(cutMark)
		case r == '+' || r == ' ' || r != unicode.ReplacementChar && !unicode.IsPrint(r):
			if !strings.HasSuffix(b.String(), " ") {
				b.WriteByte(' ')
			}
		default:
			b.WriteRune(slowlyFoldedRune(r))
		}
	}
	return b.String()
}

// slowlyFoldedRune is the first of all characters that are the same letter.
func slowlyFoldedRune(r rune) rune {
	if first, known := firstOfLetter.Load(r); known {
		return first.(rune)
	}
	first := rune(0)
	for first < r && !strings.EqualFold(string(first), string(r)) {
		first++
	}
	if first < unicode.MaxASCII {
		first = unicode.ToLower(first)
	}
	firstOfLetter.Store(r, first)
	return first
}

var firstOfLetter sync.Map

var escapes = regexp.MustCompile(`%[0-9A-Fa-f]{2}|%[uU][0-9A-Fa-f]{4}|&#?[A-Za-z0-9]+;?|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\x[0-9A-Fa-f]{2}|\\[0-3][0-7]{2}|\\[abfnrtv]|\\[!-/:-@\[-\x60{-~]`)

func slowlyUnescaped(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(e string) string {
		switch {
		case e[0] == '%' && e[1]|0x20 == 'u':
			return html.UnescapeString("&#x" + e[2:] + ";")
		case e[0] == '%':
			plain, _ := url.PathUnescape(e)
			return plain
		case e[0] == '&':
			return html.UnescapeString(e)
		case e[1] >= '!' && e[1] <= '/' || e[1] >= ':' && e[1] <= '@' || e[1] >= '[' && e[1] <= '`' || e[1] >= '{':
			return e[1:]
		default:
			plain, err := strconv.Unquote(`"` + e + `"`)
			if err != nil {
				return e
			}
			return plain
		}
	})
}

// Every text in every spelling that a fuzzer thinks of: the finder says what the
// specification says, and finds what was spelled by the encoders.
func FuzzFinder(f *testing.F) {
	f.Add("contact", "cic-b.", ".example.com", uint16(0))
	f.Add(hostile, "your password is ", "", uint16(0x321))
	f.Add("a", " ", " ", uint16(7))
	f.Add("AAAAAAAB", "AAAAAAAAAAAA", "%41", uint16(0x44))
	f.Fuzz(func(t *testing.T, secret, before, after string, how uint16) {
		if len(secret) > 64 || len(before)+len(after) > 256 {
			return
		}
		secret = strings.ToValidUTF8(secret, "?")
		finder := NewFinder([]Text{New(secret)}, nil)
		for _, text := range []string{before, after, before + after} {
			if got, want := finder.In(text), slowly(text, secret); got != want && !ambiguous(text+secret) {
				t.Fatalf("%q in %q: %v, and slowly %v", secret, text, got, want)
			}
		}
		if len(strings.Trim(slowlyFolded(secret), " ")) < wordBytes || strings.Contains(secret, cutText) {
			return
		}
		written := encoders[int(how&0xf)%len(encoders)](secret)
		if !finder.In(" " + written + " ") {
			t.Fatalf("%q written as %q is not found", secret, written)
		}
		twice := encoders[int(how>>4&0xf)%4](written)
		if !ambiguous(secret) && !finder.In(" "+twice+" ") {
			t.Fatalf("%q written as %q, and that as %q, is not found", secret, written, twice)
		}
	})
}

// ambiguous are texts that the specification reads in another order than the finder,
// such as the end of one escape that is the beginning of another.
func ambiguous(text string) bool { return strings.Contains(text, cutText) }

var encoders = []func(string) string{
	func(s string) string { return s },
	url.QueryEscape,
	html.EscapeString,
	func(s string) string { q := strconv.QuoteToASCII(s); return q[1 : len(q)-1] },
	func(s string) string { return everyByte(s, "%%%02X") },
	func(s string) string { return each(s, "&#x%X;") },
	func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s)) },
	func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("xy" + s + "z")) },
	func(s string) string { return fmt.Sprintf("%X", s) },
}

// A look takes time in proportion to the text, whatever stands in it.
func BenchmarkFinder(b *testing.B) {
	var secrets []Text
	for i := range 24 {
		secrets = append(secrets, New(fmt.Sprintf("%d-5b0c4711-aaaa-%04d|languageId=en-us", i, i)))
	}
	finder := NewFinder(append(secrets, New(hostile), New(strings.Repeat("a", 4000)+"b")), nil)
	for name, unit := range map[string]string{
		"log":        "connect: the server answered 500 (Internal Server Error), error.request.x: Object reference not set; ",
		"nearly":     "aaaaaaaaaaaaaaaa",
		"percent":    "%2525%32%35",
		"entities":   "&#97;&amp;amp;&&#",
		"backslash":  `\\\u005c\\`,
		"base64":     "YWFhYWFhYWFhYWFh",
		"hex":        "6161616161616161",
		"halfway":    "5b0c4711-aaaa-0001|languageId=",
		"characters": "päßwörd",
	} {
		for _, size := range []int{1 << 10, 64 << 10} {
			text := strings.Repeat(unit, size/len(unit))
			b.Run(fmt.Sprintf("%s/%dk", name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if finder.In(text) {
						b.Fatal("found")
					}
				}
			})
		}
	}
}
