package collect

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// From one scrape to the next a page changes in few places. So it is made in pieces:
// what shows the same as in the last page of its form is copied from there. In a
// compressed page a piece is a DEFLATE stream that refers to nothing before it and ends
// at a byte (RFC 1951).
const (
	// smallestPiece is how many bytes of text a piece has about: small ones compress
	// less well. largestPiece is the same within a family that has many servers.
	smallestPiece = 1 << 10
	largestPiece  = 16 << 10

	// mostStored is how many bytes of new text of a page are not compressed: what changed
	// changes again, and to compress it costs more than all the rest of the page. go_* and
	// process_* are 9 kB, and change each time.
	mostStored = 24 << 10

	// gzipHeader says DEFLATE, no name, no time, the fastest way, any system (RFC 1952).
	gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
	// lastBlock is the empty block that ends the stream.
	lastBlock = "\x01\x00\x00\xff\xff"
)

// page is an exposition, plain or as one gzip stream.
type page struct {
	// text is the whole text of a plain page; of a compressed one the piece that is
	// being made.
	text   []byte
	zip    []byte
	isZip  bool
	pieces []piece

	// While it is made.
	former *page // of the same form; nil without one
	length int   // of the text
	sum    uint32
	stored int
}

// piece is a part of a page.
type piece struct {
	mark     mark // of what it shows
	end      int  // in the page; it begins at the end of the one before
	length   int  // of its text
	sum      uint32
	shift    uint32 // of its length, for the sum of the page
	isStored bool   // and not compressed
}

// begin empties the page, which keeps its space.
func (p *page) begin(former *page) {
	*p = page{text: p.text[:0], zip: p.zip[:0], isZip: p.isZip, pieces: p.pieces[:0], former: former}
	if p.isZip {
		p.zip = append(p.zip, gzipHeader...)
	}
}

// bytes are what is sent.
func (p *page) bytes() []byte {
	if p.isZip {
		return p.zip
	}
	return p.text
}

// reuse takes the next piece from the former page, when it is there and shows the same. One that
// was not compressed is made anew: it stays.
func (p *page) reuse(m mark) bool {
	same, begin := p.sameAs(m)
	if same == nil || same.isStored {
		return false
	}
	from := p.former.bytes()[begin:same.end]
	if p.isZip {
		p.zip = append(p.zip, from...)
	} else {
		p.text = append(p.text, from...)
	}
	p.note(*same)
	return true
}

// sameAs returns the piece of the former page that is at this place and has the mark,
// and where it begins there.
func (p *page) sameAs(m mark) (same *piece, begin int) {
	i := len(p.pieces)
	if p.former == nil || i >= len(p.former.pieces) || p.former.pieces[i].mark != m {
		return nil, 0
	}
	if i > 0 {
		begin = p.former.pieces[i-1].end
	} else if p.isZip {
		begin = len(gzipHeader)
	}
	return &p.former.pieces[i], begin
}

// cut ends a piece at the end of the text.
func (p *page) cut(m mark) {
	if !p.isZip {
		p.note(piece{mark: m, length: len(p.text) - p.length})
		return
	}
	n := piece{mark: m, length: len(p.text), sum: crc32.ChecksumIEEE(p.text), shift: shift(len(p.text))}
	same, _ := p.sameAs(m)
	switch stored := p.stored + n.length; {
	case n.length == 0:
	case p.former != nil && same == nil && stored <= mostStored:
		n.isStored, p.stored = true, stored
		p.zip = append(p.zip, 0, byte(n.length), byte(n.length>>8), ^byte(n.length), ^byte(n.length>>8))
		p.zip = append(p.zip, p.text...)
	default:
		_ = flate.StatelessDeflate(p, p.text, false, nil) // Write takes everything
	}
	p.text = p.text[:0]
	p.note(n)
}

// Write implements io.Writer.
func (p *page) Write(compressed []byte) (int, error) {
	p.zip = append(p.zip, compressed...)
	return len(compressed), nil
}

func (p *page) note(n piece) {
	n.end = len(p.bytes())
	p.length += n.length
	p.sum = multiply(n.shift, p.sum) ^ n.sum
	p.pieces = append(p.pieces, n)
}

// end writes the text at the end of the page, and ends it.
func (p *page) end(format Format, last *encodedFamilies) {
	if p.isZip && len(p.text) > 0 {
		p.cutText()
	}
	if !p.reuse(last.mark) {
		p.text = append(p.text, last.bytes...)
		if format == OpenMetrics {
			p.text = append(p.text, "# EOF\n"...)
		}
		p.cut(last.mark)
	}
	p.former = nil
	if !p.isZip {
		return
	}
	p.zip = append(p.zip, lastBlock...)
	p.zip = binary.LittleEndian.AppendUint32(p.zip, p.sum)
	p.zip = binary.LittleEndian.AppendUint32(p.zip, uint32(p.length))
}

// A CRC is a polynomial modulo that of IEEE, its lowest power in the highest bit. That of two
// texts in a row is that of the first, times x for each bit of the second, plus that of the second.

// squares are x, x², x⁴, and so on.
var squares = func() (list [32]uint32) {
	list[0] = 1 << 30
	for i := range list[1:] {
		list[i+1] = multiply(list[i], list[i])
	}
	return list
}()

// shift is x for each bit of so many bytes.
func shift(bytes int) uint32 {
	product := uint32(1 << 31) // 1
	for i, n := 3, bytes; n > 0; i, n = i+1, n>>1 {
		if n&1 == 1 {
			product = multiply(squares[i%len(squares)], product)
		}
	}
	return product
}

func multiply(a, b uint32) (product uint32) {
	for ; a != 0; a <<= 1 {
		if a>>31 == 1 {
			product ^= b
		}
		b = b>>1 ^ crc32.IEEE*(b&1)
	}
	return product
}
