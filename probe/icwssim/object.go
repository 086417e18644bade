package icwssim

import (
	"encoding/json"
	"slices"
	"strconv"
)

// object is a JSON object whose properties keep their order, which is an open
// point of the protocol (protocol.md, 4) and therefore under test.
type object []property

type property struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) { return o.render(), nil }

// render returns the object as JSON. Every value in this package can be
// marshalled, so a failure is a bug.
func (o object) render() []byte {
	b := make([]byte, 0, 512)
	b = append(b, '{')
	for i, p := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), p.name...), `":`...) // names need no escape
		b = appendJSON(b, p.value)
	}
	return append(b, '}')
}

func (o object) reversed() object {
	o = slices.Clone(o)
	slices.Reverse(o)
	return o
}

// appendJSON appends v. Rendered values are taken as they are: encoding/json
// would check and compact them again, which is felt with 100,000 statuses.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case json.RawMessage:
		return append(b, v...)
	case []json.RawMessage:
		size := len(v) + 2
		for _, raw := range v {
			size += len(raw)
		}
		b = append(slices.Grow(b, size), '[')
		for i, raw := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, raw...)
		}
		return append(b, ']')
	case object:
		return append(b, v.render()...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic("icwssim: value cannot be JSON: " + err.Error())
	}
	return append(b, text...)
}
