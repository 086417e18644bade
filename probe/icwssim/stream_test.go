package icwssim

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStreamDelivers(t *testing.T) {
	s, c := serve(t, Options{})
	stream := c.mustConnect().stream()
	if got := stream.response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type = %s", got)
	}
	c.session("PUT", subscriptionPath, "{}")
	if full := stream.message(); full.IsDelta || len(full.Added) != len(DefaultCatalogue()) {
		t.Errorf("full: %+v", full)
	}
	s.Apply(Remove("Available"))
	if delta := stream.message(); !delta.IsDelta || delta.Removed[0] != "Available" {
		t.Errorf("delta: %+v", delta)
	}
	s.SendFull()
	if full := stream.message(); full.IsDelta {
		t.Errorf("sent full: %+v", full)
	}
	if live := s.Sessions(); !live[0].Streaming || !live[0].Subscribed {
		t.Errorf("%+v", live)
	}
	if s.Counts().Of(OpStream, 200) != 1 {
		t.Errorf("%v", s.Counts())
	}
}

func TestOldServersAnswerAStreamAsAPoll(t *testing.T) {
	_, c := serve(t, Options{MessagingVersion: 1})
	r := c.mustConnect().session("GET", messagesPath, "", "Accept", "text/event-stream")
	if r.code != 200 || r.header.Get("Content-Type") != mediaType || r.body != "[]" {
		t.Errorf("%+v", r)
	}
}

func TestSecondStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{})
		defer stop()
		first := c.mustSubscribe().stream()
		first.message()
		second := c.stream()
		if _, err := first.next(); err == nil {
			t.Error("the first stream goes on")
		}
		s.Step(1)
		second.message()

		s.SetQuirks(Quirks{SecondStream: "refused"})
		if r := c.session("GET", messagesPath, "", "Accept", "text/event-stream"); r.code != 400 {
			t.Errorf("refused: %+v", r)
		}
		s.SetQuirks(Quirks{SecondStream: "shares"})
		third := c.stream()
		second.close()
		synctest.Wait() // until the server knows: what it gives to a closed stream is lost
		s.Step(1)
		third.message()
	})
}

func TestReplay(t *testing.T) {
	s, c := serve(t, Options{Quirks: Quirks{Replay: true}})
	first := c.mustConnect().stream()
	ids := []string{}
	for _, m := range []string{`{"__type":"a"}`, `{"__type":"b"}`, `{"__type":"c"}`} {
		s.Send(m)
		first.message()
		ids = append(ids, first.lastID)
	}
	second := c.stream("Last-Event-ID", ids[0])
	if m := second.message(); m.Type != "b" || second.lastID != ids[1] {
		t.Errorf("replayed %+v, id %s", m, second.lastID)
	}
	if m := second.message(); m.Type != "c" {
		t.Errorf("replayed %+v", m)
	}
}

func TestStreamsPingAndSurviveIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Life: Life{Interval: 10 * time.Minute}})
		defer stop()
		stream := c.mustSubscribe().stream()
		copied := replica{}
		copied.apply(stream.message())
		start := time.Now()
		for time.Since(start) < 24*time.Hour {
			m := stream.message()
			copied.apply(m)
		}
		if want := int(time.Since(start) / (15 * time.Second)); stream.pings < want-1 || stream.pings > want+1 {
			t.Errorf("%d pings, want about %d", stream.pings, want)
		}
		if n := s.Truth().Revision; n < 130 || n > 160 {
			t.Errorf("%d deltas in a day, want about 144", n)
		}
		if !maps.Equal(copied, replicaOf(s.Truth())) {
			t.Error("replayed messages differ from the truth")
		}
		stream.close()
		synctest.Wait()
		time.Sleep(5*time.Minute - time.Second)
		if len(s.Sessions()) != 1 {
			t.Error("the session ended too early after its stream")
		}
		time.Sleep(2 * time.Second)
		if len(s.Sessions()) != 0 {
			t.Error("the session outlives its stream")
		}
	})
}

func TestSessionsExpireWhenUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, stop := serveInBubble(t, Options{})
		defer stop()
		c.mustSubscribe()
		for range 10 {
			time.Sleep(4 * time.Minute)
			c.poll()
		}
		time.Sleep(5 * time.Minute)
		if r := c.session("GET", messagesPath, ""); r.code != http.StatusUnauthorized {
			t.Errorf("%+v", r)
		}
		if r := c.session("GET", "connection", ""); !strings.Contains(r.body, `"reason":"The session expired."`) {
			t.Errorf("%+v", r)
		}
	})
}

func TestClockOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, stop := serveInBubble(t, Options{ClockOffset: time.Hour})
		defer stop()
		r := c.do("GET", "/icws/connection/server-time", "")
		if r.body != `{"serverUtcTime":"20000101T010000Z"}` || r.header.Get("Date") != "Sat, 01 Jan 2000 01:00:00 GMT" {
			t.Errorf("%+v", r)
		}
	})
}

func TestCloseEndsWhatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Life: Life{Interval: time.Second}})
		defer stop()
		stream := c.mustConnect().stream()
		s.Inject(Fault{Operation: OpVersion, Delay: time.Hour})
		s.Inject(Fault{Operation: OpList, Stall: true})
		ended := make(chan result)
		for _, path := range []string{"/icws/connection/version", "/icws/" + c.sid + "/status/status-messages"} {
			go func() { ended <- c.do("GET", path, "", "Cookie", c.cookie, HeaderToken, c.token) }()
		}
		synctest.Wait()
		s.Close()
		if _, err := stream.next(); err == nil {
			t.Error("the stream goes on")
		}
		for range 2 { // http.Transport may have asked again, after Close
			if r := <-ended; r.err == nil && r.code != http.StatusServiceUnavailable {
				t.Errorf("a held answer came: %+v", r)
			}
		}
		if r := c.do("GET", "/icws/connection/version", ""); r.code != http.StatusServiceUnavailable {
			t.Errorf("after Close: %+v", r)
		}
		before := s.Truth().Revision
		time.Sleep(time.Minute)
		if s.Truth().Revision != before {
			t.Error("the catalogue lives on")
		}
	})
}

func TestCloseDoesNotWaitForAClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Statuses: Catalogue(1000, 1)})
		defer stop()
		c.mustSubscribe().stream()
		synctest.Wait()
		start := time.Now()
		s.Close()
		if took := time.Since(start); took > closeGrace {
			t.Errorf("Close took %v", took)
		}
	})
}
