package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// selection are the fields of a server that are wanted; nil is all of them.
type selection []string

// selectionOf reads the parameter fields: names with commas between. It returns an
// error for what a server does not have.
func selectionOf(fields string) (selection, error) {
	if fields == "" {
		return nil, nil
	}
	names := strings.Split(fields, ",")
	for _, name := range names {
		if !hasField(name) {
			return nil, fmt.Errorf("there is no field %q; docs/api.md has the fields of a server", name)
		}
	}
	return names, nil
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

func (s selection) has(name string) bool { return s == nil || slices.Contains(s, name) }

// indented is what is wanted of a server, as JSON in the order of the names.
func (s selection) indented(d serverDetail, prefix string) ([]byte, error) {
	if s == nil {
		return indented(d, prefix)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool { return !s.has(name) })
	return indented(members, prefix)
}
