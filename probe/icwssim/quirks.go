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
	SecondStream SecondStream `json:"second-stream"`
	// QueueBound is how many messages a session holds unread; 0: any number.
	QueueBound int `json:"queue-bound"`
	// QueueFull is what happens at the bound.
	QueueFull QueueFull `json:"queue-full"`
	// HeartbeatCode is the success code of the heartbeat; default 204.
	HeartbeatCode int `json:"heartbeat-code"`
	// DeleteMissingCode answers DELETE without a subscription; default 204.
	DeleteMissingCode int `json:"delete-missing-code"`
	// FullInChanged: a full message has its statuses in statusMessagesChanged.
	FullInChanged bool `json:"full-in-changed"`
	// Empties is how an empty list of a message is written.
	Empties Empties `json:"empties"`
	// IsDeltaLast and TypeLast move these properties behind the lists.
	IsDeltaLast bool `json:"is-delta-last"`
	TypeLast    bool `json:"type-last"`
	// ReverseStatus writes the properties of a status in reverse order.
	ReverseStatus bool `json:"reverse-status"`
	// FeatureVersionsAsStrings quotes the versions of features.
	FeatureVersionsAsStrings bool `json:"feature-versions-as-strings"`
	// SessionIn is where the 201 carries session id and token.
	SessionIn SessionIn `json:"session-in"`
	// PlainCookie leaves "|languageId=…" out of the cookie's value.
	PlainCookie bool `json:"plain-cookie"`
	// LicenceMissing refuses log-ons with 400 for want of a licence.
	LicenceMissing bool `json:"licence-missing"`
	// RejectInclude answers 400 to a connect with an include parameter.
	RejectInclude bool `json:"reject-include"`
	// AnnounceState: PUT and DELETE of the subscription also send a
	// subscriptionStateMessage (normal, none).
	AnnounceState bool `json:"announce-state"`
}

// SecondStream is what a second stream of a session does to the first.
type SecondStream uint8

// The treatments of a second stream.
const (
	SecondReplacesFirst SecondStream = iota
	SecondRefused                    // 400
	SecondShares                     // both stay open, each message goes to one of them
)

// QueueFull is what happens to a message that finds the queue at its bound.
type QueueFull uint8

// The treatments of a full queue.
const (
	DropOldest QueueFull = iota
	DropNewest
	EndSession // the session ends, as if expired
)

// Empties is how an empty list of a message is written.
type Empties uint8

// The ways to write an empty list.
const (
	EmptyAbsent Empties = iota
	EmptyArray
	EmptyNull
)

// SessionIn is where a connect answer carries session id and token.
type SessionIn uint8

// The places of session id and token.
const (
	InBodyAndHeaders SessionIn = iota
	InBody
	InHeaders
)

func (q Quirks) withDefaults() Quirks {
	orDefault(&q.HeartbeatCode, 204)
	orDefault(&q.DeleteMissingCode, 204)
	return q
}
