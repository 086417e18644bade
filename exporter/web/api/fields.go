package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// selection is which members of an object are wanted: a tree by their names, in
// which an empty one is the whole member. The nil selection is everything.
type selection map[string]selection

// selectionOf reads the parameter fields: paths with dots, with commas between. It
// returns an error for what a server does not have.
func selectionOf(fields string) (selection, error) {
	if fields == "" {
		return nil, nil
	}
	chosen := selection{}
	for path := range strings.SplitSeq(fields, ",") {
		first, _, _ := strings.Cut(path, ".")
		if !hasField(first) {
			return nil, fmt.Errorf("there is no field %q; docs/api.md has the fields of a server", path)
		}
		at := chosen
		for name := range strings.SplitSeq(path, ".") {
			if at[name] == nil {
				at[name] = selection{}
			}
			at = at[name]
		}
	}
	return chosen, nil
}

func hasField(name string) bool {
	of := reflect.TypeFor[serverDetail]()
	for i := range of.NumField() {
		if tag, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); tag == name {
			return true
		}
	}
	return false
}

// from returns the members of a JSON value that are wanted, in their order: of an
// object its own, of an array those of its elements.
func (s selection) from(value json.RawMessage) (json.RawMessage, error) {
	if len(s) == 0 || len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return value, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	open, end := value[0], byte('}')
	if open == '[' {
		end = ']'
	}
	out := []byte{open}
	for decoder.More() {
		part, within := s, true
		var name []byte
		if open == '{' {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			part, within = s[key.(string)]
			if name, err = json.Marshal(key); err != nil {
				return nil, err
			}
			name = append(name, ':')
		}
		var member json.RawMessage
		if err := decoder.Decode(&member); err != nil {
			return nil, err
		}
		if !within {
			continue
		}
		member, err := part.from(member)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, name...), member...)
	}
	return append(out, end), nil
}
