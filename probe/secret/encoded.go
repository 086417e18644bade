package secret

import "strings"

// inBase64 looks into everything that may be base64, of either alphabet and also
// where it is broken into lines. Four characters make three bytes, so a run can be
// read in four ways, by where what is encoded begins.
func (f *Finder) inBase64(text string) bool {
	if f.shortest == 0 {
		return false
	}
	least := (f.shortest*8 + 5) / 6
	var run []byte
	for i := 0; i <= len(text); i++ {
		if i < len(text) {
			if v, ok := base64Value(text[i]); ok {
				run = append(run, v)
				continue
			}
			if len(run) > 0 && (text[i] == '\r' || text[i] == '\n') {
				continue
			}
		}
		if cut := isCut(text, i); len(run) >= least || cut {
			for offset := range min(4, len(run)) {
				if f.inDecoded(unbase64(run[offset:]), cut) {
					return true
				}
			}
		}
		run = run[:0]
	}
	return false
}

func base64Value(c byte) (byte, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A', true
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26, true
	case c >= '0' && c <= '9':
		return c - '0' + 52, true
	case c == '+' || c == '-':
		return 62, true
	case c == '/' || c == '_':
		return 63, true
	default:
		return 0, false
	}
}

// unbase64 makes whole bytes of values of six bits.
func unbase64(values []byte) []byte {
	decoded := make([]byte, 0, len(values)*6/8)
	bits, held := 0, uint(0)
	for _, v := range values {
		held, bits = held<<6|uint(v), bits+6
		if bits >= 8 {
			bits -= 8
			decoded = append(decoded, byte(held>>bits))
		}
	}
	return decoded
}

// inHex looks into everything that may be hex, also with separators between the
// bytes. A run can be read in two ways.
func (f *Finder) inHex(text string) bool {
	if f.shortest == 0 {
		return false
	}
	var run []byte
	for i := 0; i <= len(text); i++ {
		if i < len(text) {
			if v, ok := hexDigit(text[i]); ok {
				run = append(run, v)
				continue
			}
			if len(run) > 0 && strings.IndexByte(" :-,", text[i]) >= 0 {
				continue
			}
		}
		if cut := isCut(text, i); len(run) >= 2*f.shortest || cut {
			for offset := range min(2, len(run)) {
				if f.inDecoded(unhex(run[offset:]), cut) {
					return true
				}
			}
		}
		run = run[:0]
	}
	return false
}

func unhex(digits []byte) []byte {
	decoded := make([]byte, len(digits)/2)
	for i := range decoded {
		decoded[i] = digits[2*i]<<4 | digits[2*i+1]
	}
	return decoded
}

// isCut reports whether what is encoded was cut off before i.
func isCut(text string, i int) bool { return strings.HasPrefix(text[i:], cutText) }

// inDecoded looks at what was encoded, which may have escapes of its own.
func (f *Finder) inDecoded(decoded []byte, cut bool) bool {
	text := string(decoded)
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
