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

// Every quirk can be set by text, the state tells it, and the manual with its default.
func TestEveryQuirk(t *testing.T) {
	s, c := serve(t, Options{})
	told := func() map[string]any {
		var state struct{ Quirks map[string]any }
		parse(t, c.control("GET", "state", "").body, &state)
		return state.Quirks
	}
	defaults := told()
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
		s.SetQuirks(q)
		if is := told()[name]; fmt.Sprint(is) != value {
			t.Errorf("%s is %v, want %s", name, is, value)
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

func TestQuirksActOnOpenStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Quirks: Quirks{PingInterval: -1}})
		defer stop()
		stream := c.mustConnect().stream()
		set := func(q Quirks) {
			s.SetQuirks(q)
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
		set(Quirks{PingInterval: Period(20 * time.Second)})
		if n := pingsUntilMessage(); n != 3 {
			t.Errorf("%d pings in a minute, want 3", n)
		}
		set(Quirks{PingInterval: -1})
		if n := pingsUntilMessage(); n != 0 {
			t.Errorf("%d pings after they were ended", n)
		}
		c.session("POST", "messaging/heartbeat", "")
		beat := time.Now()
		set(Quirks{PingInterval: -1, SessionIdle: Period(30 * time.Second), StreamDoesNotKeepAlive: true})
		if _, err := stream.next(); !errors.Is(err, io.EOF) || time.Since(beat) != 30*time.Second {
			t.Errorf("the stream ended after %v: %v", time.Since(beat), err)
		}
		if len(s.Sessions()) != 0 {
			t.Error("the session outlives its time")
		}
	})
}
