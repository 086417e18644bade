package icws

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// decodeMessage decodes one document as a stream's event is decoded.
func decodeMessage(text string, sink StatusSink) (Message, error) {
	d := newDocument(iotest.HalfReader(strings.NewReader(text)))
	defer d.release()
	m := d.message(into(sink))
	return m, d.end()
}

func decodeList(text string, sink StatusSink) error {
	d := newDocument(skipBOM(iotest.OneByteReader(strings.NewReader(text))))
	defer d.release()
	NewStatusReader(sink).list(d)
	return d.end()
}

var noConnection ConnectionStateChange

func otherMessage(typ string, delta bool) Message {
	return Message{Type: typ, IsDelta: delta, Connection: noConnection, Subscription: SubscriptionUnknown}
}

func connectionMessage(c ConnectionStateChange) Message {
	return Message{Type: typeConnectionState, Kind: KindConnectionState, Connection: c, Subscription: SubscriptionUnknown}
}

func subscriptionMessage(s SubscriptionState) Message {
	return Message{Type: typeSubscriptionState, Kind: KindSubscriptionState, Connection: noConnection, Subscription: s}
}

func TestMessages(t *testing.T) {
	no, yes := false, true
	connection := func(rest string) string { return `{"__type":"` + typeConnectionState + `"` + rest + `}` }
	subscription := func(rest string) string { return `{"__type":"` + typeSubscriptionState + `"` + rest + `}` }
	for name, test := range map[string]struct {
		text string
		want Message
	}{
		"down": {testdata(t, "message_connection_down.json"), connectionMessage(ConnectionStateChange{
			Down: true, Reason: "Another session was started by this user.", ShouldReconnect: &no})},
		"down in words": {connection(`,"previousConnectionState":"Up","newConnectionState":"down","shouldReconnect":"true"`),
			connectionMessage(ConnectionStateChange{Down: true, ShouldReconnect: &yes})},
		"digits in a string": {connection(`,"previousConnectionState":"0","newConnectionState":"1","shouldReconnect":null`),
			connectionMessage(noConnection)},
		"states that do not exist": {connection(`,"previousConnectionState":7,"newConnectionState":{"a":1},"reason":["x"]`), connectionMessage(noConnection)},
		"reason of several lines":  {connection(`,"reason":"a\r\nb"`), connectionMessage(ConnectionStateChange{Reason: "a b"})},
		"faulted":                  {testdata(t, "message_subscription_faulted.json"), subscriptionMessage(SubscriptionFaulted)},
		"normal":                   {subscription(`,"state":1,"isDelta":null`), subscriptionMessage(SubscriptionNormal)},
		"suspended in a word":      {subscription(`,"state":"suspended"`), subscriptionMessage(SubscriptionSuspended)},
		"state missing":            {subscription(``), subscriptionMessage(SubscriptionUnknown)},
		"state out of range":       {subscription(`,"state":4`), subscriptionMessage(SubscriptionUnknown)},
		"async":                    {testdata(t, "message_async_completed.json"), otherMessage("urn:inin.com:messaging:asyncOperationCompletedMessage", false)},
		"no type":                  {`{"isDelta":true}`, otherMessage("", true)},
		"empty":                    {`{}`, otherMessage("", false)},
		"others have states too":   {`{"state":{"deep":[1]},"reason":7,"newConnectionState":2,"__type":"urn:x","isDelta":"True"}`, otherMessage("urn:x", true)},
		"lists of another type":    {`{"__type":"urn:x","statusMessagesAdded":"what"}`, otherMessage("urn:x", false)},
		"type as a number":         {`{"__type":6}`, otherMessage("6", false)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeMessage(test.text, &sinkCount{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembersComeInAnyOrder(t *testing.T) {
	members := []string{
		`"__type":"urn:inin.com:status:statusMessagesMessage"`,
		`"isDelta":true`,
		`"statusMessagesAdded":[{"statusId":"a"},null,{"statusId":"b"}]`,
		`"statusMessagesChanged":[{"isAcdStatus":true,"statusId":"c"}]`,
		`"statusMessagesRemoved":["d",7]`,
		`"unknown":{"statusMessagesAdded":[{"statusId":"x"}]}`,
	}
	want := []string{"add a||||", "add b||||", "begin", "change c|||| isAcdStatus", "remove 7", "remove d"}
	permute(members, func(order []string) {
		var sink sinkLog
		m, err := decodeMessage("{"+strings.Join(order, ",")+"}", &sink)
		if err != nil || m.Kind != KindContent || !m.IsDelta {
			t.Fatalf("%v: %+v, %v", order, m, err)
		}
		slices.Sort(sink.lines)
		if diff := cmp.Diff(want, sink.lines); diff != "" {
			t.Fatalf("%v (-want +got):\n%s", order, diff)
		}
	})
}

func permute(s []string, visit func([]string)) {
	var recurse func(int)
	recurse = func(n int) {
		if n == len(s) {
			visit(s)
			return
		}
		for i := n; i < len(s); i++ {
			s[n], s[i] = s[i], s[n]
			recurse(n + 1)
			s[n], s[i] = s[i], s[n]
		}
	}
	recurse(0)
}

func TestStatusShapes(t *testing.T) {
	for name, test := range map[string]struct {
		entry, want string
	}{
		"nothing known":          {`{}`, "||||"},
		"null everywhere":        {`{"statusId":null,"messageText":null,"groupTag":null,"systemId":null,"isAcdStatus":null}`, "||||"},
		"number for a string":    {`{"statusId":1e2,"systemId":7}`, "1e2||||7"},
		"booleans in strings":    {`{"isAcdStatus":"TRUE","canHaveDate":"false","canHaveTime":true}`, "|||| canHaveTime isAcdStatus"},
		"escaped names":          {`{"\u0073tatusId":"a","is\u0041cdStatus":true}`, "a|||| isAcdStatus"},
		"names are exact":        {`{"StatusID":"a","ISACDSTATUS":true}`, "||||"},
		"escaped text":           {`{"messageText":"a\u00e4\ud83d\ude00\"\\\/\n"}`, "|aä😀\"\\/\n|||"},
		"lone surrogate":         {`{"messageText":"\ud800x"}`, "|\ufffdx|||"},
		"invalid UTF-8":          {"{\"messageText\":\"caf\xe9\",\"groupTag\":\"\xff\\n\"}", "|caf\ufffd||\ufffd\n|"},
		"the last of two counts": {`{"statusId":"a","isAcdStatus":true,"statusId":"b","isAcdStatus":false}`, "b||||"},
		"unknown members":        {`{"new":[{"deep":null}],"statusId":"a","x":1.5e3}`, "a||||"},
		"NUL":                    {`{"statusId":"a\u0000b"}`, "a\x00b||||"},
	} {
		t.Run(name, func(t *testing.T) {
			var sink sinkLog
			if err := decodeList(`{"statusMessageList":[{"statusId":"before","isForwardStatus":true},`+test.entry+`]}`, &sink); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("add "+test.want, sink.lines[2]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestListShapes(t *testing.T) {
	for text, want := range map[string]int{
		`{"statusMessageList":[]}`:                             0,
		`{"statusMessageList":null}`:                           0,
		`{"statusMessageList":[null,{"statusId":"a"}]}`:        1,
		"\ufeff" + `{"statusMessageList":[{},{}],"more":[{}]}`: 2,
	} {
		var sink sinkCount
		if err := decodeList(text, &sink); err != nil || sink.entries != want {
			t.Errorf("%s: %d entries, %v", text, sink.entries, err)
		}
	}
}

func TestUndecodableDocuments(t *testing.T) {
	status := func(rest string) string { return `{"__type":"` + StatusMessages.MessageType + `",` + rest + `}` }
	for _, text := range []string{
		``, ` `, `null`, `[]`, `"x"`, `7`, `{`, `{"isDelta"`, `{"isDelta":true`, `{"isDelta":true}}`, `{} x`, `{}{}`, `{"a":}`, `{a:1}`, `{"a":01}`,
		`{"isDelta":1}`, `{"isDelta":"maybe"}`, `{"isDelta":{}}`, `{"__type":{}}`, `{"__type":true}`, "\xff\xfe{\x00}\x00",
		status(`"statusMessagesAdded":{}`), status(`"statusMessagesAdded":[7]`), status(`"statusMessagesAdded":["a"]`), status(`"statusMessagesAdded":[[]]`),
		status(`"statusMessagesChanged":true`), status(`"statusMessagesRemoved":[{"statusId":"a"}]`), status(`"statusMessagesRemoved":"a"`),
		status(`"statusMessagesAdded":[{"statusId":true}]`), status(`"statusMessagesAdded":[{"messageText":[]}]`), status(`"statusMessagesAdded":[{"isAcdStatus":0}]`),
		status(`"statusMessagesAdded":[{"statusId":"a"`), status(`"statusMessagesAdded":[{"statusId":"a]}`), status(`"unknown":tru`),
		strings.Repeat("[", 20000), `{"x":` + strings.Repeat(`{"x":`, 20000),
	} {
		_, err := decodeMessage(text, &sinkCount{})
		if err == nil {
			t.Errorf("%.60q is decoded", text)
			continue
		}
		if len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%.60q: text %q", text, err)
		}
	}
	for _, text := range []string{`{}`, `{"error":"log on first"}`, `[]`, `null`, ``, `{"statusMessageList":{}}`, `{"statusMessageList":[]`} {
		if err := decodeList(text, &sinkCount{}); err == nil {
			t.Errorf("list %q is decoded", text)
		}
	}
}

func TestDecodeErrorsPointAtTheMember(t *testing.T) {
	_, err := decodeMessage(`{"statusMessagesAdded":[{},{"isAcdStatus":3}]}`, &sinkCount{})
	if want := `number found after "/statusMessagesAdded/1/isAcdStatus" where a boolean belongs`; err == nil || err.Error() != want {
		t.Errorf("err %v", err)
	}
}

func TestDecodingAllocatesLittle(t *testing.T) {
	list := manyStatuses(10_000)
	if n := testing.AllocsPerRun(5, func() {
		d := newDocument(strings.NewReader(list))
		defer d.release()
		NewStatusReader(&sinkCount{}).list(d)
		if err := d.end(); err != nil {
			t.Error(err)
		}
	}); n > 50 {
		t.Errorf("a list of 10,000 costs %v allocations", n)
	}
	delta := strings.TrimSpace(testdata(t, "message_delta.json"))
	poll := "[" + strings.Repeat(delta+",", 99) + delta + "]"
	if n := testing.AllocsPerRun(5, func() {
		d := newDocument(strings.NewReader(poll))
		defer d.release()
		d.messages(into(&sinkCount{}), func(Message) {})
		if err := d.end(); err != nil {
			t.Error(err)
		}
	}); n > 100 {
		t.Errorf("100 messages cost %v allocations", n)
	}
}

// manyStatuses is a list of n entries as a server writes them.
func manyStatuses(n int) string { return `{"statusMessageList":[` + statusEntries(n) + `]}` }

func statusEntries(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"statusId":"status %d","messageText":"The status number %d","iconUri":"/icws/resources/status/icon%d.png",`+
			`"groupTag":"group %d","canHaveDate":false,"canHaveTime":false,"isDoNotDisturbStatus":false,"isSelectableStatus":true,`+
			`"isPersistentStatus":true,"isForwardStatus":false,"isAfterCallWorkStatus":false,"isAcdStatus":%t,`+
			`"isAllowFollowUpStatus":true,"systemId":"%d"}`, i, i, i%20, i%12, i%3 == 0, i)
	}
	return b.String()
}
