package icwssim

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFaultAnswersInsteadOfTheServer(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault Fault
		code  int
		typ   string
		body  string
	}{
		{"error", Fault{Code: 500, ErrorID: "e", Message: "m"}, 500, mediaType, `{"errorId":"e","message":"m"}`},
		{"hosts", Fault{Code: 503, Message: "m", AlternateHosts: []string{"b"}}, 503, mediaType, `{"message":"m","alternateHostList":["b"]}`},
		{"page", Fault{Code: 502, Body: "<html>", ContentType: "text/html"}, 502, "text/html", "<html>"},
		{"broken body", Fault{Body: "[{"}, 200, mediaType, "[{"},
		{"success", Fault{Code: 204}, 204, "", ""},
		{"default message", Fault{Code: 429}, 429, mediaType, `{"message":"An injected fault: 429 Too Many Requests."}`},
		{"redirect", Fault{Code: 302, Headers: map[string]string{"Location": "/login"}, RetryAfter: "3"}, 302, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := serve(t, Options{})
			test.fault.Operation = OpVersion
			id := s.Inject(test.fault)
			r := c.do("GET", "/icws/connection/version", "")
			if r.code != test.code || r.body != test.body || r.header.Get("Content-Type") != test.typ {
				t.Errorf("%+v", r)
			}
			if test.fault.Headers != nil && (r.header.Get("Location") != "/login" || r.header.Get("Retry-After") != "3") {
				t.Errorf("headers: %v", r.header)
			}
			if e := s.Journal()[0]; e.Fault != id || e.Code != test.code {
				t.Errorf("journal: %+v", e)
			}
			if r := c.do("GET", "/icws/connection/features", ""); r.code != 200 {
				t.Errorf("another operation: %+v", r)
			}
		})
	}
}

func TestFaultsSkipCountAndClear(t *testing.T) {
	s, c := serve(t, Options{})
	code := func() int { return c.do("GET", "/icws/connection/version", "").code }
	s.Inject(Fault{Path: "/version$", Method: "GET", Skip: 1, Count: 2, Code: 500})
	lasting := s.Inject(Fault{Path: "^/icws/connection", Skip: 3, Code: 404})
	s.Inject(Fault{Method: "PUT", Code: 400})
	for i, want := range []int{200, 500, 500, 200, 200, 404, 404} {
		if got := code(); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
	}
	if left := s.Faults(); len(left) != 2 || left[0].ID != lasting || left[0].Acted != 2 {
		t.Errorf("faults: %+v", left)
	}
	if n := s.Clear(lasting); n != 1 || code() != 200 {
		t.Errorf("%d cleared", n)
	}
	if n := s.Clear(); n != 1 || len(s.Faults()) != 0 {
		t.Errorf("%d cleared", n)
	}
}

func TestFaultsThatBreakTheConnection(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustSubscribe()
	ten := 10
	s.Inject(Fault{Operation: OpPoll, Drop: true})
	if r := c.session("GET", messagesPath, ""); r.err == nil {
		t.Errorf("dropped: %+v", r)
	}
	if got := s.Sessions()[0].Queued; got != 1 {
		t.Errorf("%d queued: a dropped request must not be served", got)
	}
	dropped := s.Counts().Of(OpPoll, 0)
	s.Clear()
	s.Inject(Fault{Operation: OpPoll, Count: 1, Cut: &ten})
	if r := c.session("GET", messagesPath, ""); !errors.Is(r.err, io.ErrUnexpectedEOF) || r.code != 200 || len(r.body) != 10 {
		t.Errorf("cut: %+v", r)
	}
	if m := c.poll(); len(m) != 0 {
		t.Error("the cut answer is not lost")
	}
	if dropped == 0 || s.Counts().Of(OpPoll, 0) != dropped || s.Counts().Of(OpPoll, 200) != 2 {
		t.Errorf("%v", s.Counts())
	}

	s.Inject(Fault{Operation: OpStream, Count: 1, Cut: new(int)})
	if _, err := c.stream().next(); err == nil {
		t.Error("an event came through a stream cut at once")
	}
	s.Inject(Fault{Operation: OpStream, Count: 1, Cut: &ten})
	stream := c.stream()
	s.SendFull()
	if _, err := stream.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut stream: %v", err)
	}
	stream = c.stream()
	s.SendFull()
	stream.message()
}

func TestDelayAndStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{})
		defer stop()
		c.http.Timeout = 10 * time.Second
		s.Inject(Fault{Operation: OpVersion, Count: 1, Delay: 7 * time.Second})
		start := time.Now()
		if r := c.do("GET", "/icws/connection/version", ""); r.code != 200 || time.Since(start) != 7*time.Second {
			t.Errorf("%+v after %v", r, time.Since(start))
		}
		s.Inject(Fault{Operation: OpVersion, Delay: time.Minute})
		if r := c.do("GET", "/icws/connection/version", ""); r.err == nil {
			t.Errorf("%+v", r)
		}
		s.Inject(Fault{Operation: OpSubscribe, Stall: true})
		if r := c.mustConnect().session("PUT", subscriptionPath, ""); r.code != 200 || r.err == nil {
			t.Errorf("stalled: %+v", r)
		}
		if !s.Sessions()[0].Subscribed {
			t.Error("a stalled request must be served")
		}
		s.Inject(Fault{Operation: OpStream, Stall: true})
		c.http.Timeout = 0
		stream := c.stream()
		time.Sleep(time.Minute)
		stream.close()
		synctest.Wait()
		if stream.pings != 0 || s.Sessions()[0].Streaming {
			t.Error("a stalled stream pings, or stays")
		}
	})
}

func TestSwallowedMessages(t *testing.T) {
	s, c := serve(t, Options{})
	c.mustConnect()
	put := func() { c.session("PUT", subscriptionPath, "") }
	for _, test := range []struct {
		swallow Swallow
		act     func()
		want    int
	}{
		{SwallowFull, put, 0},
		{SwallowFull, func() { s.Step(1) }, 1},
		{SwallowDeltas, put, 1},
		{SwallowDeltas, func() { s.Apply(Remove("At Lunch")) }, 0},
		{SwallowMessages, put, 0},
		{SwallowMessages, func() { s.Apply(Remove("At Lunch")) }, 0},
	} {
		id := s.Inject(Fault{Swallow: test.swallow})
		test.act()
		if got := len(c.poll()); got != test.want {
			t.Errorf("%s: %d messages, want %d", test.swallow, got, test.want)
		}
		s.Clear(id)
	}
	s.Inject(Fault{Swallow: SwallowDeltas, Skip: 1, Count: 1})
	for range 3 {
		s.Apply(Remove("nobody"))
	}
	if got := len(c.poll()); got != 2 || len(s.Faults()) != 0 {
		t.Errorf("%d deltas, want 2 of 3", got)
	}
}

func TestBufferingProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{})
		defer stop()
		s.Inject(Fault{Swallow: SwallowStream, Count: 1})
		stream := c.mustSubscribe().stream()
		time.Sleep(time.Hour)
		if live := s.Sessions(); len(live) != 1 || live[0].Queued != 0 || !live[0].Streaming {
			t.Errorf("%+v", live)
		}
		go s.Close()
		if data, err := stream.next(); err == nil || stream.pings > 0 {
			t.Errorf("%s came, %d pings", data, stream.pings)
		}
	})
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	minus := -1
	for field, f := range map[string]Fault{
		"path": {Path: "("}, "operation": {Operation: "dance"}, "code": {Code: 99}, "skip": {Skip: -1}, "count": {Count: -1},
		"delay": {Delay: -1}, "cut": {Cut: &minus}, "swallow": {Swallow: "whale"}, "hang": {Hang: true, Count: 1}, "late": {Late: SwallowStream, Delay: 1},
		"say": {Say: []Saying{"hello"}, Every: 1}, "every": {Every: -1}, "interim": {Interim: -1},
	} {
		if err := f.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, f := range []Fault{
		{Swallow: SwallowFull, Operation: OpSubscribe}, {Late: SwallowDeltas, Delay: 1, Method: "GET"},
		{Late: SwallowDeltas}, {Say: []Saying{SayFull}},
	} {
		if err := f.Validate(); err == nil {
			t.Errorf("%+v", f)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Inject took an invalid fault")
		}
	}()
	s := New(Options{})
	defer s.Close()
	s.Inject(Fault{Code: 1})
}
