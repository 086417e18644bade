package collect

import (
	"hash/maphash"
	"math"
	"math/bits"
)

// mark is a hash of what a piece of a page shows: two pieces of the same families and
// servers with the same mark have the same text. Its lowest bit says whether the header of its
// first family stands in a piece before.
type mark uint64

var (
	markSeed = maphash.MakeSeed()
	markKey  = maphash.String(maphash.MakeSeed(), "") // no hash of a text
)

// add has the mark depend on two numbers more.
func (m *mark) add(a, b uint64) {
	high, low := bits.Mul64(uint64(*m)^a, b^markKey)
	*m = mark(bits.RotateLeft64(uint64(*m), 29) ^ high ^ low ^ a)
}

// markSample has the mark of the piece depend on a sample.
func (out *samples) markSample(i int, v float64, open []string) {
	out.mark.add(uint64(i), math.Float64bits(v))
	for _, value := range open {
		if value != out.marked.text || value == "" { // most come several times in a row
			out.marked.text, out.marked.hash = value, maphash.String(markSeed, value)
		}
		out.mark.add(1, out.marked.hash)
	}
}

func (m mark) ended(headerBefore bool) mark {
	m &^= 1
	if headerBefore {
		m |= 1
	}
	return m
}

// markOf is the mark of a text.
func markOf(text []byte) mark { return mark(maphash.Bytes(markSeed, text)).ended(false) }
