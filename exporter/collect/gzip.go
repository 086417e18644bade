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

// text is an exposition, or as much of it as is not compressed yet.
type text struct {
	bytes []byte
	zip   *compressed // takes the pieces; nil: the text stays as it is
}

// cut ends a piece at the end of the text, if it is long enough.
func (t *text) cut(atLeast int) {
	if t.zip != nil && len(t.bytes) >= atLeast {
		t.zip.add(t.bytes)
		t.bytes = t.bytes[:0]
	}
}

var pageSeed = maphash.MakeSeed()

// compressed is a text as one gzip stream.
type compressed struct {
	bytes  []byte
	pieces map[uint64]span // by the hash of their text

	// While it is made.
	former *compressed // has pieces that may be the same; nil has none
	length int         // of the text
	sum    uint32
}

// span is where a piece is in the stream.
type span struct{ begin, end int }

// Write implements io.Writer.
func (c *compressed) Write(p []byte) (int, error) {
	c.bytes = append(c.bytes, p...)
	return len(p), nil
}

func (c *compressed) begin(former *compressed) {
	if c.pieces == nil {
		c.pieces = map[uint64]span{}
	}
	clear(c.pieces)
	*c = compressed{bytes: append(c.bytes[:0], gzipHeader...), pieces: c.pieces, former: former}
}

func (c *compressed) add(piece []byte) {
	c.length += len(piece)
	c.sum = crc32.Update(c.sum, crc32.IEEETable, piece)
	hash, begin := maphash.Bytes(pageSeed, piece), len(c.bytes)
	same, ok := span{}, false
	if c.former != nil {
		same, ok = c.former.pieces[hash]
	}
	if ok {
		c.bytes = append(c.bytes, c.former.bytes[same.begin:same.end]...)
	} else {
		_ = flate.StatelessDeflate(c, piece, false, nil) // Write takes everything
	}
	c.pieces[hash] = span{begin, len(c.bytes)}
}

func (c *compressed) end() {
	c.bytes = append(c.bytes, lastBlock...)
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, c.sum)
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, uint32(c.length))
	c.former = nil
}
