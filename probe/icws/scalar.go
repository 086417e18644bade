package icws

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// appendText appends a string, or a number as it is written; null is "". Invalid
// UTF-8 is replaced.
func (d *document) appendText(b []byte) []byte {
	switch d.kind() {
	case jsontext.KindString:
		v := d.value()
		if d.err != nil {
			return b
		}
		if inner := v[1 : len(v)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return append(b, inner...)
		}
		b, _ = jsontext.AppendUnquote(b, v)
		return b
	case jsontext.KindNumber:
		return append(b, d.value()...)
	case jsontext.KindNull:
		d.token()
	default:
		d.mismatch("a string")
	}
	return b
}

func (d *document) text() string { return string(d.appendText(nil)) }

// texts reads an array of strings.
func (d *document) texts() []string {
	var list []string
	for range d.elements {
		list = append(list, d.text())
	}
	return list
}

// scalar returns any string, number or boolean as text. Anything else is skipped
// and "": it is for members whose meaning depends on one that may come later, and
// for the bodies of errors.
func (d *document) scalar() string {
	switch d.kind() {
	case jsontext.KindString, jsontext.KindNumber:
		return d.text()
	case jsontext.KindTrue, jsontext.KindFalse:
		return string(d.value())
	default:
		d.skip()
		return ""
	}
}

// boolean reads true, false or a string that says so; null is false.
func (d *document) boolean() bool {
	switch d.kind() {
	case jsontext.KindTrue:
		d.token()
		return true
	case jsontext.KindFalse, jsontext.KindNull:
		d.token()
		return false
	case jsontext.KindString:
		switch v := d.value(); {
		case bytes.EqualFold(v, []byte(`"true"`)):
			return true
		case bytes.EqualFold(v, []byte(`"false"`)):
			return false
		}
		d.fail(fmt.Errorf("a string that is no boolean after %q", d.dec.StackPointer()))
	default:
		d.mismatch("a boolean")
	}
	return false
}

// integer reads a whole number or a string that holds one; null is 0.
func (d *document) integer() int {
	text := d.text()
	if d.err != nil || text == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		d.fail(fmt.Errorf("no whole number after %q", d.dec.StackPointer()))
	}
	return n
}
