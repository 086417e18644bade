package icws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// userLog takes down what it is given.
type userLog struct {
	lines     []string
	malformed int
}

func (l *userLog) Begin()     { *l = userLog{} }
func (l *userLog) Malformed() { l.malformed++ }
func (l *userLog) Add(u *UserStatus) {
	l.lines = append(l.lines, fmt.Sprintf("%s %s in=%d phone=%d since=%d", u.UserID, u.StatusID, u.LoggedIn, u.OnPhone, u.StatusChanged))
}

const userMessage = `{"__type":"urn:inin.com:status:userStatusMessage","userStatusList":[
 {"userId":"a.agent","statusId":"Available","statusChanged":"20210706T193229Z","icServers":["cic-a"],"stations":["ws-17"],"loggedIn":true,"onPhone":false,
  "onPhoneChanged":"20210706T191500Z","notes":"at the dentist","forwardNumber":"+15550199","until":{"untilDateTime":"20210707T000000Z","hasDate":true,"hasTime":false}},
 {"__type":"urn:inin.com:status:userStatus","userId":"b.agent","statusId":"Gone Home","loggedIn":false,"until":null},
 {"userId":"c.agent","statusId":"at lunch"}],"isDelta":false}`

func TestUserStatusMessage(t *testing.T) {
	want := []string{
		"a.agent Available in=2 phone=1 since=1625599949",
		"b.agent Gone Home in=1 phone=0 since=0",
		"c.agent at lunch in=0 phone=0 since=0",
	}
	for name, text := range map[string]string{
		"as they are":                 userMessage,
		"the type and the flag first": `{"isDelta":false,"__type":"urn:inin.com:status:userStatusMessage",` + strings.TrimPrefix(strings.Replace(userMessage, `"__type":"urn:inin.com:status:userStatusMessage",`, "", 1), "{"),
	} {
		var users userLog
		m := decodeBoth(t, text, &users)
		if m.Kind != KindContent || m.From != UserStatuses || m.IsDelta {
			t.Errorf("%s: %+v", name, m)
		}
		if d := cmp.Diff(want, users.lines); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// decodeBoth decodes one message for the readers of both subscriptions, whole and
// byte by byte.
func decodeBoth(t *testing.T, text string, users *userLog) Message {
	t.Helper()
	var messages [2]Message
	var logs [2]userLog
	for i := range 2 {
		var src = newDocument(strings.NewReader(text))
		if i == 1 {
			src = newDocument(iotest.OneByteReader(strings.NewReader(text)))
		}
		messages[i] = src.message([]*Reader{NewStatusReader(&sinkLog{}), NewUserStatusReader(&logs[i])})
		if err := src.end(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		src.release()
	}
	if d := cmp.Diff(messages[0].IsDelta, messages[1].IsDelta) + cmp.Diff(logs[0].lines, logs[1].lines); d != "" {
		t.Fatalf("whole and in bytes differ:\n%s", d)
	}
	*users = logs[0]
	return messages[0]
}

// What makes no sense of users must not cost the messages that come beside them.
func TestOddUsersCostNothingElse(t *testing.T) {
	for _, tc := range []struct {
		list, want string
		malformed  int
	}{
		{`[]`, "", 0},
		{`null`, "", 1},
		{`{"userId":"a"}`, "", 1},
		{`7`, "", 1},
		{`[7,null,"x",[],{"userId":"a","statusId":"s"}]`, "a s in=0 phone=0 since=0", 4},
		{`[{}]`, "  in=0 phone=0 since=0", 0},
		{`[{"userId":7,"statusId":8}]`, "7 8 in=0 phone=0 since=0", 0},
		{`[{"userId":{},"statusId":[1]}]`, "  in=0 phone=0 since=0", 0},
		{`[{"userId":"a","statusId":"s","loggedIn":"TRUE","onPhone":"false"}]`, "a s in=2 phone=1 since=0", 0},
		{`[{"userId":"a","statusId":"s","loggedIn":1,"onPhone":null,"statusChanged":17}]`, "a s in=0 phone=0 since=0", 0},
		{`[{"userId":"a","statusId":"s","loggedIn":"perhaps","statusChanged":"soon"}]`, "a s in=0 phone=0 since=0", 0},
		{`[{"userId":"a","userId":"b","statusId":"s"}]`, "b s in=0 phone=0 since=0", 0},
	} {
		var users userLog
		m := decodeBoth(t, `{"userStatusList":`+tc.list+`,"isDelta":true,"__type":"`+UserStatuses.MessageType+`"}`, &users)
		if got := strings.Join(users.lines, "\n"); got != tc.want || users.malformed != tc.malformed || !m.IsDelta || m.From != UserStatuses {
			t.Errorf("%s: %q, %d malformed, %+v", tc.list, got, users.malformed, m)
		}
	}
}

func TestUnixTime(t *testing.T) {
	const want = 1625599949
	for text, at := range map[string]int64{
		"20210706T193229Z": want, "2021-07-06T19:32:29Z": want, "2021-07-06T19:32:29.5Z": want, "2021-07-06T21:32:29+02:00": want,
		"2021-07-06 19:32:29": want, "20210706T193229.123Z": want, "20210706193229": want, "2021-07-06T19:32:29": want,
		"": 0, "never": 0, "20211306T193229Z": 0, "2021070xT193229Z": 0, "00010101T000000Z": 0, "20210706T253229Z": 0,
	} {
		if got := unixTime([]byte(text)); got != at {
			t.Errorf("%q: %d, want %d", text, got, at)
		}
	}
}

// Whatever a server says of users: no panic, no number of entries that it did not
// send, and nothing of what is not for us.
func FuzzUserStatuses(f *testing.F) {
	f.Add([]byte(userMessage))
	f.Add([]byte(`{"userStatusList":[7,null,{"userId":{}}],"isDelta":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var logs [2]userLog
		var errs [2]error
		for i := range 2 {
			d := newDocument(bytes.NewReader(text))
			if i == 1 {
				d = newDocument(iotest.OneByteReader(bytes.NewReader(text)))
			}
			d.message([]*Reader{NewUserStatusReader(&logs[i])})
			errs[i] = d.end()
			d.release()
		}
		if (errs[0] == nil) != (errs[1] == nil) || cmp.Diff(logs[0].lines, logs[1].lines) != "" {
			t.Fatalf("whole and in bytes differ: %v, %v", errs[0], errs[1])
		}
		if errs[0] == nil && !json.Valid(text) {
			t.Fatalf("decoded although it is no JSON: %q", text)
		}
	})
}

func TestOneUser(t *testing.T) {
	s := newServer(t)
	s.session("GET status/user-statuses/{id}", answering(200, `{"userId":"a","statusId":"Available","loggedIn":true,"notes":"x"}`))
	session, _ := s.connected(t, Options{})
	for id, want := range map[string]string{"a/b c": "a%2Fb%20c", "..": "%2E%2E", ".": "%2E", "ä": "%C3%A4", "a?b#c": "a%3Fb%23c"} {
		var users userLog
		if err := session.UserStatus(t.Context(), id, NewUserStatusReader(&users)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if d := cmp.Diff([]string{"a Available in=2 phone=0 since=0"}, users.lines); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		all := s.seen()
		if got := all[len(all)-1].path; got != "/icws/1000001/status/user-statuses/"+want {
			t.Errorf("%s: asked %s", id, got)
		}
	}
}

func TestSubscriptionOfUsers(t *testing.T) {
	s := newServer(t)
	s.session("PUT messaging/subscriptions/status/user-statuses", answering(200, ""))
	session, _ := s.connected(t, Options{})
	if err := session.SubscribeWithin(t.Context(), time.Minute, UserStatuses, UserStatusBody{UserIDs: []string{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	all := s.seen()
	if got, want := all[len(all)-1].body, `{"userIds":["a","b"]}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// A slow request has its own limit, and the others keep theirs.
func TestOwnLimitOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		c := NewClient(mustURL(t, "http://a:1"), rt, Options{RequestTimeout: 2 * time.Second})
		session := &Session{client: c, id: "1"}
		for limit, want := range map[time.Duration]time.Duration{0: 2 * time.Second, time.Minute: time.Minute} {
			start := time.Now()
			if err := session.SubscribeWithin(t.Context(), limit, UserStatuses, nil); ReasonOf(err) != FailTimeout {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("limit %s: ended after %s", limit, took)
			}
		}
	})
}
