package icwssim

import (
	"cmp"
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

// Quirks are the open points of docs/protocol.md, section 9, and the optional
// shapes of its sections 1 to 6. The zero value is the default. The tags are all
// that there is to know: the name that Set and the control path take, the values
// with the default first, and what the quirk does. They can be changed while the
// server runs. In Go, a negative PingInterval is none.
type Quirks struct {
	NoResend                 bool   `json:"no-resend" does:"a PUT on an existing subscription sends no full message"`
	StreamDoesNotKeepAlive   bool   `json:"stream-does-not-keep-alive" does:"an open stream alone lets the session expire"`
	Replay                   bool   `json:"replay" does:"events carry ids, Last-Event-ID has later ones sent again"`
	SecondStream             string `json:"second-stream" values:"replaces|refused|shares" does:"what a second stream of a session does to the first; shares: each message goes to one of them"`
	QueueBound               int    `json:"queue-bound" values:"0|N" does:"messages that a session holds unread, 0 for any number"`
	QueueFull                string `json:"queue-full" values:"drop-oldest|drop-newest|end-session" does:"what happens at that bound"`
	HeartbeatCode            int    `json:"heartbeat-code" values:"204|200-299" does:"success code of the heartbeat"`
	DeleteMissingCode        int    `json:"delete-missing-code" values:"204|200-599" does:"answer to DELETE without a subscription"`
	FullInChanged            bool   `json:"full-in-changed" does:"a full message has its statuses in statusMessagesChanged"`
	Empties                  string `json:"empties" values:"absent|array|null" does:"how an empty list of a message is written"`
	IsDeltaLast              bool   `json:"is-delta-last" does:"isDelta comes after the lists"`
	TypeLast                 bool   `json:"type-last" does:"__type comes last"`
	ReverseStatus            bool   `json:"reverse-status" does:"the properties of a status come in reverse order"`
	FeatureVersionsAsStrings bool   `json:"feature-versions-as-strings" does:"versions of features are quoted"`
	SessionIn                string `json:"session-in" values:"body-and-headers|body|headers" does:"where a 201 carries session id and token"`
	PlainCookie              bool   `json:"plain-cookie" does:"the cookie's value has no \"|languageId=...\""`
	LicenceMissing           bool   `json:"licence-missing" does:"log-ons are refused with 400 for want of a licence"`
	RejectInclude            bool   `json:"reject-include" does:"a log-on with an include parameter gets 400"`
	AnnounceState            bool   `json:"announce-state" does:"PUT and DELETE of a subscription send a subscriptionStateMessage"`
	NoShouldReconnect        bool   `json:"no-should-reconnect" does:"a session that goes down is not told whether to reconnect"`
	UnknownSessionAsMissing  bool   `json:"unknown-session-as-missing" does:"an unknown session id gets error code 1, as a missing one"`
	FullForEveryChange       bool   `json:"full-for-every-change" does:"every change is announced by a full message"`
	CatalogueRights          string `json:"catalogue-rights" values:"all|filtered" does:"whether the session's user sees all statuses or about two of three"`
	SessionIdle              Period `json:"session-idle" values:"5m0s|DURATION" does:"a session ends that long after its last call"`
	PingInterval             Period `json:"ping-interval" values:"15s|DURATION" does:"between pings of a stream, 0s for none"`
	MaxSessionsPerUser       int    `json:"max-sessions-per-user" values:"0|N" does:"a log-on beyond it displaces the user's oldest session, 0 for any number"`
	UserQuirks
}

// UserQuirks are the open points of docs/protocol-users.md, section 8, in its order.
// Number 17 is Quirks.DeleteMissingCode, and with number 18 nothing can be chosen.
type UserQuirks struct {
	UserListPut       string `json:"user-list-put" values:"replace|add" does:"what a second PUT of user statuses does to the list of the first"`
	UserResend        string `json:"user-resend" values:"resend|only-new-users|none" does:"whom a second PUT of user statuses sends again"`
	UnknownUser       string `json:"unknown-user" values:"404|ignore|400|empty-status" does:"a user in a PUT whom the server does not know"`
	NoUserRight       string `json:"no-user-right" values:"omit|403-all|404-all|include" does:"a user in a PUT on whom the session's user has no right"`
	UserMaximum       int    `json:"user-maximum" values:"0|N" does:"users in a PUT at most, 0 for any number"`
	UserMaximumAnswer string `json:"user-maximum-answer" values:"400|first" does:"what becomes of more of them; first: the first ones are watched"`
	UserInitial       string `json:"user-initial" values:"full|split|delta" does:"the first message: full, full and a delta, or a delta"`
	UserDelta         string `json:"user-delta" values:"changed|whole" does:"what an entry of a delta has"`
	UserCoalescing    string `json:"user-coalescing" values:"one|several" does:"entries of one user in one message"`
	UserDeleted       string `json:"user-deleted" values:"silence|empty-status|state" does:"what is said of a watched user who is removed"`
	LoggedInAbsent    bool   `json:"logged-in-absent" does:"no entry says loggedIn, as an old server"`
	UserProperties    string `json:"user-properties" values:"ignored|entries|updates|400" does:"what userStatusProperties filters"`
	EmptyUserList     string `json:"empty-user-list" values:"400|200" does:"a PUT without users; 200: nobody is watched"`
	ListWithoutRight  string `json:"list-without-right" values:"empty|403|own" does:"a list of the configuration without the right to it"`
	ListLimit         string `json:"list-limit" values:"on|off|206" does:"whether a list with select ends at 200 items, and with which code"`
	UsersMessageLists string `json:"users-message-lists" values:"all|absent" does:"whether a usersMessage has its empty lists"`
	UserPutTime       Period `json:"user-put-time" values:"0s|DURATION" does:"how long a PUT takes for each user"`
}

// Period is a duration that is written like "15s".
type Period time.Duration

func (p Period) String() string { return time.Duration(p).String() }

// MarshalText implements encoding.TextMarshaler.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as %q", text, "15s")
	}
	*p = Period(d)
	return nil
}

// quirks are the fields of Quirks, in their order.
var quirks = slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[Quirks]()), func(f reflect.StructField) bool { return f.Anonymous })

func nameOf(f reflect.StructField) string { return f.Tag.Get("json") }

// valuesOf are the default and the other values, or what stands for them.
func valuesOf(f reflect.StructField) []string {
	return strings.Split(cmp.Or(f.Tag.Get("values"), "false|true"), "|")
}

// withDefaults puts the default in the place of what is not set.
func (q Quirks) withDefaults() Quirks {
	for _, field := range quirks {
		f, value := reflect.ValueOf(&q).Elem().FieldByIndex(field.Index), valuesOf(field)[0]
		if !f.IsZero() || f.Kind() == reflect.Bool {
			continue
		}
		if f.Kind() == reflect.String || f.Kind() == reflect.Int64 {
			value = strconv.Quote(value)
		}
		if err := json.Unmarshal([]byte(value), f.Addr().Interface()); err != nil {
			panic("icwssim: the tag of " + field.Name + ": " + err.Error())
		}
	}
	q.PingInterval = max(0, q.PingInterval)
	return q
}

// validate returns an error that names the quirk whose value is none of its values.
func (q Quirks) validate() error {
	for _, field := range quirks {
		f, values := reflect.ValueOf(q).FieldByIndex(field.Index), valuesOf(field)
		switch f.Kind() {
		case reflect.String:
			if !slices.Contains(values, f.String()) {
				return fmt.Errorf("%s: %q is none of %s", nameOf(field), f, strings.Join(values, ", "))
			}
		case reflect.Int:
			var least, most int64
			if _, err := fmt.Sscanf(values[1], "%d-%d", &least, &most); err == nil && (f.Int() < least || f.Int() > most) {
				return fmt.Errorf("%s: %d is not between %d and %d", nameOf(field), f.Int(), least, most)
			}
			fallthrough
		case reflect.Int64:
			if f.Int() < 0 || f.Int() == 0 && field.Name == "SessionIdle" {
				return fmt.Errorf("%s: %v is too small", nameOf(field), f)
			}
		}
	}
	return nil
}

// checked has the defaults; values that there are not are the mistake of a test.
func (q Quirks) checked() Quirks {
	q = q.withDefaults()
	if err := q.validate(); err != nil {
		panic("icwssim: quirk: " + err.Error())
	}
	return q
}

// Set sets one quirk from a text like "second-stream=refused", or "no-resend" for
// "no-resend=true". GET /-/sim/ lists all. The error names the quirk and what
// is expected; q is then as it was.
func (q *Quirks) Set(text string) error {
	now := q.withDefaults()
	name, value, given := strings.Cut(text, "=")
	i := slices.IndexFunc(quirks, func(f reflect.StructField) bool { return nameOf(f) == name })
	if i < 0 {
		names := map[string]bool{}
		for _, f := range quirks {
			names[nameOf(f)] = true
		}
		return fmt.Errorf("%s: unknown quirk, there are %s", name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
	}
	kind := quirks[i].Type.Kind()
	switch {
	case !given && kind == reflect.Bool:
		value = "true"
	case !given:
		return fmt.Errorf("%s: a value is needed, as in %s=%v", name, name, reflect.ValueOf(now).FieldByIndex(quirks[i].Index))
	}
	if kind == reflect.String || kind == reflect.Int64 || !json.Valid([]byte(value)) {
		value = strconv.Quote(value)
	}
	err := decode(strings.NewReader(fmt.Sprintf("{%q:%s}", name, value)), &now)
	if err == nil {
		err = now.validate()
	}
	if err != nil {
		return errors.New(strings.Replace(err.Error(), "body: ", name+": ", 1))
	}
	if now.PingInterval == 0 {
		now.PingInterval = -1 // 0 would be the default
	}
	*q = now
	return nil
}

// quirksManual is a line for each quirk.
func quirksManual() string {
	var b strings.Builder
	for _, f := range quirks {
		fmt.Fprintf(&b, "%-28s %s: %s\n", nameOf(f), strings.Join(valuesOf(f), "|"), f.Tag.Get("does"))
	}
	return b.String()
}
