package icws

import (
	"bytes"
	"io"
	"sync"
)

const (
	// idleBufferBytes is what a silent stream keeps: enough for pings and small events.
	idleBufferBytes = 512
	// eventBufferBytes is what long events are read with.
	eventBufferBytes = 4 << 10
)

var eventBuffers = sync.Pool{New: func() any { return new([eventBufferBytes]byte) }}

// eventReader reads a text/event-stream (protocol.md, 3.2; the framing is that of
// the HTML standard). Next moves to an event, Read then hands its data out as it
// arrives, so that nothing of an event is stored here. An event whose data is
// empty is none. Next and Read belong to one goroutine at a time.
type eventReader struct {
	src    io.Reader
	limit  int64 // of the data of one event, and of one line that is not data
	onPing func()

	idle     [idleBufferBytes]byte
	event    *[eventBufferBytes]byte // nil when there is not so much to read
	buf      []byte                  // what was read: pos and end are in it
	pos, end int

	started bool
	afterCR bool // a \n that follows belongs to the line end already seen
	inEvent bool // Read has data to give: pos is in a data line
	inData  bool // a data line came since the last blank line
	size    int64
	err     error // the first error ends the stream
}

func newEventReader(src io.Reader, limit int64, onPing func()) *eventReader {
	return &eventReader{src: src, limit: limit, onPing: onPing}
}

// lineKind is what a line is, as far as it has been read.
type lineKind uint8

const (
	lineBlank lineKind = iota
	lineData           // read up to its value
	lineOther          // read whole
)

// Next waits for the next event with data and skips what is left of the last one.
// It returns io.EOF when the stream ends between events, io.ErrUnexpectedEOF when
// it ends inside one.
func (r *eventReader) Next() error {
	if r.inEvent {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
	if !r.started {
		r.started = true
		if err := r.skipBOM(); err != nil {
			return err
		}
	}
	for {
		kind, err := r.line()
		if err != nil {
			return err
		}
		if kind != lineData {
			continue
		}
		empty, err := r.lineEnds()
		if err != nil {
			return err
		}
		if !empty {
			r.inEvent, r.size = true, 0
			return nil
		}
	}
}

// Read implements io.Reader for the data of the event that Next found; io.EOF is
// the blank line that ends it.
func (r *eventReader) Read(p []byte) (int, error) {
	if !r.inEvent {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if _, err := r.peek(); err != nil {
		return 0, err
	}
	chunk := r.buf[r.pos:r.end]
	chunk = chunk[:min(len(chunk), len(p))]
	if n := untilLineEnd(chunk); n > 0 {
		copy(p, chunk[:n])
		r.pos += n
		return n, r.grow(n)
	}
	more, err := r.nextDataLine()
	if err != nil {
		return 0, err
	}
	if !more {
		r.inEvent = false
		return 0, io.EOF
	}
	p[0] = '\n'
	return 1, r.grow(1)
}

// nextDataLine goes from the end of a data line to the value of the next one, or
// to the end of the event.
func (r *eventReader) nextDataLine() (bool, error) {
	if _, err := r.lineEnds(); err != nil {
		return false, err
	}
	for {
		kind, err := r.line()
		if err != nil || kind == lineBlank {
			return false, err
		}
		if kind == lineData {
			return true, nil
		}
	}
}

func (r *eventReader) grow(n int) error {
	r.size += int64(n)
	if r.size > r.limit {
		return r.fail(errTooLarge)
	}
	return nil
}

// line reads the start of a line: all of it, unless it is a data line.
func (r *eventReader) line() (lineKind, error) {
	ends, err := r.lineEnds()
	if err != nil {
		return 0, err
	}
	if ends {
		r.inData = false
		return lineBlank, nil
	}
	for _, want := range []byte("data") {
		c, err := r.peek()
		if err != nil {
			return 0, err
		}
		if c != want {
			return lineOther, r.skipLine(c == ':' && want == 'd')
		}
		r.pos++
	}
	c, err := r.peek()
	switch {
	case err != nil:
		return 0, err
	case c == '\n' || c == '\r':
		r.inData = true
		return lineData, nil
	case c != ':':
		return lineOther, r.skipLine(false)
	}
	r.pos++
	r.inData = true
	c, err = r.peek()
	if err == nil && c == ' ' {
		r.pos++
	}
	return lineData, err
}

// lineEnds reports whether the next character is a line end, and reads it then.
func (r *eventReader) lineEnds() (bool, error) {
	c, err := r.peek()
	if err != nil || c != '\n' && c != '\r' {
		return false, err
	}
	r.pos++
	r.afterCR = c == '\r'
	return true, nil
}

// skipLine reads the rest of a line without storing it.
func (r *eventReader) skipLine(comment bool) error {
	for size := int64(0); ; {
		ends, err := r.lineEnds()
		if err != nil {
			return err
		}
		if ends {
			if comment && r.onPing != nil {
				r.onPing()
			}
			return nil
		}
		n := untilLineEnd(r.buf[r.pos:r.end])
		r.pos += n
		if size += int64(n); size > r.limit {
			return r.fail(errTooLarge)
		}
	}
}

func (r *eventReader) skipBOM() error {
	for i, want := range byteOrderMark {
		c, err := r.peek()
		if err != nil {
			return err
		}
		if c != want {
			if i == 0 {
				return nil
			}
			return r.skipLine(false) // no field has such a name
		}
		r.pos++
	}
	return nil
}

// peek returns the next character.
func (r *eventReader) peek() (byte, error) {
	for {
		if r.pos == r.end {
			if err := r.fill(); err != nil {
				return 0, err
			}
		}
		c := r.buf[r.pos]
		if !r.afterCR || c != '\n' {
			r.afterCR = false
			return c, nil
		}
		r.afterCR = false
		r.pos++
	}
}

func (r *eventReader) fill() error {
	if r.err != nil {
		return r.err
	}
	const patience = 100
	for range patience {
		r.chooseBuffer()
		n, err := r.src.Read(r.buf)
		if n > 0 {
			r.pos, r.end = 0, n
			return nil // an error comes again
		}
		if err == io.EOF && r.inData {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return r.fail(err)
		}
	}
	return r.fail(io.ErrNoProgress)
}

// chooseBuffer takes a larger buffer after a read that filled the one before, and
// gives it back after one that did not: a stream that waits needs none.
func (r *eventReader) chooseBuffer() {
	switch filled := len(r.buf) > 0 && r.end == len(r.buf); {
	case !filled:
		r.release()
		r.buf = r.idle[:]
	case r.event == nil:
		r.event = eventBuffers.Get().(*[eventBufferBytes]byte)
		r.buf = r.event[:]
	}
}

func (r *eventReader) release() {
	if r.event != nil {
		eventBuffers.Put(r.event)
		r.event, r.buf = nil, nil
	}
}

func (r *eventReader) fail(err error) error {
	r.err = err
	r.pos, r.end = 0, 0
	r.release()
	return err
}

// untilLineEnd is how many bytes come before the first line end.
func untilLineEnd(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	if i := bytes.IndexByte(b, '\r'); i >= 0 {
		b = b[:i]
	}
	return len(b)
}
