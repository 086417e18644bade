package icws

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConnectSendsTheLogOn(t *testing.T) {
	s := newServer(t)
	c, exchanges := s.client(t, Options{UserAgent: "icws_exporter/1", ApplicationName: "icws_exporter", Language: "de-DE"})
	if _, err := c.Connect(t.Context(), testCredentials); err != nil {
		t.Fatal(err)
	}
	r := s.seen()[0]
	if r.method != "POST" || r.path != "/icws/connection" || r.query != "include=features,version" {
		t.Errorf("asked %s %s?%s", r.method, r.path, r.query)
	}
	want := http.Header{
		"Accept":          {"application/vnd.inin.icws+JSON; charset=utf-8"},
		"Accept-Encoding": {"identity"},
		"Accept-Language": {"de-DE"},
		"Content-Type":    {"application/vnd.inin.icws+JSON; charset=utf-8"},
		"User-Agent":      {"icws_exporter/1"},
		"Content-Length":  {fmt.Sprint(len(r.body))},
	}
	if diff := cmp.Diff(want, r.header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	const body = `{"__type":"urn:inin.com:connection:icAuthConnectionRequestSettings","applicationName":"icws_exporter",` +
		`"userID":"svc-prom","password":"s3cr3t-pässword\"&<"}`
	if r.body != body {
		t.Errorf("body %s", r.body)
	}
	if e := (*exchanges)[0]; len(*exchanges) != 1 || e.Code != 201 || e.Err != nil || e.Failed() || e.Date.IsZero() || !e.NotAfter.IsZero() {
		t.Errorf("exchanges %+v", *exchanges)
	}
}

func TestConnectReadsTheSession(t *testing.T) {
	s := newServer(t)
	session, _ := s.connected(t, Options{})
	if session.ID() != "1000001" || session.ICServer() != "cic-a" || "http://"+session.Host() != s.URL {
		t.Errorf("session %+v", *session)
	}
	if diff := cmp.Diff(map[string]int{"connection": 11, "messaging": 2, "status": 1}, session.Features()); diff != "" {
		t.Error(diff)
	}
	if session.Feature("messaging") != 2 || session.Feature("queues") != 0 {
		t.Error("features are not found by name")
	}
	if diff := cmp.Diff([]string{"cic-b"}, session.AlternateHosts()); diff != "" {
		t.Error(diff)
	}
	if days := session.DaysUntilPasswordExpiration(); days == nil || *days != 9 {
		t.Errorf("days %v", days)
	}
	if got := session.Version().Release(); got != "2018 R4 Patch 5" {
		t.Errorf("release %q", got)
	}
}

func TestConnectTakesIDAndTokenFromBodyElseHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		body      string
		header    bool
		id, token string
	}{
		"both: the body counts": {`{"sessionId":"1","csrfToken":"b"}`, true, "1", "b"},
		"headers only":          {`{"userID":"u"}`, true, "2", "from-header"},
		"no body at all":        {"", true, "2", "from-header"},
		"null in the body":      {`{"sessionId":null,"csrfToken":null}`, true, "2", "from-header"},
		"numeric id":            {`{"sessionId":1000001,"csrfToken":"b"}`, false, "1000001", "b"},
		"no token":              {`{"sessionId":"1"}`, false, "", ""},
		"no id":                 {`{"csrfToken":"b"}`, false, "", ""},
		"token breaks the line": {`{"sessionId":"1","csrfToken":"a\r\nX: y"}`, false, "", ""},
		"id climbs the path":    {`{"sessionId":"..","csrfToken":"b"}`, false, "", ""},
		"an array":              {`[1]`, true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			rt := roundTrip(func(*http.Request) (*http.Response, error) {
				resp := scripted(201, test.body)
				if test.header {
					resp.Header.Set("ININ-ICWS-Session-ID", "2")
					resp.Header.Set("ININ-ICWS-CSRF-Token", "from-header")
				}
				return resp, nil
			})
			c, _ := newTestClient(t, "http://cic-a", rt, Options{})
			session, err := c.Connect(t.Context(), testCredentials)
			if test.id == "" {
				if ReasonOf(err) != FailDecode {
					t.Errorf("err %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if session.ID() != test.id || session.token.Reveal() != test.token {
				t.Errorf("id %q token %q", session.ID(), session.token.Reveal())
			}
		})
	}
}

func TestConnectAsksOnceMoreWithoutInclude(t *testing.T) {
	s := newServer(t)
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /icws/connection", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			answering(400, `{"errorId":"error.request.unsupported","message":"include"}`)(w, r)
			return
		}
		answering(201, `{"sessionId":"7","csrfToken":"t"}`)(w, r)
	})
	c, exchanges := s.client(t, Options{})
	session, err := c.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	if session.ID() != "7" || len(session.Features()) != 0 || session.DaysUntilPasswordExpiration() != nil {
		t.Errorf("session %v", session)
	}
	if e := *exchanges; len(e) != 2 || e[0].Code != 400 || e[0].ErrorID != "error.request.unsupported" || e[0].Failed() || e[1].Code != 201 {
		t.Errorf("exchanges %+v", e)
	}
}

func TestConnectDoesNotTryARefusedPasswordTwice(t *testing.T) {
	for name, test := range map[string]struct {
		code int
		body string
		want bool
	}{
		"error id":              {400, testdata(t, "error_authentication.json"), true},
		"old server":            {400, `{"errorCode":-2147221503,"message":"no"}`, true},
		"proxy wants a log-on":  {401, "<html>", true},
		"proxy forbids":         {403, "", true},
		"proxy authentication":  {407, "", true},
		"something else":        {400, `{"errorId":"error.request.invalidRepresentation.invalidProperty"}`, false},
		"the server is in pain": {500, testdata(t, "error_authentication.json"), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.mux = http.NewServeMux()
			s.mux.HandleFunc("POST /icws/connection", answering(test.code, test.body))
			c, exchanges := s.client(t, Options{})
			_, err := c.Connect(t.Context(), testCredentials)
			var response *ResponseError
			if !errors.As(err, &response) || response.Code != test.code || response.AuthenticationFailed != test.want {
				t.Fatalf("err %#v", err)
			}
			if test.want && len(*exchanges) != 1 {
				t.Errorf("the refused password was sent %d times", len(*exchanges))
			}
		})
	}
}

func TestVersionNeedsNoSession(t *testing.T) {
	s := newServer(t)
	s.mux.HandleFunc("GET /icws/connection/version", answering(200, testdata(t, "version.json")))
	c, _ := s.client(t, Options{})
	v, err := c.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v.ProductID != "pureconnect" || v.Release() != "18.4.0.171" {
		t.Errorf("version %+v", v)
	}
	if h := s.seen()[0].header; h.Get("Cookie") != "" || h.Get("Inin-Icws-Csrf-Token") != "" || h.Get("Content-Type") != "" {
		t.Errorf("header %v", h)
	}
}

func TestVersionRefusesAnAnswerWithoutOne(t *testing.T) {
	for _, body := range []string{"", "{}", "null", "[]", `{"status":"ok"}`, "<html>welcome</html>"} {
		rt := roundTrip(func(*http.Request) (*http.Response, error) { return scripted(200, body), nil })
		c, _ := newTestClient(t, "http://cic-a", rt, Options{})
		if _, err := c.Version(t.Context()); ReasonOf(err) != FailDecode {
			t.Errorf("%q: err %v", body, err)
		}
	}
}

// cookieValue is that of the session cookie, and not four digits of a time.
var cookieValue = regexp.MustCompile(`\b4711\b`)

func TestSecretsDoNotPrint(t *testing.T) {
	s := newServer(t)
	session, _ := s.connected(t, Options{})
	for _, v := range []any{testCredentials, &testCredentials, session, struct{ C Credentials }{testCredentials}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "s3cr3t") || strings.Contains(text, testToken) || cookieValue.MatchString(text) {
				t.Errorf("%s of %T prints a secret: %s", format, v, text)
			}
		}
	}
}

// scripted is an answer without a socket behind it.
func scripted(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body))}
}
