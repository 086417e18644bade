package icws

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// UserStatuses is the subscription to what users do (docs/protocol-users.md, 2). Its
// body is a UserStatusBody. It has no list: one user can be read at a time.
var UserStatuses = &Subscription{
	Name:        "user-statuses",
	Path:        "status/user-statuses",
	MessageType: "urn:inin.com:status:userStatusMessage",
	Personal:    true,
	Put:         OpSubscribeOptional,
	Delete:      OpUnsubscribeOptional,
}

// UserStatusBody says whose statuses the subscription is about, all of them each time.
// That it asks for no properties has a reason: a server could take them for a filter.
type UserStatusBody struct {
	UserIDs []string `json:"userIds"`
}

// Said is a boolean that may be absent.
type Said uint8

// The values of Said.
const (
	Absent Said = iota
	False
	True
)

// UserStatus is one user as it was read: what is needed for counts, and nothing of
// notes, stations, numbers and names. It and its slices are valid only during the call
// that receives it.
type UserStatus struct {
	UserID, StatusID  []byte
	LoggedIn, OnPhone Said
	// StatusChanged is a Unix time in seconds; 0 when it was absent or made no sense.
	StatusChanged int64
}

// UserStatusSink takes the entries of a message while they are decoded. What it was
// given counts only when the decoding call returns without an error, and for a message
// only when it is From UserStatuses.
type UserStatusSink interface {
	// Begin forgets what was taken since the Begin before.
	Begin()
	Add(*UserStatus)
	// Malformed says that something was no entry.
	Malformed()
}

// NewUserStatusReader makes a reader of UserStatuses.
func NewUserStatusReader(sink UserStatusSink) *Reader {
	r := &userStatusReader{sink: sink}
	return &Reader{
		of:      UserStatuses,
		begin:   sink.Begin,
		members: map[string]func(*document){"userStatusList": r.list},
		object:  r.entry,
	}
}

// userStatusReader has what is reused from one user to the next.
type userStatusReader struct {
	sink UserStatusSink
	user UserStatus
}

// list reads an array of userStatus. What is none is left out, and is no reason to
// refuse the document: in that, other messages may come that more depends on.
func (r *userStatusReader) list(d *document) {
	if cap(r.user.UserID)+cap(r.user.StatusID) > maxKeptBuffer {
		r.user = UserStatus{}
	}
	if d.kind() != jsontext.KindBeginArray {
		d.skip()
		r.sink.Malformed()
		return
	}
	for range d.elements {
		r.entry(d)
	}
}

func (r *userStatusReader) entry(d *document) {
	if d.kind() != jsontext.KindBeginObject {
		d.skip()
		r.sink.Malformed()
		return
	}
	d.userStatus(&r.user)
	if d.err == nil {
		r.sink.Add(&r.user)
	}
}

// userStatus reads one userStatus (docs/protocol-users.md, 3).
func (d *document) userStatus(u *UserStatus) {
	*u = UserStatus{UserID: u.UserID[:0], StatusID: u.StatusID[:0]}
	for name := range d.members {
		switch string(name) {
		case "userId":
			u.UserID = d.anyText(u.UserID[:0])
		case "statusId":
			u.StatusID = d.anyText(u.StatusID[:0])
		case "loggedIn":
			u.LoggedIn = d.said()
		case "onPhone":
			u.OnPhone = d.said()
		case "statusChanged":
			u.StatusChanged = d.date()
		default:
			d.skip()
		}
	}
}

// anyText is appendText for what may be anything: nothing is appended of what is no
// text.
func (d *document) anyText(b []byte) []byte {
	switch d.kind() {
	case jsontext.KindString, jsontext.KindNumber:
		return d.appendText(b)
	default:
		d.skip()
		return b
	}
}

// said reads a boolean or a string that says so; anything else is Absent.
func (d *document) said() Said {
	switch d.kind() {
	case jsontext.KindTrue:
		d.token()
		return True
	case jsontext.KindFalse:
		d.token()
		return False
	case jsontext.KindString:
		switch v := d.value(); {
		case bytes.EqualFold(v, []byte(`"true"`)):
			return True
		case bytes.EqualFold(v, []byte(`"false"`)):
			return False
		}
	default:
		d.skip()
	}
	return Absent
}

// date reads a time in seconds; 0 for what is none.
func (d *document) date() int64 {
	if d.kind() != jsontext.KindString {
		d.skip()
		return 0
	}
	v := d.value()
	if d.err != nil {
		return 0
	}
	return unixTime(v[1 : len(v)-1])
}

// unixTime reads a date in one of the spellings that servers and clients have: compact
// or extended, with or without a T and fractions of a second, in UTC unless it says
// otherwise. It returns 0 for anything else.
func unixTime(text []byte) int64 {
	// The compact one is in every payload that is known.
	if len(text) == len("20060102T150405Z") && text[8] == 'T' && text[15] == 'Z' {
		day, ok := digits(text[:8])
		clock, ok2 := digits(text[9:15])
		month, hour, minute, second := day/100%100, clock/10000, clock/100%100, clock%100
		if !ok || !ok2 || month < 1 || month > 12 || day%100 < 1 || day%100 > 31 || hour > 23 || minute > 59 || second > 60 {
			return 0
		}
		return after1970(time.Date(day/10000, time.Month(month), day%100, hour, minute, second, 0, time.UTC))
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, string(text)); err == nil {
			return after1970(t)
		}
	}
	return 0
}

var dateLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"20060102T150405Z07:00", "20060102T150405", "20060102150405Z07:00", "20060102150405",
}

func digits(text []byte) (n int, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// after1970 leaves out what servers write for "never".
func after1970(t time.Time) int64 { return max(t.Unix(), 0) }

// UserStatus reads what one user does (docs/protocol-users.md, 1, C) and hands it to
// to.
func (s *Session) UserStatus(ctx context.Context, id string, to *Reader) error {
	name := url.PathEscape(id)
	if id == "." || id == ".." {
		name = strings.ReplaceAll(id, ".", "%2E") // else it is another resource
	}
	r := s.request(OpUserStatus, resources[OpUserStatus].path+"/"+name)
	r.people = true
	return s.client.exchange(ctx, r, func(d *document, _ http.Header) {
		to.begin()
		to.object(d)
	})
}
