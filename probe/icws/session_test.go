package icws

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSessionRequests(t *testing.T) {
	const subscription = "/icws/1000001/messaging/subscriptions/status/status-messages"
	s := newServer(t)
	s.session("PUT messaging/subscriptions/status/status-messages", answering(200, ""))
	s.session("DELETE messaging/subscriptions/status/status-messages", answering(204, ""))
	s.session("GET messaging/messages", answering(200, "[]"))
	s.session("GET status/status-messages", answering(200, `{"statusMessageList":[]}`))
	s.session("GET connection/switchover-status", answering(200, testdata(t, "switchover_status.json")))
	s.session("DELETE connection", answering(200, `{"anything":"at all"}`))
	session, exchanges := s.connected(t, Options{UserAgent: "test"})
	for _, test := range []struct {
		op           Operation
		method, path string
		code         int
		call         func(context.Context) error
	}{
		{OpSubscribe, "PUT", subscription, 200, func(ctx context.Context) error { return session.Subscribe(ctx, StatusMessages, nil) }},
		{OpUnsubscribe, "DELETE", subscription, 204, func(ctx context.Context) error { return session.Unsubscribe(ctx, StatusMessages) }},
		{OpPoll, "GET", "/icws/1000001/messaging/messages", 200, func(ctx context.Context) error {
			return session.Poll(ctx, into(&sinkCount{}), func(Message) {})
		}},
		{OpList, "GET", "/icws/1000001/status/status-messages", 200, func(ctx context.Context) error { return session.List(ctx, NewStatusReader(&sinkCount{})) }},
		{OpSwitchoverStatus, "GET", "/icws/1000001/connection/switchover-status", 200, func(ctx context.Context) error {
			_, err := session.SwitchoverStatus(ctx)
			return err
		}},
		{OpDisconnect, "DELETE", "/icws/1000001/connection", 200, session.End},
	} {
		t.Run(test.op.String(), func(t *testing.T) {
			*exchanges = nil
			if err := test.call(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := s.seen()
			r := all[len(all)-1]
			if r.method != test.method || r.path != test.path || r.query != "" || r.body != "" {
				t.Errorf("asked %s %s?%s with %q", r.method, r.path, r.query, r.body)
			}
			want := http.Header{
				"Accept":               {mediaType},
				"Accept-Encoding":      {"identity"},
				"Accept-Language":      {"en-US"},
				"User-Agent":           {"test"},
				"Cookie":               {testCookie},
				"Inin-Icws-Csrf-Token": {testToken},
			}
			if test.method == "PUT" {
				want["Content-Type"] = []string{mediaType}
				want["Content-Length"] = []string{"0"}
			}
			if diff := cmp.Diff(want, r.header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if e := *exchanges; len(e) != 1 || e[0].Operation != test.op || e[0].Code != test.code || e[0].Err != nil {
				t.Errorf("exchanges %+v", e)
			}
		})
	}
}

func TestTokenHeaderIsSpeltAsDocumented(t *testing.T) {
	var names []string
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		for name := range r.Header {
			names = append(names, name)
		}
		return scripted(201, `{"sessionId":"1","csrfToken":"t"}`), nil
	})
	c, _ := newTestClient(t, "http://cic-a", rt, Options{})
	session, err := c.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Subscribe(t.Context(), StatusMessages, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(names, " "), "ININ-ICWS-CSRF-Token") {
		t.Errorf("headers %q", names)
	}
}

func TestSessionsKeepThePrefixAndEscapeTheirID(t *testing.T) {
	var got []string
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.URL.String())
		return scripted(201, `{"sessionId":"a/b?c","csrfToken":"t"}`), nil
	})
	c, _ := newTestClient(t, "https://user:pw@web/app/api/cic-a/?x=1#y", rt, Options{})
	session, err := c.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Subscribe(t.Context(), StatusMessages, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"https://web/app/api/cic-a/icws/connection?include=features,version",
		"https://web/app/api/cic-a/icws/a%2Fb%3Fc/messaging/subscriptions/status/status-messages",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}
}

func TestCookieIsEchoedAsItWasWritten(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"none":        {nil, ""},
		"empty":       {[]string{"; Path=/"}, ""},
		"odd value":   {[]string{`icws_1=a|b="c", d=e; Path=/icws/1; HttpOnly`}, `icws_1=a|b="c", d=e`},
		"with affine": {[]string{"icws_1=a;Path=/x", " lb=node2 ; Secure"}, "icws_1=a; lb=node2"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cookieOf(test.lines); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestListReadsEveryProperty(t *testing.T) {
	s := newServer(t)
	s.session("GET status/status-messages", answering(200, testdata(t, "status_list.json")))
	session, _ := s.connected(t, Options{})
	var sink sinkLog
	if err := session.List(t.Context(), NewStatusReader(&sink)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"begin",
		"add Available|Available|/icws/resources/available.png|Available|7 isSelectableStatus isPersistentStatus isAcdStatus isAllowFollowUpStatus",
		"add Do Not disturb|Bitte nicht stören|/icws/resources/dnd.png|Unavailable|4 " +
			"canHaveDate canHaveTime isDoNotDisturbStatus isSelectableStatus isForwardStatus isAfterCallWorkStatus",
	}
	if diff := cmp.Diff(want, sink.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPollTakesMessagesInOrder(t *testing.T) {
	s := newServer(t)
	body := "[" + testdata(t, "message_full.json") + ",null," + testdata(t, "message_async_completed.json") + "," +
		testdata(t, "message_delta.json") + "]"
	s.session("GET messaging/messages", answering(200, body))
	session, _ := s.connected(t, Options{})
	var sink sinkLog
	err := session.Poll(t.Context(), into(&sink), func(m Message) {
		sink.lines = append(sink.lines, "message "+m.Type)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"begin",
		"add Available|Available|/icws/resources/available.png|Available|7 isSelectableStatus isPersistentStatus isAcdStatus isAllowFollowUpStatus",
		"message urn:inin.com:status:statusMessagesMessage",
		"begin",
		"message urn:inin.com:messaging:asyncOperationCompletedMessage",
		"begin",
		"add Gone Home|Gone Home||Unavailable|16",
		"change Available|Available||Available|7",
		"remove at lunch",
		"message urn:inin.com:status:statusMessagesMessage",
	}
	if diff := cmp.Diff(want, sink.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPollWithoutMessages(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"empty array": answering(200, "[]"),
		"null":        answering(200, "null"),
		"empty body":  answering(200, ""),
		"blanks":      answering(200, " \r\n"),
		"204":         answering(204, ""),
		"mark only":   answering(200, "\ufeff[]"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.session("GET messaging/messages", h)
			session, _ := s.connected(t, Options{})
			err := session.Poll(t.Context(), into(&sinkCount{}), func(m Message) {
				t.Errorf("message %+v", m)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPollGivesWholeMessagesBeforeACut(t *testing.T) {
	s := newServer(t)
	body := "[" + testdata(t, "message_full.json") + `,{"isDelta":tr`
	s.session("GET messaging/messages", hijacked(t, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+body))
	session, exchanges := s.connected(t, Options{})
	calls := 0
	err := session.Poll(t.Context(), into(&sinkCount{}), func(Message) { calls++ })
	var request *RequestError
	if !errors.As(err, &request) || request.Reason != FailReset || request.Code != 200 || calls != 1 {
		t.Errorf("err %#v after %d calls", err, calls)
	}
	if e := (*exchanges)[0]; !e.Failed() || e.Reason != FailReset || e.Code != 200 {
		t.Errorf("exchange %+v", e)
	}
}

func TestSwitchoverStatus(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want SwitchoverStatus
		fail bool
	}{
		"all": {body: testdata(t, "switchover_status.json"), want: SwitchoverStatus{
			Active: true, PrimaryHost: "cic-a", BackupHost: "cic-b", BackupState: 2,
			SubsystemsDown: []string{"AcdServer", "StatServer"},
		}},
		"least":       {body: `{"isSwitchoverActive":false,"primaryHost":"cic-a","isBackupICStopping":true,"isManualSwitchOnly":true}`, want: SwitchoverStatus{PrimaryHost: "cic-a", BackupState: -1}},
		"null state":  {body: `{"isSwitchoverActive":false,"backupState":null,"new":{"er":[1]}}`, want: SwitchoverStatus{BackupState: -1}},
		"no backup":   {body: `{"isSwitchoverActive":false,"primaryHost":"cic-a","backupState":0}`, want: SwitchoverStatus{PrimaryHost: "cic-a", BackupState: -1}},
		"null backup": {body: `{"isSwitchoverActive":false,"backupState":0,"backupHost":null}`, want: SwitchoverStatus{BackupState: -1}},
		"nothing":     {body: `{}`, fail: true},
		"not a state": {body: `{"isSwitchoverActive":1}`, fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.session("GET connection/switchover-status", answering(200, test.body))
			session, _ := s.connected(t, Options{})
			got, err := session.SwitchoverStatus(t.Context())
			if test.fail {
				if ReasonOf(err) != FailDecode {
					t.Errorf("err %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	s := newServer(t)
	s.session("GET messaging/messages", answering(200, "[]\n\n"))
	s.session("GET status/status-messages", answering(500, strings.Repeat("x", 1000)))
	s.session("PUT messaging/subscriptions/status/status-messages", answering(200, strings.Repeat("y", 1000)))
	session, _ := s.connected(t, Options{})
	for range 5 {
		if err := session.Poll(t.Context(), into(&sinkCount{}), nil); err != nil {
			t.Fatal(err)
		}
		if err := session.Subscribe(t.Context(), StatusMessages, nil); err != nil {
			t.Fatal(err)
		}
		if err := session.List(t.Context(), NewStatusReader(&sinkCount{})); err == nil {
			t.Fatal("a 500 is no error")
		}
	}
	addresses := make(map[string]bool)
	for _, r := range s.seen() {
		addresses[r.remote] = true
	}
	if len(addresses) != 1 {
		t.Errorf("%d connections for one client", len(addresses))
	}
}

func TestBytesAreCounted(t *testing.T) {
	s := newServer(t)
	s.session("GET messaging/messages", answering(200, "[] "))
	s.session("GET status/status-messages", answering(404, "gone fishing"))
	total := 0
	session, _ := s.connected(t, Options{OnRead: func(op Operation, n int) {
		total += n
		if op == OpStream {
			t.Error("a body counts as a stream")
		}
	}})
	total = 0
	if err := session.Poll(t.Context(), into(&sinkCount{}), nil); err != nil {
		t.Fatal(err)
	}
	if err := session.List(t.Context(), NewStatusReader(&sinkCount{})); err == nil {
		t.Fatal("a 404 is no error")
	}
	if want := len("[] ") + len("gone fishing"); total != want {
		t.Errorf("%d bytes counted, %d sent", total, want)
	}
}

func TestTLSExchangeTellsTheFirstExpiry(t *testing.T) {
	s := newUnstartedServer(t)
	s.StartTLS()
	c, exchanges := s.client(t, Options{})
	if _, err := c.Connect(t.Context(), testCredentials); err != nil {
		t.Fatal(err)
	}
	if got, want := (*exchanges)[0].NotAfter, s.Certificate().NotAfter; !got.Equal(want) {
		t.Errorf("NotAfter %v, want %v", got, want)
	}
	intermediate := httptest.NewUnstartedServer(nil)
	t.Cleanup(intermediate.Close)
	intermediate.StartTLS()
	first := *s.Certificate()
	first.NotAfter = time.Unix(1, 0)
	chain := &tls.ConnectionState{}
	chain.PeerCertificates = append(chain.PeerCertificates, intermediate.Certificate(), &first)
	if got := firstExpiry(chain); !got.Equal(first.NotAfter) {
		t.Errorf("the expiry of the chain is %v", got)
	}
}

func TestAnswersThatAreNotIdentity(t *testing.T) {
	s := newServer(t)
	s.session("GET messaging/messages", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "\x1f\x8b")
	})
	session, _ := s.connected(t, Options{})
	err := session.Poll(t.Context(), into(&sinkCount{}), nil)
	var request *RequestError
	if !errors.As(err, &request) || request.Reason != FailDecode || request.Code != 200 || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("err %v", err)
	}
}
