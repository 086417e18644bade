package api

import (
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

// of returns what is wanted of a JSON value: of an object its members, of an array those
// of its elements.
func (s selection) of(value json.RawMessage) any {
	var members map[string]json.RawMessage
	var elements []json.RawMessage
	switch {
	case len(s) == 0:
		return value
	case json.Unmarshal(value, &members) == nil && members != nil: // not null
		chosen := map[string]any{}
		for name, part := range s {
			if member, has := members[name]; has {
				chosen[name] = part.of(member)
			}
		}
		return chosen
	case json.Unmarshal(value, &elements) == nil:
		chosen := make([]any, len(elements))
		for i := range elements {
			chosen[i] = s.of(elements[i])
		}
		return chosen
	default:
		return value
	}
}
