package icwssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// writeControl answers a control request.
func writeControl(w http.ResponseWriter, result any, err error) {
	code := http.StatusOK
	if err != nil {
		code, result = http.StatusBadRequest, map[string]string{"error": err.Error()}
		if errors.Is(err, errNotFound) {
			code = http.StatusNotFound
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(appendJSON(nil, result), '\n')) // the client is gone: nothing to do
}

// decode reads the body of a control request. Its errors name the field.
func decode(r *http.Request, v any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return explain(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("body: exactly one JSON value is needed")
	}
	return nil
}

// explain says what is wrong with a body in the words of JSON, not of Go.
func explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, errDelay), errors.Is(err, errEvery), errors.As(err, new(badQuirk)):
		return err
	case errors.As(err, &wrongType) && wrongType.Field != "":
		field := strings.TrimPrefix(wrongType.Field, "plainFault.")
		return fmt.Errorf("%s: a JSON %s cannot stand here", field, wrongType.Value)
	case errors.As(err, &wrongType):
		return errors.New("body: a JSON object is needed")
	case errors.Is(err, io.EOF):
		return errors.New("body: a JSON object is needed, but the body is empty")
	}
	if field, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return fmt.Errorf("%s: unknown field", strings.Trim(field, `"`))
	}
	return fmt.Errorf("body: %w", err)
}

var (
	errDelay = errors.New(`delay: a duration such as "2s" is needed`)
	errEvery = errors.New(`every: a duration such as "2s" is needed`)
)

// plainFault is a Fault without its methods.
type plainFault Fault

// faultJSON writes durations as "2s".
type faultJSON struct {
	Delay string `json:"delay,omitempty"`
	plainFault
	Every string `json:"every,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (f Fault) MarshalJSON() ([]byte, error) {
	wire := faultJSON{plainFault: plainFault(f)}
	if f.Delay != 0 {
		wire.Delay = f.Delay.String()
	}
	if f.Every != 0 {
		wire.Every = f.Every.String()
	}
	return json.Marshal(wire)
}

// UnmarshalJSON implements json.Unmarshaler. Unknown fields are errors: a
// misspelt fault that does nothing would pass for a healthy client.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var wire faultJSON
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wire); err != nil {
		return err
	}
	*f = Fault(wire.plainFault)
	for _, d := range []struct {
		text string
		to   *time.Duration
		err  error
	}{{wire.Delay, &f.Delay, errDelay}, {wire.Every, &f.Every, errEvery}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.to, err = time.ParseDuration(d.text); err != nil {
			return d.err
		}
	}
	return nil
}

// validate returns an error that names the field which cannot be used.
func (e Edit) validate() error {
	set := 0
	for _, present := range []bool{e.Add != nil, e.Change != nil, e.Remove != nil} {
		if present {
			set++
		}
	}
	switch {
	case set != 1:
		return errors.New("exactly one of add, change and remove is needed")
	case e.Add != nil && e.Add.ID == "":
		return errors.New("add.statusId: must not be empty")
	case e.Change != nil && e.Change.ID == "":
		return errors.New("change.statusId: must not be empty")
	case e.Remove != nil && *e.Remove == "":
		return errors.New("remove: must not be empty")
	}
	return nil
}
