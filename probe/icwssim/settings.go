package icwssim

import (
	"encoding"
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

// limits are what of Options can be changed while the server runs.
type limits struct {
	SessionIdle        period `json:"session-idle"`
	PingInterval       period `json:"ping-interval"` // 0: none
	MaxSessionsPerUser int    `json:"max-sessions-per-user"`
}

// settings are all that --quirk and /-/sim/quirks can set; the JSON names are
// the names of the quirks.
type settings struct {
	Quirks
	limits
}

// limits returns the limits of o, whose defaults are filled in.
func (o *Options) limits() limits {
	return limits{period(o.SessionIdle), period(max(0, o.PingInterval)), o.MaxSessionsPerUser}
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
	v, err := now.variable(name)
	if err != nil {
		return err
	}
	if _, isSwitch := v.(*bool); !given {
		if !isSwitch {
			return fmt.Errorf("%s: a value is needed, as in %s=%v", name, name, reflect.ValueOf(v).Elem())
		}
		value = "true"
	}
	if err := parseVariable(v, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := now.validate(); err != nil {
		return err
	}
	o.Quirks, o.SessionIdle, o.MaxSessionsPerUser = now.Quirks, time.Duration(now.SessionIdle), now.MaxSessionsPerUser
	if o.PingInterval = time.Duration(now.PingInterval); o.PingInterval == 0 {
		o.PingInterval = -1 // 0 would be the default
	}
	return nil
}

// quirkFields are the fields of settings by the name of the quirk.
var quirkFields = func() map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		if !f.Anonymous {
			fields[f.Tag.Get("json")] = f.Index
		}
	}
	return fields
}()

// variable returns a pointer to the quirk called name.
func (t *settings) variable(name string) (any, error) {
	index, found := quirkFields[name]
	if !found {
		return nil, fmt.Errorf("%s: unknown quirk, there are %s", name,
			strings.Join(slices.Sorted(maps.Keys(quirkFields)), ", "))
	}
	return reflect.ValueOf(t).Elem().FieldByIndex(index).Addr().Interface(), nil
}

func parseVariable(v any, text string) (err error) {
	switch v := v.(type) {
	case *bool:
		if *v, err = strconv.ParseBool(text); err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
	case *int:
		if *v, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler: what is not named stays as it was.
// The error names the quirk.
func (t *settings) UnmarshalJSON(data []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	if values == nil {
		return badQuirk{errors.New("body: a JSON object is needed")}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, err := t.variable(name)
		if err != nil {
			return badQuirk{err}
		}
		var wrongType *json.UnmarshalTypeError
		switch err := json.Unmarshal(values[name], v); {
		case string(values[name]) == "null":
			return badQuirk{fmt.Errorf("%s: a JSON null cannot stand here", name)}
		case errors.As(err, &wrongType):
			return badQuirk{fmt.Errorf("%s: a JSON %s cannot stand here", name, wrongType.Value)}
		case err != nil:
			return badQuirk{fmt.Errorf("%s: %w", name, err)}
		}
	}
	if err := t.validate(); err != nil {
		return badQuirk{err}
	}
	return nil
}

// badQuirk is an error that names the quirk which cannot be used.
type badQuirk struct{ error }

// validate returns an error that names the quirk which cannot be used.
func (t *settings) validate() error {
	switch {
	case t.QueueBound < 0:
		return fmt.Errorf("queue-bound: %d is negative, 0 means any number", t.QueueBound)
	case t.HeartbeatCode < 200 || t.HeartbeatCode > 299:
		return fmt.Errorf("heartbeat-code: %d is not between 200 and 299", t.HeartbeatCode)
	case t.DeleteMissingCode < 200 || t.DeleteMissingCode > 599:
		return fmt.Errorf("delete-missing-code: %d is not between 200 and 599", t.DeleteMissingCode)
	case t.SessionIdle <= 0:
		return fmt.Errorf("session-idle: %s is not longer than 0", t.SessionIdle)
	case t.PingInterval < 0:
		return fmt.Errorf("ping-interval: %s is negative, 0s means none", t.PingInterval)
	case t.MaxSessionsPerUser < 0:
		return fmt.Errorf("max-sessions-per-user: %d is negative, 0 means any number", t.MaxSessionsPerUser)
	}
	return nil
}

// period is a duration that is written like "15s".
type period time.Duration

func (p period) String() string { return time.Duration(p).String() }

// MarshalText implements encoding.TextMarshaler.
func (p period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"15s\"", text)
	}
	*p = period(d)
	return nil
}
