package secret

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// encoding is a way to write bytes. So many digits make whole bytes, so a run of them
// can be read in as many ways, by where what is encoded begins.
type encoding struct {
	chars  string // its digits, and what may stand between them
	digits *strings.Replacer
	unit   int // of digits
	bits   int // of a digit
	decode func(string) ([]byte, error)
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

var encodings = []encoding{
	// Of either alphabet, and also broken into lines.
	{alphanumeric + "+-/_\r\n", strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", ""), 4, 6, base64.RawStdEncoding.DecodeString},
	// Also with separators between the bytes.
	{"0123456789abcdefABCDEF :-,", strings.NewReplacer(" ", "", ":", "", "-", "", ",", ""), 2, 4, hex.DecodeString},
}

// inEncoded looks into everything that may be encoded.
func (f *Finder) inEncoded(text string) bool {
	if f.shortest == 0 {
		return false
	}
	for _, e := range encodings {
		least := (f.shortest*8 + e.bits - 1) / e.bits
		isOther := func(r rune) bool { return r != cutRune && !strings.ContainsRune(e.chars, r) }
		for run := range strings.FieldsFuncSeq(text, isOther) {
			for part := range strings.SplitAfterSeq(run, cutText) {
				part, cut := strings.CutSuffix(part, cutText)
				if (len(part) >= least || cut) && f.inRun(e.digits.Replace(part), e, cut) {
					return true
				}
			}
		}
	}
	return false
}

func (f *Finder) inRun(run string, e encoding, cut bool) bool {
	for offset := range min(e.unit, len(run)) {
		rest := run[offset:]
		if n := len(rest) % e.unit; n*e.bits < 8 { // no whole byte
			rest = rest[:len(rest)-n]
		}
		decoded, err := e.decode(rest)
		if err == nil && f.inDecoded(string(decoded), cut) {
			return true
		}
	}
	return false
}

// inDecoded looks at what was encoded, which may have escapes of its own.
func (f *Finder) inDecoded(text string, cut bool) bool {
	if cut {
		text += cutText
	}
	for round := 0; ; round++ {
		if f.scan(fold(text), false) {
			return true
		}
		plain := unescape(text)
		if plain == text || round == rounds {
			return false
		}
		text = plain
	}
}
