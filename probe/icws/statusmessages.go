package icws

import "errors"

// StatusMessages is the subscription to the status messages (protocol.md, 2 and
// 3.3).
var StatusMessages = &Subscription{
	Name:        "status-messages",
	Path:        "status/status-messages",
	List:        "status/status-messages",
	MessageType: "urn:inin.com:status:statusMessagesMessage",
	Put:         OpSubscribe,
	Delete:      OpUnsubscribe,
}

// StatusMessage is one status message as it was read. It and its slices are valid
// only during the call that receives it.
type StatusMessage struct {
	ID, Text, Icon, Group, SystemID []byte
	// Flags has bit n set when the property StatusFlagNames[n] is true.
	Flags uint16
}

// StatusFlagNames are the boolean properties of a status message, in the order of
// the API page (protocol.md, 3.3).
var StatusFlagNames = [...]string{
	"canHaveDate", "canHaveTime", "isDoNotDisturbStatus",
	"isSelectableStatus", "isPersistentStatus", "isForwardStatus",
	"isAfterCallWorkStatus", "isAcdStatus", "isAllowFollowUpStatus",
}

// StatusSink takes the entries of a message or list while they are decoded. Its
// methods are called on the goroutine that decodes. What it was given counts only
// when the decoding call returns without an error, and for a message only when it
// is From StatusMessages.
type StatusSink interface {
	// Begin forgets what was taken since the Begin before.
	Begin()
	Add(*StatusMessage)
	Change(*StatusMessage)
	// Remove takes an id, which is valid during the call only.
	Remove(id []byte)
}

// NewStatusReader makes a reader of StatusMessages.
func NewStatusReader(sink StatusSink) *Reader {
	r := &statusReader{begin: sink.Begin, add: sink.Add, change: sink.Change, remove: sink.Remove}
	return &Reader{
		of:    StatusMessages,
		begin: r.begin,
		members: map[string]func(*document){
			"statusMessagesAdded":   func(d *document) { r.statuses(d, r.add) },
			"statusMessagesChanged": func(d *document) { r.statuses(d, r.change) },
			"statusMessagesRemoved": r.removed,
		},
		list: r.list,
	}
}

// statusReader has what is reused from one status message to the next.
type statusReader struct {
	begin       func()
	add, change func(*StatusMessage)
	remove      func([]byte)
	status      StatusMessage
}

var errNoList = errors.New("the answer has no statusMessageList")

// list reads the answer to the list (protocol.md, 4).
func (r *statusReader) list(d *document) {
	r.begin()
	found := false
	for name := range d.members {
		if string(name) != "statusMessageList" {
			d.skip()
			continue
		}
		found = true
		r.statuses(d, r.add)
	}
	if !found {
		d.fail(errNoList)
	}
}

// statuses reads an array of statusMessage objects (protocol.md, 3.3).
func (r *statusReader) statuses(d *document, take func(*StatusMessage)) {
	r.shrink()
	for range d.elements {
		if d.null() {
			continue
		}
		if d.status(&r.status); d.err == nil {
			take(&r.status)
		}
	}
}

// removed reads an array of ids.
func (r *statusReader) removed(d *document) {
	r.shrink()
	for range d.elements {
		if d.null() {
			continue
		}
		r.status.ID = d.appendText(r.status.ID[:0])
		if d.err == nil {
			r.remove(r.status.ID)
		}
	}
}

// shrink does not keep what one huge status message needed.
func (r *statusReader) shrink() {
	s := &r.status
	if cap(s.ID)+cap(s.Text)+cap(s.Icon)+cap(s.Group)+cap(s.SystemID) > maxKeptBuffer {
		*s = StatusMessage{}
	}
}

// status reads one statusMessage. What is absent is empty or false.
func (d *document) status(s *StatusMessage) {
	s.ID, s.Text, s.Icon = s.ID[:0], s.Text[:0], s.Icon[:0]
	s.Group, s.SystemID, s.Flags = s.Group[:0], s.SystemID[:0], 0
	for name := range d.members {
		switch string(name) {
		case "statusId":
			s.ID = d.appendText(s.ID[:0])
		case "messageText":
			s.Text = d.appendText(s.Text[:0])
		case "iconUri":
			s.Icon = d.appendText(s.Icon[:0])
		case "groupTag":
			s.Group = d.appendText(s.Group[:0])
		case "systemId":
			s.SystemID = d.appendText(s.SystemID[:0])
		default:
			bit := statusFlag(name)
			if bit == 0 {
				d.skip()
				continue
			}
			s.Flags &^= bit
			if d.boolean() {
				s.Flags |= bit
			}
		}
	}
}

// statusFlag is the bit of a property, 0 for one that is no flag. It is a switch
// because it is asked nine times for every status message.
func statusFlag(name []byte) uint16 {
	switch string(name) {
	case "canHaveDate":
		return 1 << 0
	case "canHaveTime":
		return 1 << 1
	case "isDoNotDisturbStatus":
		return 1 << 2
	case "isSelectableStatus":
		return 1 << 3
	case "isPersistentStatus":
		return 1 << 4
	case "isForwardStatus":
		return 1 << 5
	case "isAfterCallWorkStatus":
		return 1 << 6
	case "isAcdStatus":
		return 1 << 7
	case "isAllowFollowUpStatus":
		return 1 << 8
	default:
		return 0
	}
}
