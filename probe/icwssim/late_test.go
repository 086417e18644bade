package icwssim

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A log-on whose client gave up is still in the queue of the server.
func TestGivenUpRequestsAreServedLate(t *testing.T) {
	for name, fault := range map[string]Fault{
		"served anyway": {Operation: OpConnect, Delay: time.Minute, ServeAnyway: true},
		"hung":          {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c, stop := serveInBubble(t, Options{})
				defer stop()
				c.http.Timeout = 10 * time.Second
				s.Inject(fault)
				for range 3 {
					if r := c.connect(""); r.err == nil {
						t.Errorf("answered: %+v", r)
					}
				}
				if n := len(s.Sessions()); n != 0 {
					t.Errorf("%d sessions before the server goes on", n)
				}
				time.Sleep(time.Minute)
				s.Clear()
				synctest.Wait()
				if n := len(s.Sessions()); n != 3 {
					t.Errorf("%d sessions, want one for each log-on", n)
				}
			})
		})
	}
}

func TestHangStopsOpenStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Quirks: Quirks{PingInterval: Period(5 * time.Second)}})
		defer stop()
		stream := c.mustSubscribe().stream()
		stream.message()
		s.Inject(Fault{Hang: true})
		s.Apply(Remove("At Lunch"))
		go func() {
			time.Sleep(2 * time.Minute)
			s.Clear()
		}()
		began := time.Now()
		if m := stream.message(); !m.IsDelta || stream.pings != 0 || time.Since(began) < 2*time.Minute {
			t.Errorf("%+v with %d pings after %s", m, stream.pings, time.Since(began))
		}
	})
}

func TestLateMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{})
		defer stop()
		stream := c.mustSubscribe().stream()
		stream.message()
		id := s.Inject(Fault{Late: SwallowDeltas, Delay: time.Minute})
		began := time.Now()
		s.Apply(Remove("At Lunch"))
		s.SendFull()
		if m := stream.message(); m.IsDelta || time.Since(began) > 0 {
			t.Errorf("the full message is not before the late delta: %+v", m)
		}
		s.Clear(id)
		s.Apply(Remove("Gone Home"))
		for _, want := range []string{"At Lunch", "Gone Home"} {
			if m := stream.message(); len(m.Removed) != 1 || m.Removed[0] != want || time.Since(began) != time.Minute {
				t.Errorf("%+v after %s, want %s removed", m, time.Since(began), want)
			}
		}
		s.Inject(Fault{Late: SwallowMessages, Delay: time.Minute})
		s.SendFull()
		s.EndSessions(true)
		began = time.Now()
		if m := stream.message(); m.IsDelta || time.Since(began) != time.Minute {
			t.Errorf("%+v after %s", m, time.Since(began))
		}
		if m := stream.message(); m.NewState != connectionDown {
			t.Errorf("%+v", m)
		}
		if _, err := stream.next(); err == nil {
			t.Error("the stream goes on after the session")
		}
	})
}

func TestLatePolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{})
		defer stop()
		s.Inject(Fault{Late: SwallowFull, Delay: time.Minute})
		c.mustSubscribe()
		s.Step(1)
		if m := c.poll(); len(m) != 1 || !m[0].IsDelta {
			t.Errorf("at once: %+v", m)
		}
		time.Sleep(time.Minute)
		if m := c.poll(); len(m) != 1 || m[0].IsDelta {
			t.Errorf("a minute later: %+v", m)
		}
	})
}

func TestServerTalksOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Quirks: Quirks{SessionIdle: Period(3 * time.Hour)}})
		defer stop()
		c.mustSubscribe().poll()
		s.Inject(Fault{Say: []Saying{SayFaulted, SayFull, SayUnknown}, Every: time.Second, Count: 4})
		s.Inject(Fault{Say: []Saying{SayNewIDs}, Every: 40 * time.Minute})
		s.Inject(Fault{Say: []Saying{SayOldFull}, Every: time.Hour})
		s.Silently(Remove("At Lunch"))
		time.Sleep(90 * time.Minute)
		m := c.poll()
		if len(m) != 7 || m[0].State != SubscriptionFaulted || m[1].IsDelta || m[2].Type != "urn:inin.com:new:message" ||
			m[3].State != SubscriptionFaulted {
			t.Fatalf("%+v", m)
		}
		now, old := len(m[1].Added), len(m[5].Added)
		if !m[4].IsDelta || len(m[4].Added) != newIDs || m[4].Added[0].ID == m[6].Added[0].ID {
			t.Errorf("no new statuses: %+v", m[4])
		}
		if m[5].IsDelta || old != now+1 {
			t.Errorf("%d statuses in the old list, %d in the new one", old, now)
		}
		if !s.Sessions()[0].Subscribed || len(s.Truth().Statuses) != now {
			t.Error("what is said has changed the server")
		}
	})
}

// Nobody reads: the fault waits, and does not fill the memory.
func TestTalkIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Quirks: Quirks{SessionIdle: Period(3 * time.Hour)}})
		defer stop()
		c.mustSubscribe()
		s.Inject(Fault{Say: []Saying{SayUndecodable}, Every: time.Second})
		time.Sleep(time.Hour)
		if n := s.Sessions()[0].Queued; n != enoughUnread {
			t.Errorf("%d queued", n)
		}
	})
}

func TestFullForEveryChange(t *testing.T) {
	s, c := serve(t, Options{Quirks: Quirks{FullForEveryChange: true}})
	c.mustSubscribe().poll()
	s.Apply(Remove("At Lunch"))
	if m := c.poll(); len(m) != 1 || m[0].IsDelta || len(m[0].Added) != len(s.Truth().Statuses) {
		t.Errorf("%+v", m)
	}
}

func TestCatalogueRights(t *testing.T) {
	s, c := serve(t, Options{Quirks: Quirks{CatalogueRights: "filtered"}, Life: Life{Seed: 3}})
	c.mustSubscribe()
	n := len(s.Truth().Statuses)
	if all := len(DefaultCatalogue()); n == 0 || n >= all {
		t.Errorf("%d of %d statuses are seen", n, all)
	}
	s.Step(200)
	var seen replica
	for _, m := range c.poll() {
		seen.apply(m)
	}
	if want := replicaOf(s.Truth()); !maps.Equal(seen, want) {
		t.Errorf("%d statuses came, want %d", len(seen), len(want))
	}
	r := c.session("GET", "status/status-messages", "")
	if got := strings.Count(r.body, `"statusId"`); got != len(seen) {
		t.Errorf("%d statuses in the list, want %d", got, len(seen))
	}
	s.SetQuirks(Quirks{})
	if got := len(s.Truth().Statuses); got <= len(seen) {
		t.Errorf("%d statuses with all rights", got)
	}
}

// What Go's client would hide is read from the socket.
func TestInterimAnswers(t *testing.T) {
	s, c := serve(t, Options{})
	raw := func(lines int) []string {
		t.Helper()
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(c.patience))
		if _, err := conn.Write([]byte("GET /icws/connection/version HTTP/1.1\r\nHost: sim\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		var got []string
		for in := bufio.NewScanner(conn); len(got) < lines && in.Scan(); {
			if strings.HasPrefix(in.Text(), "HTTP/1.1 ") {
				got = append(got, strings.Fields(in.Text())[1])
			}
		}
		return got
	}
	s.Inject(Fault{Interim: 3, Count: 1})
	if got := raw(4); !slices.Equal(got, []string{"103", "103", "103", "200"}) {
		t.Errorf("%q", got)
	}
	s.Inject(Fault{Interim: 1 << 40, Count: 1})
	if got := raw(1000); got[999] != "103" {
		t.Errorf("%q", got)
	}
	s.Inject(Fault{Code: http.StatusSwitchingProtocols, Count: 1})
	if got := raw(1); !slices.Equal(got, []string{"101"}) {
		t.Errorf("%q", got)
	}
}
