package icwssim

// Quirks are the open points of protocol.md, section 9, and the optional shapes
// of its sections 1 to 6. The zero value is the default stated there. The JSON
// names are those of Options.SetQuirk and of the control path.
type Quirks struct {
	// NoResend: a PUT on an existing subscription sends no full message.
	NoResend bool `json:"no-resend"`
	// StreamDoesNotKeepAlive: an open stream alone lets the session expire.
	StreamDoesNotKeepAlive bool `json:"stream-does-not-keep-alive"`
	// Replay: events carry ids, and Last-Event-ID has later ones sent again.
	Replay bool `json:"replay"`
	// SecondStream is what a second stream of a session does to the first.
	SecondStream SecondStream `json:"second-stream" words:"replaces refused shares"`
	// QueueBound is how many messages a session holds unread; 0: any number.
	QueueBound int `json:"queue-bound"`
	// QueueFull is what happens at the bound.
	QueueFull QueueFull `json:"queue-full" words:"drop-oldest drop-newest end-session"`
	// HeartbeatCode is the success code of the heartbeat; default 204.
	HeartbeatCode int `json:"heartbeat-code"`
	// DeleteMissingCode answers DELETE without a subscription; default 204.
	DeleteMissingCode int `json:"delete-missing-code"`
	// FullInChanged: a full message has its statuses in statusMessagesChanged.
	FullInChanged bool `json:"full-in-changed"`
	// Empties is how an empty list of a message is written.
	Empties Empties `json:"empties" words:"absent array null"`
	// IsDeltaLast and TypeLast move these properties behind the lists.
	IsDeltaLast bool `json:"is-delta-last"`
	TypeLast    bool `json:"type-last"`
	// ReverseStatus writes the properties of a status in reverse order.
	ReverseStatus bool `json:"reverse-status"`
	// FeatureVersionsAsStrings quotes the versions of features.
	FeatureVersionsAsStrings bool `json:"feature-versions-as-strings"`
	// SessionIn is where the 201 carries session id and token.
	SessionIn SessionIn `json:"session-in" words:"body-and-headers body headers"`
	// PlainCookie leaves "|languageId=…" out of the cookie's value.
	PlainCookie bool `json:"plain-cookie"`
	// LicenceMissing refuses log-ons with 400 for want of a licence.
	LicenceMissing bool `json:"licence-missing"`
	// RejectInclude answers 400 to a connect with an include parameter.
	RejectInclude bool `json:"reject-include"`
	// AnnounceState: PUT and DELETE of the subscription also send a
	// subscriptionStateMessage (normal, none).
	AnnounceState bool `json:"announce-state"`
	// NoShouldReconnect: a session that goes down is not told whether it should
	// reconnect, as before connection 3.
	NoShouldReconnect bool `json:"no-should-reconnect"`
	// UnknownSessionAsMissing: a session id that names no session gets the 401
	// of a missing one.
	UnknownSessionAsMissing bool `json:"unknown-session-as-missing"`
	// FullForEveryChange: every change is announced by a full message.
	FullForEveryChange bool `json:"full-for-every-change"`
	// CatalogueRights is which statuses an account sees.
	CatalogueRights CatalogueRights `json:"catalogue-rights" words:"all filtered"`
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
	RightsFiltered CatalogueRights = "filtered" // about two of three
)

func (q Quirks) withDefaults() Quirks {
	orDefault(&q.HeartbeatCode, 204)
	orDefault(&q.DeleteMissingCode, 204)
	orDefault(&q.SecondStream, SecondReplacesFirst)
	orDefault(&q.QueueFull, DropOldest)
	orDefault(&q.Empties, EmptyAbsent)
	orDefault(&q.SessionIn, InBodyAndHeaders)
	orDefault(&q.CatalogueRights, RightsAll)
	return q
}
