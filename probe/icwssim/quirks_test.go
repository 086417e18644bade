package icwssim

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quirkCase is a quirk and a value that is not its default.
type quirkCase struct {
	name, value, json string
	changed           any               // the value in Go
	of                func(Options) any // the field of Options
}

// quirkCases follow from the fields, so that a new one cannot be forgotten.
func quirkCases(t *testing.T) []quirkCase {
	t.Helper()
	cases := []quirkCase{
		{"session-idle", "7s", `"7s"`, 7 * time.Second, func(o Options) any { return o.SessionIdle }},
		{"ping-interval", "7s", `"7s"`, 7 * time.Second, func(o Options) any { return o.PingInterval }},
		{"max-sessions-per-user", "7", "7", 7, func(o Options) any { return o.MaxSessionsPerUser }},
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Quirks]()) {
		if field.Anonymous {
			continue
		}
		c := quirkCase{
			name: strings.ToLower(regexp.MustCompile("(.)([A-Z])").ReplaceAllString(field.Name, "$1-$2")),
			of:   func(o Options) any { return reflect.ValueOf(o.Quirks).FieldByIndex(field.Index).Interface() },
		}
		v := reflect.New(field.Type).Elem()
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
			c.value = "true"
		case reflect.Int:
			v.SetInt(222)
			c.value = "222"
		case reflect.Int64:
			v.SetInt(int64(7 * time.Second))
			c.value = "7s"
		default:
			c.value = strings.Split(field.Tag.Get("values"), "|")[1]
			v.SetString(c.value)
		}
		c.json, c.changed = c.value, v.Interface()
		if v.Kind() == reflect.String || v.Kind() == reflect.Int64 {
			c.json = `"` + c.value + `"`
		}
		cases = append(cases, c)
	}
	return cases
}

func TestEveryQuirkCanBeSetByText(t *testing.T) {
	for _, test := range quirkCases(t) {
		o := Options{Name: "cic-a"}
		if err := o.SetQuirk(test.name + "=" + test.value); err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := test.of(o); got != test.changed {
			t.Errorf("%s: %v, want %v", test.name, got, test.changed)
		}
		for _, other := range quirkCases(t) {
			if other.name != test.name && other.of(o.withQuirkDefaults()) != other.of(Options{}.withQuirkDefaults()) {
				t.Errorf("%s changed %s", test.name, other.name)
			}
		}
		if o.Name != "cic-a" {
			t.Errorf("%s changed the name", test.name)
		}
	}
}

func (o Options) withQuirkDefaults() Options {
	o = o.withDefaults()
	o.Quirks = o.Quirks.withDefaults()
	return o
}

func TestEveryQuirkCanBeSetOverHTTP(t *testing.T) {
	s, c := serve(t, Options{})
	initial := c.control("GET", "quirks", "")
	var defaults map[string]any
	parse(t, initial.body, &defaults)
	cases := quirkCases(t)
	if len(defaults) != len(cases) {
		t.Errorf("%d quirks are told, want %d: %s", len(defaults), len(cases), initial.body)
	}
	manual := c.control("GET", "", "").body
	for _, test := range cases {
		want := fmt.Sprintf("%q:%s", test.name, test.json)
		r := c.control("PUT", "quirks", "{"+want+"}")
		if r.code != 200 || !strings.Contains(r.body, want) || c.control("GET", "quirks", "").body != r.body {
			t.Errorf("%s: %+v", test.name, r)
		}
		now := s.settings()
		if got := test.of(Options{
			Quirks: now.Quirks, MaxSessionsPerUser: now.MaxSessionsPerUser,
			SessionIdle: time.Duration(now.SessionIdle), PingInterval: time.Duration(now.PingInterval),
		}); got != test.changed {
			t.Errorf("%s: %v, want %v", test.name, got, test.changed)
		}
		line := regexp.MustCompile("(?m)^" + test.name + " +(.*)$").FindStringSubmatch(manual)
		if line == nil || !strings.HasPrefix(line[1], fmt.Sprint(defaults[test.name])+"|") {
			t.Errorf("the manual does not tell %s and its default %v: %q", test.name, defaults[test.name], line)
		}
	}
	if r := c.control("PUT", "quirks", "{}"); r.body != initial.body {
		t.Errorf("an empty PUT leaves %s", r.body)
	}
}

func TestSetQuirk(t *testing.T) {
	var o Options
	for _, text := range []string{"no-resend", "replay=true", "replay=false", "ping-interval=0s", "empties=null"} {
		if err := o.SetQuirk(text); err != nil {
			t.Error(err)
		}
	}
	if !o.Quirks.NoResend || o.Quirks.Replay || o.PingInterval >= 0 || o.Quirks.Empties != EmptyNull {
		t.Errorf("%+v", o)
	}
	before := fmt.Sprint(o)
	for text, want := range map[string]string{
		"":                         ": unknown quirk, there are announce-state, ",
		"no-resent":                "no-resent: unknown quirk, there are announce-state, ",
		"NoResend":                 "NoResend: unknown quirk",
		"no-resend=maybe":          `no-resend: "maybe" is neither true nor false`,
		"no-resend=":               `no-resend: "" is neither`,
		"second-stream":            "second-stream: a value is needed, as in second-stream=replaces",
		"second-stream=both":       `second-stream: "both" is none of replaces, refused, shares`,
		"queue-bound=many":         `queue-bound: "many" is not a number`,
		"queue-bound=-1":           "queue-bound: -1 is negative",
		"heartbeat-code=404":       "heartbeat-code: 404 is not between 200 and 299",
		"delete-missing-code=0":    "delete-missing-code: 0 is not between 200 and 599",
		"session-idle":             "session-idle: a value is needed, as in session-idle=5m0s",
		"session-idle=0s":          "session-idle: 0s is too short",
		"session-idle=5":           `session-idle: "5" is not a duration such as "5m0s"`,
		"ping-interval=-1s":        "ping-interval: -1s is too short",
		"max-sessions-per-user=-1": "max-sessions-per-user: -1 is negative",
	} {
		if err := o.SetQuirk(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if after := fmt.Sprint(o); after != before {
		t.Errorf("refused quirks left %s, want %s", after, before)
	}
}

func TestBadQuirksOverHTTP(t *testing.T) {
	_, c := serve(t, Options{Quirks: Quirks{NoResend: true}})
	before := c.control("GET", "quirks", "").body
	for body, want := range map[string]string{
		`{"no-resent":true}`:                   "no-resent: unknown quirk, there are",
		`{"replay":true,"no-resend":"yes"}`:    `no-resend: "yes" is neither`,
		`{"no-resend":null}`:                   `no-resend: "null" is neither`,
		`{"queue-bound":[1]}`:                  `queue-bound: "[1]" is not a number`,
		`{"second-stream":"both"}`:             `second-stream: "both" is none of`,
		`{"second-stream":1}`:                  `second-stream: "1" is none of`,
		`{"queue-bound":1.5}`:                  `queue-bound: "1.5" is not a number`,
		`{"heartbeat-code":600}`:               "heartbeat-code: 600 is not between",
		`{"session-idle":"soon"}`:              `session-idle: "soon" is not a duration`,
		`{"ping-interval":15}`:                 `ping-interval: "15" is not a duration`,
		`{"replay":true,"session-idle":"-1s"}`: "session-idle: -1s is too short",
		`[]`:                                   "body: a JSON object is needed",
		`null`:                                 "body: a JSON object is needed",
		``:                                     "body: a JSON object is needed",
		`{} {}`:                                "body: exactly one JSON value",
	} {
		r := c.control("PUT", "quirks", body)
		var v struct{ Error string }
		parse(t, r.body, &v)
		if r.code != 400 || !strings.HasPrefix(v.Error, want) {
			t.Errorf("%s: %d %q, want %q", body, r.code, v.Error, want)
		}
	}
	if after := c.control("GET", "quirks", "").body; after != before {
		t.Errorf("refused requests left %s", after)
	}
}

func TestQuirksActOnOpenStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{PingInterval: -1})
		defer stop()
		stream := c.mustConnect().stream()
		put := func(body string) {
			t.Helper()
			if r := c.control("PUT", "quirks", body); r.code != 200 {
				t.Fatalf("%+v", r)
			}
			synctest.Wait()
		}
		pingsUntilMessage := func() int {
			t.Helper()
			go func() {
				time.Sleep(time.Minute + time.Second)
				s.Send(`{"__type":"end"}`)
			}()
			before := stream.pings
			stream.message()
			return stream.pings - before
		}
		if n := pingsUntilMessage(); n != 0 {
			t.Errorf("%d pings without an interval", n)
		}
		put(`{"ping-interval":"20s"}`)
		if n := pingsUntilMessage(); n != 3 {
			t.Errorf("%d pings in a minute, want 3", n)
		}
		put(`{"ping-interval":"0s"}`)
		if n := pingsUntilMessage(); n != 0 {
			t.Errorf("%d pings after they were ended", n)
		}
		c.session("POST", "messaging/heartbeat", "")
		beat := time.Now()
		put(`{"ping-interval":"0s","session-idle":"30s","stream-does-not-keep-alive":true}`)
		if _, err := stream.next(); !errors.Is(err, io.EOF) || time.Since(beat) != 30*time.Second {
			t.Errorf("the stream ended after %v: %v", time.Since(beat), err)
		}
		if len(s.Sessions()) != 0 {
			t.Error("the session outlives its time")
		}
	})
}

func TestSessionLimitsActWhileTheServerRuns(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustConnect()
	c.other().mustConnect()
	if r := c.control("PUT", "quirks", `{"max-sessions-per-user":1}`); r.code != 200 {
		t.Fatalf("%+v", r)
	}
	if n := len(s.Sessions()); n != 2 {
		t.Errorf("%d sessions after the change, want 2 until the next log-on", n)
	}
	c.other().mustConnect()
	if n := len(s.Sessions()); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}
