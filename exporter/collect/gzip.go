package collect

import (
	"encoding/binary"
	"hash/crc32"
	"hash/maphash"

	"github.com/klauspost/compress/flate"
)

// From one scrape to the next a page changes in few places. So it is compressed in
// pieces, each a DEFLATE stream that refers to nothing before it and ends at a byte
// (RFC 1951), and a piece whose text is the same is copied from the last page.
const (
	// smallestPiece is how many bytes of text a piece has at least: small ones
	// compress less well. The end of a family ends a piece.
	smallestPiece = 1 << 10
	// largestPiece is after how many bytes a piece ends within a family.
	largestPiece = 16 << 10

	// gzipHeader says DEFLATE, no name, no time, the fastest way, any system (RFC 1952).
	gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
	// lastBlock is the empty block that ends the stream.
	lastBlock = "\x01\x00\x00\xff\xff"
)

// text is an exposition before it is compressed.
type text struct {
	bytes []byte
	cuts  []int // where pieces end, but the last one
	hash  uint64
	parts []uint64 // hashes of the pieces
}

// cut ends a piece at the end of the text, if it is long enough.
func (t *text) cut(atLeast int) {
	begin := 0
	if len(t.cuts) > 0 {
		begin = t.cuts[len(t.cuts)-1]
	}
	if len(t.bytes)-begin >= atLeast {
		t.cuts = append(t.cuts, len(t.bytes))
	}
}

// pieces yields the pieces of the text (iter.Seq2).
func (t *text) pieces(yield func(n int, piece []byte) bool) {
	begin := 0
	for n, end := range t.cuts {
		if !yield(n, t.bytes[begin:end]) {
			return
		}
		begin = end
	}
	yield(len(t.cuts), t.bytes[begin:])
}

var pageSeed = maphash.MakeSeed()

// identify computes the hashes.
func (t *text) identify() {
	t.hash, t.parts = 0, t.parts[:0]
	for _, piece := range t.pieces {
		part := maphash.Bytes(pageSeed, piece)
		t.parts = append(t.parts, part)
		t.hash = t.hash*31 + part
	}
}

// compressed is a text as one gzip stream.
type compressed struct {
	bytes  []byte
	pieces map[uint64]span // by the hash of their text
}

// span is where a piece is in the stream.
type span struct{ begin, end int }

// Write implements io.Writer.
func (c *compressed) Write(p []byte) (int, error) {
	c.bytes = append(c.bytes, p...)
	return len(p), nil
}

// set makes c the stream of an identified text, with the pieces that former has; nil
// has none.
func (c *compressed) set(t *text, former *compressed) {
	c.bytes = append(c.bytes[:0], gzipHeader...)
	if c.pieces == nil {
		c.pieces = map[uint64]span{}
	}
	clear(c.pieces)
	var kept map[uint64]span
	if former != nil {
		kept = former.pieces
	}
	for n, piece := range t.pieces {
		begin := len(c.bytes)
		if same, ok := kept[t.parts[n]]; ok {
			c.bytes = append(c.bytes, former.bytes[same.begin:same.end]...)
		} else {
			_ = flate.StatelessDeflate(c, piece, false, nil) // Write takes everything
		}
		c.pieces[t.parts[n]] = span{begin, len(c.bytes)}
	}
	c.bytes = append(c.bytes, lastBlock...)
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, crc32.ChecksumIEEE(t.bytes))
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, uint32(len(t.bytes)))
}
