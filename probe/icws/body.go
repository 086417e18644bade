package icws

import (
	"bufio"
	"bytes"
	"io"
	"math"
)

// bodyReader reads a body, tells who counts its bytes, and holds it to the limit.
type bodyReader struct {
	src    io.ReadCloser
	op     Operation
	left   int64
	onRead func(Operation, int) // unless nil
	// err is why the body could not be read to its end.
	err error
}

// bodyReader wraps the body of an answer. A stream has no end: its events are
// bounded one by one.
func (c *Client) bodyReader(src io.ReadCloser, op Operation) *bodyReader {
	b := &bodyReader{src: src, op: op, left: c.opts.MaxResponseBytes, onRead: c.opts.OnRead}
	if op == OpStream {
		b.left = math.MaxInt64
	}
	return b
}

// Read implements io.Reader.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	if n > 0 && b.onRead != nil {
		b.onRead(b.op, n)
	}
	b.left -= int64(n)
	switch {
	case b.left < 0:
		n, b.err = 0, errTooLarge
	case err != nil && err != io.EOF:
		b.err = err
	default:
		return n, err
	}
	return n, b.err
}

// discard reads what little is left, so that the connection can be used again,
// and closes the body.
func (b *bodyReader) discard() {
	// Whatever goes wrong here, the answer that mattered has been read.
	_, _ = io.CopyN(io.Discard, b, maxIgnoredBytes)
	b.src.Close()
}

var byteOrderMark = []byte("\ufeff")

// skipBOM drops a byte order mark, which some proxies and editors put in front.
func skipBOM(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 16)
	if head, err := b.Peek(len(byteOrderMark)); err == nil && bytes.Equal(head, byteOrderMark) {
		_, _ = b.Discard(len(byteOrderMark))
	}
	return b
}
