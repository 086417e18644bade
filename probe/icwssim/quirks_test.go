package icwssim

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every quirk can be set by text and over HTTP, and the manual tells it with its default.
func TestEveryQuirk(t *testing.T) {
	_, c := serve(t, Options{})
	initial := c.control("GET", "quirks", "").body
	var defaults map[string]any
	parse(t, initial, &defaults)
	manual := c.control("GET", "", "").body
	for _, field := range quirks {
		name := strings.ToLower(regexp.MustCompile("(.)([A-Z])").ReplaceAllString(field.Name, "$1-$2"))
		value := map[reflect.Kind]string{reflect.Bool: "true", reflect.Int: "222", reflect.Int64: "7s"}[field.Type.Kind()]
		if value == "" {
			value = valuesOf(field)[1]
		}
		var q Quirks
		if err := q.Set(name + "=" + value); err != nil {
			t.Error(err)
		}
		q = q.withDefaults()
		got := reflect.ValueOf(&q).Elem().FieldByIndex(field.Index)
		if fmt.Sprint(got) != value {
			t.Errorf("%s: %v, want %s", name, got, value)
		}
		literal := value
		if kind := got.Kind(); kind == reflect.String || kind == reflect.Int64 {
			literal = strconv.Quote(value)
		}
		member := fmt.Sprintf("%q:%s", name, literal)
		if r := c.control("PUT", "quirks", "{"+member+"}"); r.code != 200 || !strings.Contains(r.body, member) || c.control("GET", "quirks", "").body != r.body {
			t.Errorf("%s: %+v", name, r)
		}
		got.SetZero()
		if q.withDefaults() != (Quirks{}).withDefaults() {
			t.Errorf("%s changed another quirk: %+v", name, q)
		}
		line := regexp.MustCompile("(?m)^" + name + " +(.*)$").FindStringSubmatch(manual)
		if line == nil || !strings.HasPrefix(line[1], fmt.Sprint(defaults[name])+"|") {
			t.Errorf("the manual does not tell %s and its default %v: %q", name, defaults[name], line)
		}
	}
	if r := c.control("PUT", "quirks", "{}"); r.body != initial {
		t.Errorf("an empty PUT leaves %s", r.body)
	}
}

func TestQuirksFromText(t *testing.T) {
	var q Quirks
	for _, text := range []string{"no-resend", "replay=true", "replay=false", "ping-interval=0s", "empties=null"} {
		if err := q.Set(text); err != nil {
			t.Error(err)
		}
	}
	if !q.NoResend || q.Replay || q.PingInterval >= 0 || q.Empties != "null" {
		t.Errorf("%+v", q)
	}
	before := q
	for text, want := range map[string]string{
		"":                         ": unknown quirk, there are announce-state, ",
		"no-resent":                "no-resent: unknown quirk, there are announce-state, ",
		"NoResend":                 "NoResend: unknown quirk",
		"no-resend=maybe":          "no-resend: a JSON string cannot stand here",
		`no-resend=true,"x":1`:     "no-resend: a JSON string cannot stand here",
		"second-stream":            "second-stream: a value is needed, as in second-stream=replaces",
		"second-stream=both":       `second-stream: "both" is none of replaces, refused, shares`,
		"queue-bound=many":         "queue-bound: a JSON string cannot stand here",
		"user-maximum=1.5":         "user-maximum: a JSON number 1.5 cannot stand here",
		"queue-bound=-1":           "queue-bound: -1 is too small",
		"heartbeat-code=404":       "heartbeat-code: 404 is not between 200 and 299",
		"delete-missing-code=0":    "delete-missing-code: 0 is not between 200 and 599",
		"session-idle":             "session-idle: a value is needed, as in session-idle=5m0s",
		"session-idle=0s":          "session-idle: 0s is too small",
		"session-idle=5":           `session-idle: "5" is not a duration such as "15s"`,
		"ping-interval=-1s":        "ping-interval: -1s is too small",
		"max-sessions-per-user=-1": "max-sessions-per-user: -1 is too small",
	} {
		if err := q.Set(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if q != before {
		t.Errorf("refused quirks left %+v, want %+v", q, before)
	}
	defer func() {
		if recover() == nil {
			t.Error("New took a quirk that makes no sense")
		}
	}()
	New(Options{Quirks: Quirks{Empties: "nil"}})
}

func TestBadQuirksOverHTTP(t *testing.T) {
	_, c := serve(t, Options{Quirks: Quirks{NoResend: true}})
	before := c.control("GET", "quirks", "").body
	for body, want := range map[string]string{
		`{"no-resent":true}`:                   "no-resent: unknown field",
		`{"replay":true,"no-resend":"yes"}`:    "no-resend: a JSON string cannot stand here",
		`{"second-stream":"both"}`:             `second-stream: "both" is none of`,
		`{"heartbeat-code":600}`:               "heartbeat-code: 600 is not between",
		`{"session-idle":"soon"}`:              `body: "soon" is not a duration`,
		`{"replay":true,"session-idle":"-1s"}`: "session-idle: -1s is too small",
		`[]`:                                   "body: a JSON object is needed",
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
		s, c, stop := serveInBubble(t, Options{Quirks: Quirks{PingInterval: -1}})
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
