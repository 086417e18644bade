package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

const (
	captureHeadLine = `{"capture":1,"recorder":"test","recorded":"2026-11-23T13:10:00Z"}`
	logOnLine       = `{"t":0.1,"exchange":1,"host":"host-1","method":"POST","path":"/icws/connection","send":{"header":{}},"seconds":0.01,"status":201,` +
		`"header":{"Set-Cookie":["icws_session-1=cookie-1; Path=/icws/session-1"]},"json":{"sessionId":"session-1","csrfToken":"token-1","icServer":"host-2"}}`
	streamLine = `{"t":0.2,"exchange":2,"host":"host-1","method":"GET","path":"/icws/session-1/messaging/messages","send":{"header":{"Accept":["text/event-stream"]}},"seconds":0,"status":200,"stream":true}`
	putLine    = `{"t":0.3,"exchange":3,"host":"host-1","method":"PUT","path":"/icws/session-1/messaging/subscriptions/status/status-messages","send":{"header":{}},"seconds":0,"status":200}`
	fullLine   = `{"t":0.8,"exchange":2,"json":{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":false}}`
	deltaLine  = `{"t":600.8,"exchange":2,"json":{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":true}}`
)

func capturedLines(lines ...string) string {
	return strings.Join(append([]string{captureHeadLine}, lines...), "\n") + "\n"
}

func TestABrokenCaptureIsRefusedWithItsPlace(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":          {"", `c:1: the capture is empty; expected a first line such as {"capture":1`},
		"no head":        {logOnLine, `c:1: capture: missing; expected a first line`},
		"other version":  {`{"capture":2}`, "c:1: capture: the version is 2; expected 1"},
		"nothing":        {captureHeadLine, "c:1: no exchange; expected at least one"},
		"no JSON":        {capturedLines("GET /"), "c:2: invalid character 'G'"},
		"blank":          {capturedLines("", logOnLine), "c:2: EOF; expected one JSON object"},
		"half":           {capturedLines(logOnLine[:50]), "c:2: unexpected EOF; expected one JSON object"},
		"two":            {capturedLines(logOnLine + " {}"), "c:2: something follows the JSON object"},
		"array":          {capturedLines("[]"), "c:2: "},
		"unknown":        {capturedLines(logOnLine, `{"t":1,"exchange":2,"colour":"red"}`), `c:3: unknown field "colour"; expected one JSON object with the fields of docs/capture.md`},
		"type":           {capturedLines(`{"t":"now","exchange":2}`), "c:2: t: a JSON string stands there; expected a float64"},
		"head twice":     {capturedLines(captureHeadLine), "c:2: capture: given again"},
		"no time":        {capturedLines(strings.Replace(logOnLine, `"t":0.1,`, "", 1)), "c:2: t: missing or negative; expected seconds"},
		"negative time":  {capturedLines(strings.Replace(logOnLine, `0.1`, "-1", 1)), "c:2: t: missing or negative"},
		"no number":      {capturedLines(strings.Replace(logOnLine, `"exchange":1,`, "", 1)), "c:2: exchange: missing"},
		"number twice":   {capturedLines(logOnLine, logOnLine), "c:3: exchange: 1 is there already; expected a new number"},
		"no host":        {capturedLines(strings.Replace(logOnLine, `"host":"host-1",`, "", 1)), "c:2: host: missing"},
		"path":           {capturedLines(strings.Replace(logOnLine, `/icws/`, "/other/", 1)), `c:2: path: "/other/connection" does not begin with /icws/`},
		"status":         {capturedLines(strings.Replace(logOnLine, `201`, "99", 1)), "c:2: status: 99; expected a number from 200 to 599"},
		"no status":      {capturedLines(strings.Replace(logOnLine, `"status":201,`, "", 1)), "c:2: status and error: both or neither"},
		"both":           {capturedLines(strings.Replace(logOnLine, `"status"`, `"error":"reset","status"`, 1)), "c:2: status and error: both or neither"},
		"two bodies":     {capturedLines(strings.Replace(logOnLine, `"json"`, `"text":"a","json"`, 1)), "c:2: more than one body"},
		"stream failed":  {capturedLines(strings.Replace(streamLine, `200`, "500", 1)), "c:2: stream: the status is not 200"},
		"stream where":   {capturedLines(strings.Replace(streamLine, "messaging", "other", 1)), "c:2: stream: neither the method nor the path"},
		"no stream":      {capturedLines(logOnLine, `{"t":1,"exchange":1,"comment":"ping"}`), "c:3: exchange: 1 is no stream of a line before"},
		"stream later":   {capturedLines(logOnLine, fullLine, streamLine), "c:3: exchange: 2 is no stream"},
		"ended":          {capturedLines(streamLine, `{"t":1,"exchange":2,"end":"client"}`, fullLine), "c:4: exchange: the stream 2 has ended"},
		"end":            {capturedLines(streamLine, `{"t":1,"exchange":2,"end":"maybe"}`), `c:3: end: "maybe"; expected client, server or broken`},
		"no part":        {capturedLines(streamLine, `{"t":1,"exchange":2}`), "c:3: not one part of a stream"},
		"two parts":      {capturedLines(streamLine, `{"t":1,"exchange":2,"comment":"","end":"client"}`), "c:3: not one part of a stream"},
		"mixed":          {capturedLines(strings.Replace(logOnLine, `"json"`, `"comment":"a","json"`, 1)), "c:2: an exchange with a part of a stream"},
		"negative spell": {capturedLines(strings.Replace(logOnLine, `"seconds":0.01`, `"seconds":-1`, 1)), "c:2: seconds: negative"},
	} {
		_, err := ReadCapture("c", strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	dir := t.TempDir()
	if _, err := OpenCapture(dir); err == nil || !strings.Contains(err.Error(), "check --record") {
		t.Errorf("an empty directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, File), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCapture(dir); err == nil || !strings.Contains(err.Error(), "capture.jsonl:1: ") {
		t.Errorf("a broken file: %v", err)
	}
}

// Whatever a capture says that is accepted can be played.
func FuzzReplay(f *testing.F) {
	f.Add(capturedLines(logOnLine, streamLine, putLine, fullLine, deltaLine, `{"t":601,"exchange":2,"comment":"ping"}`, `{"t":602,"exchange":2,"end":"broken"}`))
	f.Add(capturedLines(logOnLine, `{"t":1,"exchange":2,"host":"host-1","method":"GET","path":"/icws/session-1/messaging/messages","seconds":1,"status":200,"json":[{}],"cut":true}`))
	f.Add(capturedLines(strings.ReplaceAll(logOnLine, "session-1", "")))
	f.Fuzz(func(t *testing.T, text string) {
		capture, err := ReadCapture("c", strings.NewReader(text))
		if err != nil {
			return
		}
		p := icwssim.New(capture.Simulation())
		defer p.Close()
		request := func(method, path string) {
			defer func() {
				if e := recover(); e != nil && fmt.Sprint(e) != http.ErrAbortHandler.Error() {
					panic(e)
				}
			}()
			r := httptest.NewRequest(method, path, strings.NewReader(`{"userID":"u","password":"p"}`))
			p.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 3 {
			request("GET", "/icws/connection/version")
			c := &replayClient{p: p}
			func() {
				defer func() { _ = recover() }() // an answer that is cut off
				c.take(c.do("POST", "/icws/connection"))
				c.do("PUT", replayedPut)
				c.do("GET", replayedMessages)
				c.do("DELETE", "/icws/{sid}/connection")
			}()
		}
	})
}

// replayClient talks to a replay in a bubble.
type replayClient struct {
	t           *testing.T
	p           *icwssim.Server
	sid, cookie string
	token       string
}

func (c *replayClient) do(method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, strings.Replace(path, "{sid}", c.sid, 1), strings.NewReader(`{"userID":"u","password":"p"}`))
	r.Header.Set("Cookie", "icws_"+c.sid+"="+c.cookie)
	r.Header.Set(headerToken, c.token)
	w := httptest.NewRecorder()
	c.p.ServeHTTP(w, r)
	return w
}

// take takes over the session that an answer hands out.
func (c *replayClient) take(w *httptest.ResponseRecorder) {
	var session struct{ SessionID, CSRFToken string }
	_ = json.Unmarshal(w.Body.Bytes(), &session) // what is missing is seen by whoever wants it
	c.sid, c.token = session.SessionID, session.CSRFToken
	pair, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	c.cookie = strings.TrimPrefix(pair, "icws_"+c.sid+"=")
}

func startReplay(t *testing.T, lines ...string) *replayClient {
	t.Helper()
	capture, err := ReadCapture("c", strings.NewReader(capturedLines(lines...)))
	if err != nil {
		t.Fatal(err)
	}
	return &replayClient{t: t, p: icwssim.New(capture.Simulation())}
}

func (c *replayClient) logOn() {
	c.t.Helper()
	w := c.do("POST", "/icws/connection")
	c.take(w)
	if w.Code != 201 || c.token == "" || c.cookie == "" || strings.Contains(w.Body.String(), "session-1") ||
		!slices.ContainsFunc(c.p.Sessions(), func(s icwssim.SessionInfo) bool { return s.ID == c.sid }) {
		c.t.Fatalf("the answer %d %s %v does not hand out the session", w.Code, w.Body, w.Header())
	}
}

const (
	replayedPut      = "/icws/{sid}/messaging/subscriptions/status/status-messages"
	replayedMessages = "/icws/{sid}/messaging/messages"
)

func TestAReplayAsksForWhatItHandedOut(t *testing.T) {
	c := startReplay(t, logOnLine, putLine)
	defer c.p.Close()
	c.sid = "1"
	if w := c.do("PUT", replayedPut); w.Code != 401 {
		t.Errorf("without a session: %d", w.Code)
	}
	c.logOn()
	first := *c
	if w := c.do("PUT", replayedPut); w.Code != 200 {
		t.Errorf("with all: %d %s", w.Code, w.Body)
	}
	c.token = "other"
	if w := c.do("PUT", replayedPut); w.Code != 401 || !strings.Contains(w.Body.String(), "token") {
		t.Errorf("another token: %d", w.Code)
	}
	if w := c.do("GET", replayedMessages); w.Code != 200 {
		t.Errorf("a poll needs no token: %d", w.Code)
	}
	c.cookie = "other"
	if w := c.do("GET", replayedMessages); w.Code != 401 || !strings.Contains(w.Body.String(), "cookie.invalid") {
		t.Errorf("another cookie: %d", w.Code)
	}
	c.logOn()
	if n := len(c.p.Sessions()); n != 2 || first.sid == c.sid {
		t.Errorf("%d sessions", n)
	}
	if w := c.do("DELETE", "/icws/{sid}/connection"); w.Code != 200 {
		t.Errorf("leaving: %d", w.Code)
	}
	if w := c.do("GET", replayedMessages); w.Code != 401 {
		t.Errorf("after leaving: %d", w.Code)
	}
	if w := first.do("GET", replayedMessages); w.Code != 200 || len(c.p.Sessions()) != 1 {
		t.Errorf("the other session: %d", w.Code)
	}
	if w := first.do("GET", "/icws/{sid}/status/status-messages"); w.Code != 404 {
		t.Errorf("what was never asked for: %d", w.Code)
	}
	for _, body := range []string{"", "{}", `{"userID":"u"}`} {
		w := httptest.NewRecorder()
		c.p.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/icws/connection", strings.NewReader(body)))
		if w.Code != 400 {
			t.Errorf("log-on with %q: %d", body, w.Code)
		}
	}
	c.p.Close()
	if w := c.do("GET", "/icws/connection/version"); w.Code != 503 {
		t.Errorf("after Close: %d", w.Code)
	}
}

// Messages come at their time after the PUT, long pauses are cut short, and every
// further PUT begins the last script again.
func TestAReplayPlaysInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startReplay(t, logOnLine, streamLine, putLine, fullLine, deltaLine)
		defer c.p.Close()
		c.logOn()
		poll := func(after time.Duration, want string) {
			t.Helper()
			time.Sleep(after)
			if want != "" {
				want = `{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":` + want + "}"
			}
			if got := c.do("GET", replayedMessages).Body.String(); got != "["+want+"]" {
				t.Errorf("got %s, want [%s]", got, want)
			}
		}
		for range 2 {
			if w := c.do("PUT", replayedPut); w.Code != 200 {
				t.Fatal(w.Code)
			}
			poll(400*time.Millisecond, "")
			poll(100*time.Millisecond, "false")
			poll(maxGap-time.Millisecond, "")
			poll(time.Millisecond, "true")
			poll(2*time.Minute, "")
		}
		// A PUT takes the place of what was still to come.
		c.do("PUT", replayedPut)
		poll(time.Second, "false")
		c.do("PUT", replayedPut)
		poll(time.Second, "false")
		poll(maxGap-400*time.Millisecond, "true")
		poll(2*time.Minute, "")
	})
}

// A stream carries the events as they were, pings on, and ends as it ended.
func TestAReplayStreams(t *testing.T) {
	for end, want := range map[string]string{endServer: "", endBroken: "unexpected EOF"} {
		capture, err := ReadCapture("c", strings.NewReader(capturedLines(logOnLine, streamLine,
			`{"t":0.25,"exchange":2,"comment":"ping"}`, `{"t":0.26,"exchange":2,"comment":"ping"}`, putLine,
			`{"t":0.31,"exchange":2,"id":"7","event":"message","json":{"server":"session-1"}}`,
			`{"t":0.32,"exchange":2,"text":"two\nlines"}`,
			fmt.Sprintf(`{"t":0.4,"exchange":2,"end":%q}`, end))))
		if err != nil {
			t.Fatal(err)
		}
		p := icwssim.New(capture.Simulation())
		server := httptest.NewServer(p)
		c := &replayClient{t: t, p: p}
		c.logOn()
		request, err := http.NewRequest(http.MethodGet, server.URL+strings.Replace(replayedMessages, "{sid}", c.sid, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/event-stream")
		request.Header.Set("Cookie", "icws_"+c.sid+"="+c.cookie)
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("content type %q", got)
		}
		c.do("PUT", replayedPut)
		text, err := io.ReadAll(response.Body)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", end, err, want)
		}
		events := "id: 7\nevent: message\ndata: {\"server\":\"" + c.sid + "\"}\n\ndata: two\ndata: lines\n\n"
		if pings := bytes.Count(text, []byte(":ping\n\n")); pings == 0 || strings.ReplaceAll(string(text), ":ping\n\n", "") != events {
			t.Errorf("%s: %d pings in %q, want %q", end, pings, text, events)
		}
		response.Body.Close()
		p.Close()
		server.Close()
	}
}

// A client that breaks off a request itself says nothing of the server, so that a
// replay does not break off there.
func TestWhatTheClientBrokeOffIsNotReplayed(t *testing.T) {
	const list = "/icws/session-1/status/status-messages"
	line := func(answer string) string {
		return `{"t":0.9,"exchange":7,"host":"host-1","method":"GET","path":"` + list + `","send":{"header":{}},"seconds":1,` + answer + `}`
	}
	for name, test := range map[string]struct {
		answer string
		want   int
	}{
		"canceled": {`"error":"canceled"`, 404},
		"whole":    {`"status":200,"json":{}`, 200},
	} {
		recorded, err := ReadCapture("c", strings.NewReader(capturedLines(logOnLine, line(test.answer))))
		if err != nil {
			t.Fatal(err)
		}
		c := &replayClient{t: t, p: icwssim.New(recorded.Simulation())}
		c.logOn()
		if w := c.do("GET", "/icws/{sid}/status/status-messages"); w.Code != test.want {
			t.Errorf("%s: %d", name, w.Code)
		}
		c.p.Close()
	}
}

// The server ends the stream of a session that the client ended; a replay that did so while the session
// lasts would play a fault that never was.
func TestTheEndOfASessionIsNoEndOfItsStream(t *testing.T) {
	const logOff = `{"t":1.5,"exchange":4,"host":"host-1","method":"DELETE","path":"/icws/session-1/connection","send":{"header":{}},"seconds":0.1,"status":200}`
	again := strings.NewReplacer(`"t":0.1`, `"t":2`, `"exchange":1`, `"exchange":5`).Replace(logOnLine)
	for _, end := range []string{endServer, endBroken} {
		ended := fmt.Sprintf(`"exchange":2,"end":%q}`, end)
		for name, test := range map[string]struct {
			lines []string
			ends  int
		}{
			"in the session":        {[]string{logOnLine, streamLine, putLine, fullLine, `{"t":1.4,` + ended, logOff}, 1},
			"as it ends":            {[]string{logOnLine, streamLine, putLine, fullLine, logOff, `{"t":1.51,` + ended}, 0},
			"in the second session": {[]string{logOnLine, streamLine, putLine, fullLine, logOff, again, `{"t":2.5,` + ended}, 1},
		} {
			recorded, err := ReadCapture("c", strings.NewReader(capturedLines(test.lines...)))
			if err != nil {
				t.Fatal(err)
			}
			ends := 0
			for _, put := range recorded.script.Puts {
				for _, m := range put.Messages {
					if m.Ends {
						ends++
					}
				}
			}
			if ends != test.ends {
				t.Errorf("%s, %s: the stream ends %d times, want %d", end, name, ends, test.ends)
			}
		}
	}
}
