package icws

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// messages reads an array of messages (protocol.md, 3.1) and returns the error of
// each, which ends it. No document at all is no message.
func (d *document) messages(sink StatusSink, each func(Message) error) error {
	if d.empty() {
		return nil
	}
	for range d.elements {
		if d.null() {
			continue
		}
		m := d.message(sink)
		if d.err != nil {
			return nil
		}
		if err := each(m); err != nil {
			d.abandon()
			return err
		}
	}
	return nil
}

// message reads one message. Its members may come in any order, so the status
// entries go to sink before the type is known, and the scalars that only one type
// has are taken from any.
func (d *document) message(sink StatusSink) Message {
	sink.Begin()
	m := Message{Subscription: SubscriptionUnknown}
	m.Connection.Previous, m.Connection.New = ConnectionUnknown, ConnectionUnknown
	for name := range d.members {
		switch string(name) {
		case "__type":
			m.Type, m.Kind = d.messageType()
		case "isDelta":
			m.IsDelta = d.boolean()
		case "statusMessagesAdded", "statusMessagesChanged", "statusMessagesRemoved":
			if m.Type != "" && m.Kind != KindStatus {
				d.skip()
				continue
			}
			d.statusChanges(name[len("statusMessages")], sink)
		case "previousConnectionState":
			m.Connection.Previous = connectionState(d.scalar())
		case "newConnectionState":
			m.Connection.New = connectionState(d.scalar())
		case "reason":
			m.Connection.Reason = plain(d.scalar(), maxMessageRunes)
		case "shouldReconnect":
			m.Connection.ShouldReconnect = truth(d.scalar())
		case "state":
			m.Subscription = subscriptionState(d.scalar())
		default:
			d.skip()
		}
	}
	return m.only()
}

// statusChanges reads one of the three lists: Added, Changed or Removed.
func (d *document) statusChanges(list byte, sink StatusSink) {
	switch list {
	case 'A':
		d.statuses(sink.Add)
	case 'C':
		d.statuses(sink.Change)
	default:
		d.removed(sink.Remove)
	}
}

// only returns the message without what its type does not have.
func (m Message) only() Message {
	if m.Kind != KindConnectionState {
		m.Connection = ConnectionStateChange{Previous: ConnectionUnknown, New: ConnectionUnknown}
	}
	if m.Kind != KindSubscriptionState {
		m.Subscription = SubscriptionUnknown
	}
	return m
}

// messageType returns the known types without an allocation.
func (d *document) messageType() (string, MessageKind) {
	if d.kind() != jsontext.KindString {
		return d.text(), KindOther
	}
	d.name = d.appendText(d.name[:0])
	switch string(d.name) {
	case typeStatus:
		return typeStatus, KindStatus
	case typeConnectionState:
		return typeConnectionState, KindConnectionState
	case typeSubscriptionState:
		return typeSubscriptionState, KindSubscriptionState
	default:
		return string(d.name), KindOther
	}
}

var (
	connectionStates   = []string{"none", "up", "down"}
	subscriptionStates = []string{"none", "normal", "suspended", "faulted"}
)

func connectionState(text string) ConnectionState {
	if n := stateNumber(text, connectionStates); n >= 0 {
		return ConnectionState(n)
	}
	return ConnectionUnknown
}

func subscriptionState(text string) SubscriptionState {
	if n := stateNumber(text, subscriptionStates); n >= 0 {
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

func truth(text string) *bool {
	b, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return nil
	}
	return &b
}
