package catalogue

import (
	"unicode"
	"unicode/utf8"
)

// Fold returns the form of a status id under which it is looked up: ICWS ids are
// case-insensitive (protocol.md, 3.3). Every rune becomes the smallest rune of
// its simple case folding orbit, or the lower-case letter when that is A to Z;
// bytes that are not UTF-8 stay as they are. Two ids of valid UTF-8 fold to the
// same string exactly when strings.EqualFold holds. Any goroutine may call it.
func Fold(id string) string {
	return string(AppendFold(make([]byte, 0, len(id)), []byte(id)))
}

// AppendFold appends Fold of id to dst. Any goroutine may call it.
func AppendFold(dst, id []byte) []byte {
	for i, b := range id {
		if b >= utf8.RuneSelf {
			return appendFoldRunes(dst, id[i:])
		}
		dst = append(dst, lowerASCII(b))
	}
	return dst
}

func appendFoldRunes(dst, id []byte) []byte {
	for len(id) > 0 {
		r, size := utf8.DecodeRune(id)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, id[0])
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		id = id[size:]
	}
	return dst
}

// foldRune ends on the lower-case letter for A to Z, so that the Kelvin sign and
// the long s meet the k and s of the ASCII path.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least < utf8.RuneSelf {
		return rune(lowerASCII(byte(least)))
	}
	return least
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}
