package icws

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/probe/secret"
)

// answerTo makes a session call get the answer.
func answerTo(t *testing.T, h http.HandlerFunc) (*ResponseError, error) {
	t.Helper()
	s := newServer(t)
	s.session("GET status/status-messages", h)
	session, _ := s.connected(t, Options{})
	err := session.List(t.Context(), NewStatusReader(&sinkCount{}))
	var response *ResponseError
	if !errors.As(err, &response) {
		t.Fatalf("err %v is no ResponseError", err)
	}
	return response, err
}

func TestErrorBodies(t *testing.T) {
	long := strings.Repeat("ä", 300)
	for name, test := range map[string]struct {
		code int
		body string
		want ResponseError
	}{
		"documented": {401, testdata(t, "error_cookie.json"),
			ResponseError{ErrorID: "error.request.accessDenied.cookie.invalid", ErrorCode: 5, Message: "The cookie is not valid."}},
		"other hosts": {503, testdata(t, "error_not_accepting.json"),
			ResponseError{ErrorID: "error.server.notAcceptingConnections", Message: "This Session Manager is not currently accepting connections.", AlternateHosts: []string{"cic-b", "cic-c"}}},
		"numbers for strings":  {400, `{"errorId":-2147221496,"errorCode":"7","message":5}`, ResponseError{ErrorID: "-2147221496", ErrorCode: 7, Message: "5"}},
		"null":                 {500, `null`, ResponseError{}},
		"null members":         {500, `{"errorId":null,"errorCode":null,"message":null,"alternateHostList":null}`, ResponseError{}},
		"objects for strings":  {500, `{"errorId":{"a":1},"message":["x"],"errorCode":7}`, ResponseError{ErrorCode: 7}},
		"nothing":              {500, ``, ResponseError{}},
		"html":                 {502, "<html><body><h1>Bad Gateway</h1></body></html>", ResponseError{}},
		"html in the message":  {502, `{"message":"<html>\n<body>"}`, ResponseError{}},
		"text":                 {504, "upstream timed out", ResponseError{}},
		"cut":                  {500, `{"errorId":"error.server.unavailable","message":"The serv`, ResponseError{ErrorID: "error.server.unavailable"}},
		"line breaks":          {500, `{"message":"one\r\ntwo\u0000\u2028three\u001b[31m"}`, ResponseError{Message: "one two three [31m"}},
		"long":                 {500, `{"message":"` + long + `"}`, ResponseError{Message: strings.Repeat("ä", 200) + "…"}},
		"huge":                 {500, `{"errorCode":3,"message":"` + strings.Repeat("x", 1<<20) + `"}`, ResponseError{ErrorCode: 3}},
		"byte order mark":      {500, "\ufeff" + `{"errorCode":3}`, ResponseError{ErrorCode: 3}},
		"invalid UTF-8":        {500, "{\"message\":\"caf\xe9\"}", ResponseError{Message: "caf\ufffd"}},
		"an unknown code":      {599, `{"errorId":"e"}`, ResponseError{ErrorID: "e"}},
		"property that failed": {400, `{"__type":"urn:inin.com:common:missingPropertyError","propertyName":"userID","message":"m"}`, ResponseError{Message: "m"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answerTo(t, answering(test.code, test.body))
			test.want.Operation, test.want.Code = OpList, test.code
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if text := err.Error(); !strings.HasPrefix(text, fmt.Sprintf("list: the server answered %d", test.code)) || strings.ContainsAny(text, "\r\n\x00") || !utf8.ValidString(text) {
				t.Errorf("text %q", text)
			}
		})
	}
}

func TestErrorBodyThatStallsOrBreaksKeepsTheCode(t *testing.T) {
	got, _ := answerTo(t, hijacked(t, "HTTP/1.1 500 Oops\r\nContent-Length: 500\r\n\r\n{\"errorId\":\"e\",\"mess"))
	if got.Code != 500 || got.ErrorID != "e" {
		t.Errorf("%+v", got)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-5":                            0,
		"soon":                          0,
		"Thu, 01 Jan 2026 00:01:30 GMT": 90 * time.Second,
		"Wed, 31 Dec 2025 00:00:00 GMT": 0,
		"9999999999":                    time.Duration(1<<63-1) / time.Second * time.Second,
	} {
		got, _ := answerTo(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.Header().Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		if got.RetryAfter != want {
			t.Errorf("%q: %v, want %v", text, got.RetryAfter, want)
		}
	}
	at := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if got := retryAfter(http.Header{"Retry-After": {at}}); got < 50*time.Minute || got > time.Hour {
		t.Errorf("without a Date: %v", got)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for location, want := range map[string]string{
		"https://user:pw@login.example.com/x?y": "login.example.com",
		"/other":                                "127.0.0.1",
		"http://[::1":                           "",
		"":                                      "",
	} {
		var hits int
		s := newServer(t)
		s.mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { hits++ })
		s.session("GET status/status-messages", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{location}
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		session, _ := s.connected(t, Options{})
		err := session.List(t.Context(), NewStatusReader(&sinkCount{}))
		var response *ResponseError
		if !errors.As(err, &response) || response.Code != 307 {
			t.Fatalf("err %v", err)
		}
		if host, _, _ := strings.Cut(response.Location, ":"); host != want || hits != 0 {
			t.Errorf("%q: host %q, followed %d times", location, response.Location, hits)
		}
		if text := err.Error(); !strings.Contains(text, "not followed") || strings.Contains(text, "pw") {
			t.Errorf("text %q", text)
		}
	}
}

func TestErrorsSayWhatHappened(t *testing.T) {
	for want, err := range map[string]error{
		"connect: the server answered 400 (Bad Request), error.x: no.": &ResponseError{
			Operation: OpConnect, Code: 400, ErrorID: "error.x", Message: "no.", AuthenticationFailed: true},
		"connect: the server answered 503 (Service Unavailable); it names 2 other hosts to connect to": &ResponseError{
			Operation: OpConnect, Code: 503, AlternateHosts: []string{"a", "b"}},
		"poll: the server answered 410 (Gone)":                                                 &ResponseError{Operation: OpPoll, Code: 410},
		"list: the server answered 302 (Found); redirects are not followed":                    &ResponseError{Operation: OpList, Code: 302},
		"list: the server answered 302 (Found), to the host \"b\"; redirects are not followed": &ResponseError{Operation: OpList, Code: 302, Location: "b"},
		"list failed (too_large): big":                                                         &RequestError{Operation: OpList, Reason: FailTooLarge, Err: errors.New("big")},
		"list failed (canceled): stop":                                                         &RequestError{Operation: OpList, Reason: FailCanceled, Err: errors.New("stop")},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Whatever a server repeats, the screen knows it before the error is there; and the
// error keeps what was said.
func TestTheScreenKnowsWhatAnErrorRepeats(t *testing.T) {
	const id = "5b0c-4711|languageId=en-us"
	echo := func(secrets ...string) string {
		text := strings.Join(secrets, " and ")
		return fmt.Sprintf(`{"errorId":%[1]q,"message":%[1]q,"alternateHostList":[%[1]q]}`, "what is "+text+" for")
	}
	for _, repeated := range []string{testToken, testCookie, id, "5b0c-4711", testPassword} {
		s := newServer(t)
		screen := secret.NewScreen()
		s.session("GET status/status-messages", answering(500, echo(repeated)))
		session, _ := s.connected(t, Options{Screen: screen})
		err := session.List(t.Context(), NewStatusReader(&sinkCount{}))
		var response *ResponseError
		if !errors.As(err, &response) || response.ErrorID != "what is "+repeated+" for" {
			t.Fatalf("the error is not as it was sent: %v", err)
		}
		if got := screen.Show(err.Error()); got != secret.Withheld {
			t.Errorf("%q is shown in %s", repeated, got)
		}
	}
	for _, h := range []http.HandlerFunc{
		answering(400, echo(testPassword)),
		answering(503, echo(testPassword)),
		answering(201, `{"sessionId":"1","csrfToken":"`+testToken+`" `+testToken),
		answering(201, `{"sessionId":"1","csrfToken":{"`+testToken+`":1}}`),
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://s3cr3t/"+testPassword)
			w.WriteHeader(http.StatusFound)
		},
	} {
		s := newServer(t)
		s.mux = http.NewServeMux()
		s.mux.HandleFunc("POST /icws/connection", h)
		screen := secret.NewScreen()
		c, _ := s.client(t, Options{Screen: screen})
		_, err := c.Connect(t.Context(), Credentials{User: "u", Password: secret.New(testPassword)})
		if text := screen.Show(err.Error()); strings.Contains(text, testPassword) || strings.Contains(text, testToken) {
			t.Errorf("a secret is shown in %s", text)
		}
	}
}

// The cookie of a load balancer is no secret: its value is in every second text.
func TestTheCookieOfALoadBalancerIsNoSecret(t *testing.T) {
	screen := secret.NewScreen()
	s := newServer(t)
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /icws/connection", func(w http.ResponseWriter, r *http.Request) {
		for i := range 40 {
			w.Header().Add("Set-Cookie", fmt.Sprintf("SERVERID%d=%d; Path=/", i, i%10))
		}
		w.Header().Add("Set-Cookie", "ROUTEID=.contact; Path=/")
		answering(201, `{"sessionId":"29113001","csrfToken":"`+testToken+`"}`)(w, r)
	})
	s.mux.HandleFunc("GET /icws/29113001/status/status-messages", answering(500, `{"errorId":"-2147221496","message":"0123456789 of .contact"}`))
	c, exchanges := s.client(t, Options{Screen: screen})
	session, err := c.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	err = session.List(t.Context(), NewStatusReader(&sinkCount{}))
	const want = "list: the server answered 500 (Internal Server Error), -2147221496: 0123456789 of .contact"
	if last := (*exchanges)[len(*exchanges)-1]; last.ErrorID != "-2147221496" || screen.Show(err.Error()) != want {
		t.Errorf("error id %q, %s", last.ErrorID, screen.Show(err.Error()))
	}
	if !screen.Holds("a session 29113001") || !screen.Holds(testPassword) {
		t.Error("the screen does not know the secrets of the session")
	}
}

// No verb prints a secret of what this package hands out, also where it stands in
// something else.
func TestNothingPrintsASecret(t *testing.T) {
	// A transport of real sockets changes while it is printed.
	client, _ := newTestClient(t, "http://cic-a:8018", roundTrip(func(*http.Request) (*http.Response, error) {
		r := scripted(201, testdata(t, "connection.json"))
		r.Header.Set("Set-Cookie", testCookie+"; Path=/icws/1000001; HttpOnly")
		return r, nil
	}), Options{})
	session, err := client.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"credentials": testCredentials, "their address": &testCredentials, "in a field": struct{ c Credentials }{testCredentials},
		"a session": session, "what it points to": *session, "a session in a field": struct{ s Session }{*session},
		"an error": &UnreadSessionError{session, errors.New("x")},
		"a client": session.client,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			for _, hidden := range []string{testPassword, testToken, "5b0c-4711"} {
				if strings.Contains(text, hidden) || strings.Contains(text, fmt.Sprintf("%x", hidden)) || strings.Contains(text, fmt.Sprintf("%#v", hidden)) {
					t.Errorf("%s printed by %s gives %q away", name, verb, hidden)
				}
			}
		}
	}
}
