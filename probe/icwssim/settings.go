package icwssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are all that --quirk and /-/sim/quirks can set.
type settings struct {
	Quirks
	limits
}

// limits returns the limits of o, whose defaults are filled in.
func (o *Options) limits() limits {
	return limits{Period(o.SessionIdle), Period(max(0, o.PingInterval)), o.MaxSessionsPerUser}
}

func (o Options) settings() settings {
	o = o.withDefaults()
	return settings{o.Quirks.withDefaults(), o.limits()}
}

// SetQuirk sets one quirk, or one of SessionIdle, PingInterval and
// MaxSessionsPerUser, from a text like "second-stream=refused", or "no-resend"
// for "no-resend=true". GET /-/sim/ lists all. The error names the quirk and what
// is expected; o is then as it was.
func (o *Options) SetQuirk(text string) error {
	name, value, given := strings.Cut(text, "=")
	now := o.settings()
	if field, found := settingsFields[name]; found && !given {
		if field.Type.Kind() != reflect.Bool {
			return fmt.Errorf("%s: a value is needed, as in %s=%v", name, name, reflect.ValueOf(now).FieldByIndex(field.Index))
		}
		value = "true"
	}
	if err := now.set(name, value); err != nil {
		return err
	}
	o.Quirks, o.SessionIdle, o.MaxSessionsPerUser = now.Quirks, time.Duration(now.SessionIdle), now.MaxSessionsPerUser
	if o.PingInterval = time.Duration(now.PingInterval); o.PingInterval == 0 {
		o.PingInterval = -1 // 0 would be the default
	}
	return nil
}

// settingsFields are the fields of settings by their names.
var settingsFields = func() map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		if !f.Anonymous {
			fields[f.Tag.Get("json")] = f
		}
	}
	return fields
}()

// set sets what is called name from a text. The error names it.
func (t *settings) set(name, text string) error {
	field, found := settingsFields[name]
	if !found {
		return fmt.Errorf("%s: unknown quirk, there are %s", name,
			strings.Join(slices.Sorted(maps.Keys(settingsFields)), ", "))
	}
	v := reflect.ValueOf(t).Elem().FieldByIndex(field.Index)
	values := strings.Split(field.Tag.Get("values"), "|")
	switch v.Kind() {
	case reflect.Bool:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s: %q is neither true nor false", name, text)
		}
		v.SetBool(on)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%s: %q is not a number", name, text)
		}
		v.SetInt(int64(n))
		return checkNumber(name, n, values[1])
	case reflect.Int64:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s: %q is not a duration such as %q", name, text, values[0])
		}
		v.SetInt(int64(d))
		if d < 0 || d == 0 && name == "session-idle" {
			return fmt.Errorf("%s: %s is too short", name, d)
		}
	case reflect.String:
		if !slices.Contains(values, text) {
			return fmt.Errorf("%s: %q is none of %s", name, text, strings.Join(values, ", "))
		}
		v.SetString(text)
	}
	return nil
}

// checkNumber holds n against "N", or a span such as "200-299".
func checkNumber(name string, n int, span string) error {
	least, most := 0, n
	if _, err := fmt.Sscanf(span, "%d-%d", &least, &most); err == nil && (n < least || n > most) {
		return fmt.Errorf("%s: %d is not between %d and %d", name, n, least, most)
	}
	if n < 0 {
		return fmt.Errorf("%s: %d is negative", name, n)
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler: what is not named stays as it was.
// The error names the quirk.
func (t *settings) UnmarshalJSON(data []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil || values == nil {
		return badQuirk{errors.New("body: a JSON object is needed")}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := string(values[name]) // of a number, true or false
		_ = json.Unmarshal(values[name], &text)
		if err := t.set(name, text); err != nil {
			return badQuirk{err}
		}
	}
	return nil
}

// badQuirk is an error that names the quirk which cannot be used.
type badQuirk struct{ error }

// quirksManual is a line for each field of settings.
func quirksManual() string {
	var b strings.Builder
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		if !f.Anonymous {
			values := f.Tag.Get("values")
			orDefault(&values, "false|true")
			fmt.Fprintf(&b, "%-28s %s: %s\n", f.Tag.Get("json"), values, f.Tag.Get("does"))
		}
	}
	return b.String()
}

// Period is a duration that is written like "15s".
type Period time.Duration

func (p Period) String() string { return time.Duration(p).String() }

// MarshalText implements encoding.TextMarshaler.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
