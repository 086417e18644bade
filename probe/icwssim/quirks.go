package icwssim

import (
	"reflect"
	"strconv"
	"strings"
)

// Quirks are the open points of docs/protocol.md, section 9, and the optional
// shapes of its sections 1 to 6. The zero value is the default. The tags are the
// manual: the name that SetQuirk and the control path take, the values with the
// default first, and what the quirk does.
type Quirks struct {
	NoResend                 bool            `json:"no-resend" does:"a PUT on an existing subscription sends no full message"`
	StreamDoesNotKeepAlive   bool            `json:"stream-does-not-keep-alive" does:"an open stream alone lets the session expire"`
	Replay                   bool            `json:"replay" does:"events carry ids, Last-Event-ID has later ones sent again"`
	SecondStream             SecondStream    `json:"second-stream" values:"replaces|refused|shares" does:"what a second stream of a session does to the first"`
	QueueBound               int             `json:"queue-bound" values:"0|N" does:"messages that a session holds unread, 0 for any number"`
	QueueFull                QueueFull       `json:"queue-full" values:"drop-oldest|drop-newest|end-session" does:"what happens at that bound"`
	HeartbeatCode            int             `json:"heartbeat-code" values:"204|200-299" does:"success code of the heartbeat"`
	DeleteMissingCode        int             `json:"delete-missing-code" values:"204|200-599" does:"answer to DELETE without a subscription"`
	FullInChanged            bool            `json:"full-in-changed" does:"a full message has its statuses in statusMessagesChanged"`
	Empties                  Empties         `json:"empties" values:"absent|array|null" does:"how an empty list of a message is written"`
	IsDeltaLast              bool            `json:"is-delta-last" does:"isDelta comes after the lists"`
	TypeLast                 bool            `json:"type-last" does:"__type comes last"`
	ReverseStatus            bool            `json:"reverse-status" does:"the properties of a status come in reverse order"`
	FeatureVersionsAsStrings bool            `json:"feature-versions-as-strings" does:"versions of features are quoted"`
	SessionIn                SessionIn       `json:"session-in" values:"body-and-headers|body|headers" does:"where a 201 carries session id and token"`
	PlainCookie              bool            `json:"plain-cookie" does:"the cookie's value has no \"|languageId=...\""`
	LicenceMissing           bool            `json:"licence-missing" does:"log-ons are refused with 400 for want of a licence"`
	RejectInclude            bool            `json:"reject-include" does:"a log-on with an include parameter gets 400"`
	AnnounceState            bool            `json:"announce-state" does:"PUT and DELETE of a subscription send a subscriptionStateMessage"`
	NoShouldReconnect        bool            `json:"no-should-reconnect" does:"a session that goes down is not told whether to reconnect"`
	UnknownSessionAsMissing  bool            `json:"unknown-session-as-missing" does:"an unknown session id gets error code 1, as a missing one"`
	FullForEveryChange       bool            `json:"full-for-every-change" does:"every change is announced by a full message"`
	CatalogueRights          CatalogueRights `json:"catalogue-rights" values:"all|filtered" does:"whether the account sees all statuses or about two of three"`
	UserQuirks
}

// limits are what of Options can be changed while the server runs.
type limits struct {
	SessionIdle        Period `json:"session-idle" values:"5m0s|DURATION" does:"a session ends that long after its last call"`
	PingInterval       Period `json:"ping-interval" values:"15s|DURATION" does:"between pings of a stream, 0s for none"`
	MaxSessionsPerUser int    `json:"max-sessions-per-user" values:"0|N" does:"a log-on beyond it displaces the user's oldest session, 0 for any number"`
}

// The choices of a quirk are texts, the first of each is the default.
type (
	// SecondStream is what a second stream of a session does to the first.
	SecondStream string
	// QueueFull is what happens to a message that finds the queue at its bound.
	QueueFull string
	// Empties is how an empty list of a message is written.
	Empties string
	// SessionIn is where a connect answer carries session id and token.
	SessionIn string
	// CatalogueRights is which statuses an account sees.
	CatalogueRights string
)

// The choices.
const (
	SecondReplacesFirst SecondStream = "replaces"
	SecondRefused       SecondStream = "refused" // 400
	SecondShares        SecondStream = "shares"  // both stay open, each message goes to one of them

	DropOldest QueueFull = "drop-oldest"
	DropNewest QueueFull = "drop-newest"
	EndSession QueueFull = "end-session" // as if expired

	EmptyAbsent Empties = "absent"
	EmptyArray  Empties = "array"
	EmptyNull   Empties = "null"

	InBodyAndHeaders SessionIn = "body-and-headers"
	InBody           SessionIn = "body"
	InHeaders        SessionIn = "headers"

	RightsAll      CatalogueRights = "all"
	RightsFiltered CatalogueRights = "filtered"
)

// withDefaults fills in the defaults, which the tags have.
func (q Quirks) withDefaults() Quirks {
	v := reflect.ValueOf(&q).Elem()
	for _, field := range reflect.VisibleFields(v.Type()) {
		value, text, _ := strings.Cut(field.Tag.Get("values"), "|")
		if f := v.FieldByIndex(field.Index); text != "" && f.IsZero() {
			switch f.Kind() {
			case reflect.String:
				f.SetString(value)
			case reflect.Int:
				n, _ := strconv.Atoi(value) // the tags are right
				f.SetInt(int64(n))
			}
		}
	}
	return q
}
