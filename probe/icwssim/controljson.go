package icwssim

import (
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

// decode reads one JSON value. A misspelt field is an error: a fault that does
// nothing would pass for a healthy client. The errors name the field.
func decode(r io.Reader, v any) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return explain(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("body: exactly one JSON value is needed")
	}
	return nil
}

// embedded are the structs that are embedded in one that is decoded.
var embedded = strings.NewReplacer("plainFault.", "", "UserQuirks.", "")

// explain says what is wrong with a body in the words of JSON, not of Go.
func explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fmt.Errorf("%s: a JSON %s cannot stand here", embedded.Replace(wrongType.Field), wrongType.Value)
	case errors.As(err, &wrongType), errors.Is(err, io.EOF):
		return errors.New("body: a JSON object is needed")
	}
	if field, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return fmt.Errorf("%s: unknown field", strings.Trim(field, `"`))
	}
	return fmt.Errorf("body: %w", err)
}

// plainFault is a Fault without its methods.
type plainFault Fault

// faultJSON is a Fault as it is written.
type faultJSON struct {
	Delay Period `json:"delay,omitzero"`
	*plainFault
	Every Period `json:"every,omitzero"`
}

// MarshalJSON implements json.Marshaler.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{Period(f.Delay), (*plainFault)(&f), Period(f.Every)})
}

// ReadFault reads a fault from JSON. The errors name the field that cannot be used.
func ReadFault(r io.Reader) (Fault, error) {
	var f Fault
	wire := faultJSON{plainFault: (*plainFault)(&f)}
	if err := decode(r, &wire); err != nil {
		return Fault{}, err
	}
	f.Delay, f.Every = time.Duration(wire.Delay), time.Duration(wire.Every)
	return f, f.Validate()
}
