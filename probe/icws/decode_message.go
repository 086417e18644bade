package icws

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// messages reads an array of messages (protocol.md, 3.1) and calls each after
// every whole one. No document at all is no message.
func (d *document) messages(to []*Reader, each func(Message)) {
	if d.empty() {
		return
	}
	for range d.elements {
		if d.null() {
			continue
		}
		m := d.message(to)
		if d.err != nil {
			return
		}
		each(m)
	}
}

// message reads one message. Its members may come in any order, so what it holds
// goes to the readers before its type is known, and the scalars that only one type
// has are taken from any.
func (d *document) message(to []*Reader) Message {
	for _, r := range to {
		r.begin()
	}
	m := Message{Subscription: SubscriptionUnknown}
	for name := range d.members {
		switch string(name) {
		case "__type":
			m.Type, m.Kind, m.From = d.messageType(to)
		case "isDelta":
			m.IsDelta = d.boolean()
		case "newConnectionState":
			m.Connection.Down = stateNumber(d.scalar(), connectionStates) == connectionDown
		case "reason":
			m.Connection.Reason = plain(d.scalar(), maxMessageRunes)
		case "shouldReconnect":
			m.Connection.ShouldReconnect = boolOf(d.scalar())
		case "state":
			m.Subscription = subscriptionState(d.scalar())
		default:
			d.content(to, name, m.Type != "", m.From)
		}
	}
	return m.only()
}

// content has the reader whose member it is read the next value. It is skipped
// when nobody knows the member, or when the type is known and another.
func (d *document) content(to []*Reader, name []byte, typed bool, from *Subscription) {
	for _, r := range to {
		if read, ok := r.members[string(name)]; ok && (!typed || from == r.of) {
			read(d)
			return
		}
	}
	d.skip()
}

// only returns the message without what its type does not have.
func (m Message) only() Message {
	if m.Kind != KindConnectionState {
		m.Connection = ConnectionStateChange{}
	}
	if m.Kind != KindSubscriptionState {
		m.Subscription = SubscriptionUnknown
	}
	return m
}

// messageType returns the known types without an allocation.
func (d *document) messageType(to []*Reader) (string, MessageKind, *Subscription) {
	if d.kind() != jsontext.KindString {
		return d.text(), KindOther, nil
	}
	d.name = d.appendText(d.name[:0])
	for _, r := range to {
		if string(d.name) == r.of.MessageType {
			return r.of.MessageType, KindContent, r.of
		}
	}
	switch string(d.name) {
	case typeConnectionState:
		return typeConnectionState, KindConnectionState, nil
	case typeSubscriptionState:
		return typeSubscriptionState, KindSubscriptionState, nil
	default:
		return string(d.name), KindOther, nil
	}
}

const connectionDown = 2

var connectionStates = []string{"none", "up", connectionDown: "down"}

func subscriptionState(text string) SubscriptionState {
	if n := stateNumber(text, subscriptionStates[:]); n >= 0 {
		return SubscriptionState(n)
	}
	return SubscriptionUnknown
}

// stateNumber is the number of a state that is written as a number or, as one
// client of the vendor expects it, as a name; -1 for any other.
func stateNumber(text string, names []string) int {
	for i, name := range names {
		if strings.EqualFold(text, name) || text == strconv.Itoa(i) {
			return i
		}
	}
	return -1
}

func boolOf(text string) *bool {
	b, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return nil
	}
	return &b
}
