package icws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errEmptyAnswer = errors.New("the answer is empty")
	errTrailing    = errors.New("the answer goes on after its JSON document")
	errNoVersion   = errors.New("the answer names no version")
)

// maxKeptBuffer bounds what a document or reader keeps from one use to the next.
const maxKeptBuffer = 64 << 10

// document reads one JSON document from the wire, value by value. Its first error
// sticks: every later call does nothing and returns zero, so that callers ask for
// the error once, at the end.
type document struct {
	dec  *jsontext.Decoder
	err  error
	name []byte // reused from value to value
}

var documents = sync.Pool{New: func() any {
	return &document{dec: jsontext.NewDecoder(noInput{})}
}}

type noInput struct{}

func (noInput) Read([]byte) (int, error) { return 0, io.EOF }

// newDocument starts reading. One bad character must not cost a whole list, and a
// server may name a member twice, so both are allowed.
func newDocument(r io.Reader) *document {
	d := documents.Get().(*document)
	d.err = nil
	d.dec.Reset(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return d
}

// release gives the document back. Nothing that it returned as bytes may be used
// afterwards.
func (d *document) release() {
	d.dec.Reset(noInput{})
	if cap(d.dec.UnreadBuffer())+cap(d.name) <= maxKeptBuffer {
		documents.Put(d)
	}
}

// fail sets the error, unless there is one.
func (d *document) fail(err error) {
	if d.err != nil || err == nil {
		return
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		// Not the whole of it: its pointer quotes the answer.
		err = fmt.Errorf("no valid JSON after byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	d.err = err
}

func (d *document) mismatch(want string) {
	if d.err == nil {
		d.fail(fmt.Errorf("%s found after %q where %s belongs", d.dec.PeekKind(), d.dec.StackPointer(), want))
	}
}

// end returns the error, also when something follows the document.
func (d *document) end() error {
	if d.err != nil {
		return d.err
	}
	switch _, err := d.dec.ReadToken(); {
	case err == nil:
		d.fail(errTrailing)
	case !errors.Is(err, io.EOF):
		d.fail(err)
	}
	return d.err
}

// empty reports whether there is no document at all.
func (d *document) empty() bool {
	if d.err != nil || d.dec.PeekKind() != jsontext.KindInvalid {
		return false
	}
	_, err := d.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return true
	}
	d.fail(err)
	return false
}

// kind is the kind of the next value, KindInvalid after an error.
func (d *document) kind() jsontext.Kind {
	if d.err != nil {
		return jsontext.KindInvalid
	}
	k := d.dec.PeekKind()
	if k == jsontext.KindInvalid {
		_, err := d.dec.ReadToken()
		if errors.Is(err, io.EOF) {
			err = errEmptyAnswer
		}
		d.fail(err)
	}
	return k
}

// value reads the next value as it is written.
func (d *document) value() []byte {
	if d.err != nil {
		return nil
	}
	v, err := d.dec.ReadValue()
	d.fail(err)
	return v
}

func (d *document) skip() {
	if d.err == nil {
		d.fail(d.dec.SkipValue())
	}
}

func (d *document) token() {
	if d.err == nil {
		_, err := d.dec.ReadToken()
		d.fail(err)
	}
}

// null reports whether the next value is null, and reads it then.
func (d *document) null() bool {
	if d.kind() != jsontext.KindNull {
		return false
	}
	d.token()
	return true
}

// members ranges over the names of an object; the loop's body has to read or skip
// each value. A name is valid until then.
func (d *document) members(yield func(name []byte) bool) {
	if d.kind() != jsontext.KindBeginObject {
		d.mismatch("an object")
		return
	}
	d.token()
	for d.kind() != jsontext.KindEndObject && d.err == nil {
		name := d.value()
		if d.err != nil {
			return
		}
		if bytes.IndexByte(name, '\\') < 0 {
			name = name[1 : len(name)-1]
		} else {
			d.name, _ = jsontext.AppendUnquote(d.name[:0], name)
			name = d.name
		}
		if !yield(name) {
			return
		}
	}
	d.token()
}

// object reads an object: the value of each member that has a reader is read by it, any
// other is skipped.
func (d *document) object(readers map[string]func()) {
	for name := range d.members {
		if read, known := readers[string(name)]; known {
			read()
		} else {
			d.skip()
		}
	}
}

// elements ranges over the elements of an array; the loop's body has to read or
// skip each. null is an array without elements.
func (d *document) elements(yield func() bool) {
	if d.null() {
		return
	}
	if d.kind() != jsontext.KindBeginArray {
		d.mismatch("an array")
		return
	}
	d.token()
	for d.kind() != jsontext.KindEndArray && d.err == nil {
		if !yield() {
			return
		}
	}
	d.token()
}
