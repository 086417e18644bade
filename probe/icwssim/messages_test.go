package icwssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestSubscriptionDeliversByPoll(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustSubscribe()
	s.Apply(Add(Status{ID: "New", Group: "Break"}), Remove("at LUNCH"), Change(Status{ID: "Available", Text: "Here", SystemID: "7"}))
	messages := c.poll()
	if len(messages) != 2 {
		t.Fatalf("%d messages, want full and delta", len(messages))
	}
	full, delta := messages[0], messages[1]
	if full.Type != typeStatusMessages || full.IsDelta || len(full.Added) != len(DefaultCatalogue()) {
		t.Errorf("full: %+v", full)
	}
	if !delta.IsDelta || len(delta.Added) != 1 || len(delta.Changed) != 1 || len(delta.Removed) != 1 || delta.Removed[0] != "at LUNCH" {
		t.Errorf("delta: %+v", delta)
	}
	if delta.Added[0].SystemID == "" {
		t.Error("the new status has no systemId")
	}
	copied := replica{}
	copied.apply(full)
	copied.apply(delta)
	if !maps.Equal(copied, replicaOf(s.Truth())) {
		t.Error("replayed messages differ from the truth")
	}
	if r := c.session("GET", messagesPath, ""); r.body != "[]" {
		t.Errorf("an emptied queue answers %s", r.body)
	}
	var list struct{ StatusMessageList []Status }
	parse(t, c.session("GET", "status/status-messages", "").body, &list)
	if !maps.Equal(replicaOf(Truth{Statuses: list.StatusMessageList}), copied) {
		t.Error("the list differs from the messages")
	}
}

func TestTruthCounts(t *testing.T) {
	s := New(Options{Statuses: []Status{
		{ID: "A", Group: "G", IsAcdStatus: true}, {ID: "B", Group: "G", CanHaveDate: true, IsAcdStatus: true}, {ID: "C"},
	}})
	defer s.Close()
	truth := s.Truth()
	g := truth.Groups["G"]
	if g.Entries != 2 || g.Flagged["isAcdStatus"] != 2 || g.Flagged["canHaveDate"] != 1 || len(g.Flagged) != 9 {
		t.Errorf("%+v", g)
	}
	if truth.Groups[""].Entries != 1 || len(truth.Groups) != 2 {
		t.Errorf("%+v", truth.Groups)
	}
	s.Silently(Remove("a"), Add(Status{ID: ""}), Remove("never"))
	if now := s.Truth(); now.Revision != truth.Revision+1 || len(now.Statuses) != 2 {
		t.Errorf("%+v", now)
	}
	if _, found := s.Truth().ByID("b"); !found {
		t.Error("b is gone")
	}
	if _, found := s.Truth().ByID("A"); found {
		t.Error("A is still there")
	}
}

func TestUnsubscribe(t *testing.T) {
	s, c := serve(t, Options{Quirks: Quirks{AnnounceState: true}})
	if r := c.mustConnect().session("DELETE", subscriptionPath, ""); r.code != 204 {
		t.Errorf("DELETE without a subscription: %+v", r)
	}
	c.session("PUT", subscriptionPath, "")
	c.poll()
	if r := c.session("DELETE", subscriptionPath, ""); r.code != 204 {
		t.Errorf("DELETE: %+v", r)
	}
	s.Step(3)
	s.SendFull()
	messages := c.poll()
	if len(messages) != 1 || messages[0].Type != typeSubscriptionState || messages[0].State != SubscriptionNone {
		t.Errorf("after DELETE: %+v", messages)
	}
	s.SetQuirks(Quirks{DeleteMissingCode: 404, HeartbeatCode: 200})
	if r := c.session("DELETE", subscriptionPath, ""); r.code != 404 || !strings.Contains(r.body, "message") {
		t.Errorf("DELETE, quirk 404: %+v", r)
	}
	if r := c.session("POST", "messaging/heartbeat", ""); r.code != 200 {
		t.Errorf("heartbeat, quirk 200: %+v", r)
	}
}

func TestSecondPutResendsUnlessTheQuirkSaysNo(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustSubscribe().poll()
	c.session("PUT", subscriptionPath, "")
	if m := c.poll(); len(m) != 1 || m[0].IsDelta {
		t.Errorf("second PUT: %+v", m)
	}
	s.SetQuirks(Quirks{NoResend: true})
	c.session("PUT", subscriptionPath, "")
	if m := c.poll(); len(m) != 0 {
		t.Errorf("second PUT without resend: %+v", m)
	}
	c.session("DELETE", subscriptionPath, "")
	c.session("PUT", subscriptionPath, "")
	if m := c.poll(); len(m) != 1 || m[0].IsDelta {
		t.Errorf("DELETE and PUT: %+v", m)
	}
}

func TestShapesOfMessages(t *testing.T) {
	one := []Status{{ID: "A", SystemID: "1"}}
	for _, test := range []struct {
		quirks      Quirks
		full, delta string
	}{
		{Quirks{}, `{"__type":"T","isDelta":false,"statusMessagesAdded":[A]}`, `{"__type":"T","isDelta":true,"statusMessagesRemoved":["A"]}`},
		{
			Quirks{Empties: "array"},
			`{"__type":"T","isDelta":false,"statusMessagesAdded":[A],"statusMessagesChanged":[],"statusMessagesRemoved":[]}`,
			`{"__type":"T","isDelta":true,"statusMessagesAdded":[],"statusMessagesChanged":[],"statusMessagesRemoved":["A"]}`,
		},
		{
			Quirks{Empties: "null", FullInChanged: true},
			`{"__type":"T","isDelta":false,"statusMessagesAdded":null,"statusMessagesChanged":[A],"statusMessagesRemoved":null}`,
			`{"__type":"T","isDelta":true,"statusMessagesAdded":null,"statusMessagesChanged":null,"statusMessagesRemoved":["A"]}`,
		},
		{Quirks{IsDeltaLast: true}, `{"__type":"T","statusMessagesAdded":[A],"isDelta":false}`, `{"__type":"T","statusMessagesRemoved":["A"],"isDelta":true}`},
		{
			Quirks{IsDeltaLast: true, TypeLast: true},
			`{"statusMessagesAdded":[A],"isDelta":false,"__type":"T"}`, `{"statusMessagesRemoved":["A"],"isDelta":true,"__type":"T"}`,
		},
	} {
		s, c := serve(t, Options{Statuses: one, Quirks: test.quirks})
		c.mustSubscribe()
		s.Apply(Remove("A"))
		a := string(newCatalogue(one, Quirks{}).entries[0].json)
		want := strings.NewReplacer("[A]", "["+a+"]", `"T"`, `"`+typeStatusMessages+`"`).Replace("[" + test.full + "," + test.delta + "]")
		if r := c.session("GET", messagesPath, ""); r.body != want {
			t.Errorf("%+v:\n got %s\nwant %s", test.quirks, r.body, want)
		}
	}
}

func TestPropertiesOfAStatusCanBeReversed(t *testing.T) {
	s, c := serve(t, Options{Statuses: []Status{{ID: "A", Text: "<b>", SystemID: "1"}}})
	c.mustConnect()
	list := func() string { return c.session("GET", "status/status-messages", "").body }
	if got := list(); !strings.HasPrefix(got, `{"statusMessageList":[{"statusId":"A",`) || !strings.HasSuffix(got, `"systemId":"1"}]}`) {
		t.Errorf("%s", got)
	}
	s.SetQuirks(Quirks{ReverseStatus: true})
	if got := list(); !strings.HasPrefix(got, `{"statusMessageList":[{"systemId":"1",`) || !strings.HasSuffix(got, `"statusId":"A"}]}`) {
		t.Errorf("%s", got)
	}
	s.Apply(Change(Status{ID: "a"}))
	if got := list(); !strings.HasSuffix(got, `"statusId":"a"}]}`) || !strings.HasPrefix(got, `{"statusMessageList":[{"systemId":"1",`) {
		t.Errorf("%s", got)
	}
}

func TestSubscriptionStates(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustSubscribe().poll()
	s.SubscriptionState(SubscriptionSuspended)
	s.Step(5)
	if m := c.poll(); len(m) != 1 || m[0].Type != typeSubscriptionState || m[0].State != SubscriptionSuspended {
		t.Errorf("suspended: %+v", m)
	}
	s.SubscriptionState(SubscriptionNormal)
	if m := c.poll(); len(m) != 2 || m[0].State != SubscriptionNormal || m[1].Type != typeStatusMessages || m[1].IsDelta {
		t.Errorf("normal again: %+v", m)
	}
	s.SubscriptionState(SubscriptionFaulted)
	c.poll()
	c.session("PUT", subscriptionPath, "")
	s.Step(1)
	if m := c.poll(); len(m) != 2 || m[0].IsDelta || !m[1].IsDelta {
		t.Errorf("PUT after faulted: %+v", m)
	}
}

func TestEndOfSessionsIsTold(t *testing.T) {
	for _, reconnect := range []bool{true, false} {
		s, c := serve(t, Options{})
		stream := c.mustSubscribe().stream()
		stream.message()
		s.EndSessions(reconnect)
		if m := stream.message(); m.Type != typeConnectionStateChange || m.NewState != 2 || *m.ShouldReconnect != reconnect {
			t.Errorf("told %+v", m)
		}
		if _, err := stream.next(); err == nil {
			t.Error("the stream goes on")
		}
		if r := c.session("GET", messagesPath, ""); r.code != 401 {
			t.Errorf("poll: %+v", r)
		}
		want := fmt.Sprintf(`"shouldReconnect":%v`, reconnect)
		if r := c.session("GET", "connection", ""); !strings.Contains(r.body, want) {
			t.Errorf("state of the former session: %+v", r)
		}
	}
}

func TestFormerSessionsAreForgottenInTime(t *testing.T) {
	s, c := serve(t, Options{})
	first := c.mustConnect().sid
	for range formerSessions {
		c.mustConnect()
	}
	s.ExpireSessions()
	if r := c.session("GET", "connection", ""); r.code != 200 {
		t.Errorf("recent former session: %+v", r)
	}
	c.sid = first
	if r := c.session("GET", "connection", ""); r.code != 401 {
		t.Errorf("old former session: %+v", r)
	}
}

func TestQueueBound(t *testing.T) {
	for quirk, want := range map[string]string{"drop-oldest": "[2,3]", "drop-newest": "[1,2]"} {
		s, c := serve(t, Options{Quirks: Quirks{QueueBound: 2, QueueFull: quirk}})
		c.mustConnect()
		for _, m := range []string{"1", "2", "3"} {
			s.Send(m)
		}
		if r := c.session("GET", messagesPath, ""); r.body != want {
			t.Errorf("%v: %s, want %s", quirk, r.body, want)
		}
	}
	s, c := serve(t, Options{Quirks: Quirks{QueueBound: 2, QueueFull: "end-session"}})
	c.mustConnect()
	for range 3 {
		s.Send("{}")
	}
	if r := c.session("GET", messagesPath, ""); r.code != 401 {
		t.Errorf("session with a full queue: %+v", r)
	}
}

func TestManyStatuses(t *testing.T) {
	const n = 100_000
	s, c := serve(t, Options{Statuses: Catalogue(n, 1)})
	if c.mustSubscribe(); len(c.poll()[0].Added) != n {
		t.Error("the full message is not whole")
	}
	if !json.Valid([]byte(c.session("GET", "status/status-messages", "").body)) {
		t.Error("the list is not JSON")
	}
	if got := len(replicaOf(s.Truth())); got != n {
		t.Errorf("%d distinct ids, want %d", got, n)
	}
}
