package capture

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// maxGap bounds the time between two messages of a replay.
const maxGap = time.Minute

// Capture is what one host of a capture did (docs/capture.md), ready to be played by a
// simulator. It does not change.
type Capture struct {
	script    icwssim.Script
	pingEvery time.Duration
	messages  int
	pollOnly  bool
}

// Messages returns how many messages are in the capture.
func (c *Capture) Messages() int { return c.messages }

// Simulation returns the options of a simulator that plays the capture.
func (c *Capture) Simulation() icwssim.Options {
	o := icwssim.Options{Script: &c.script, Statuses: []icwssim.Status{}, Quirks: icwssim.Quirks{PingInterval: icwssim.Period(c.pingEvery)}}
	if c.pollOnly {
		o.MessagingVersion = 1
	}
	return o
}

const (
	subscriptionResource = "{sid}/messaging/subscriptions/status/status-messages"
	messagesResource     = "{sid}/messaging/messages"

	polling   = "GET " + messagesResource
	streaming = polling + " as a stream" // whatever came

	headerToken = "ININ-ICWS-CSRF-Token"
)

// newCapture takes the lines of the host that made the session, or else of the
// first: one simulator is one host.
func newCapture(lines []line) (*Capture, error) {
	c := &Capture{}
	answers := map[string][]line{}
	host := ""
	for _, l := range lines {
		isLogOn := l.Method == http.MethodPost && l.Path == "/icws/connection" && l.Status == http.StatusCreated
		if host == "" || isLogOn {
			host = cmp.Or(l.Host, host)
		}
		if isLogOn {
			c.handedOut(l)
		}
	}
	if host == "" {
		return nil, errors.New("no exchange; expected at least one")
	}
	of := map[int64]bool{}
	var told []line
	for _, l := range lines {
		switch {
		case l.Error == icws.FailCanceled.String(): // our own end says nothing of the server
		case l.Method != "" && l.Host == host:
			of[l.Exchange] = true
			key := l.Method + " " + template(l.Path)
			if l.Stream || key == polling && l.Send != nil && strings.Contains(l.Send.Header.Get("Accept"), "text/event-stream") {
				key = streaming
			}
			answers[key] = append(answers[key], l)
			told = append(told, polled(l)...)
		case l.Method == "" && of[l.Exchange]:
			told = append(told, l)
		}
	}
	c.script.Answers = map[string][]icwssim.ScriptedAnswer{}
	for key, lines := range answers {
		slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(*a.T, *b.T) })
		for _, l := range lines {
			c.script.Answers[key] = append(c.script.Answers[key], l.answer())
		}
	}
	delivers := icwssim.ScriptedAnswer{Delivers: true}
	c.pollOnly = answers[streaming] == nil && answers[polling] != nil
	c.script.Answers[polling] = append(c.script.Answers[polling], delivers) // whatever the last one was
	if answers[streaming] == nil {
		c.script.Answers[streaming] = []icwssim.ScriptedAnswer{delivers}
	}
	c.direct(told, answers)
	c.listen(told)
	return c, nil
}

// notReplayed are headers that belong to the connection, or to the moment.
var notReplayed = []string{"Connection", "Content-Length", "Date", "Transfer-Encoding"}

func (l line) answer() icwssim.ScriptedAnswer {
	if l.Error != "" {
		return icwssim.ScriptedAnswer{}
	}
	a := icwssim.ScriptedAnswer{Code: l.Status, Header: http.Header{}, Body: l.bytes(), Cut: l.Cut, Delivers: l.Stream || polled(l) != nil && !l.Cut}
	for name, values := range l.Header {
		if !slices.Contains(notReplayed, name) && !slices.Contains(values, leftOut) {
			a.Header[name] = values
		}
	}
	return a
}

// template is the path below /icws/ with {sid} for the session.
func template(path string) string {
	rest := strings.TrimPrefix(path, "/icws/")
	if first, after, found := strings.Cut(rest, "/"); found && first != "connection" {
		return "{sid}/" + after
	}
	return rest
}

// handedOut keeps what the answer to a log-on gave the client.
func (c *Capture) handedOut(l line) {
	var body struct {
		SessionID string `json:"sessionId"`
		Token     string `json:"csrfToken"`
	}
	_ = json.Unmarshal(l.JSON, &body) // the headers have it too
	header := http.Header(l.Header)
	c.script.Session = cmp.Or(body.SessionID, header.Get("ININ-ICWS-Session-ID"))
	c.script.Token = cmp.Or(body.Token, header.Get(headerToken))
	for _, line := range header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		if value, found := strings.CutPrefix(pair, "icws_"+c.script.Session+"="); found {
			c.script.Cookie = value
		}
	}
}

// polled returns the messages of a poll as if a stream had carried them.
func polled(l line) []line {
	if l.Method != http.MethodGet || template(l.Path) != messagesResource || l.Stream || l.Status != http.StatusOK {
		return nil
	}
	var messages []json.RawMessage
	if json.Unmarshal(l.JSON, &messages) != nil {
		return nil
	}
	at := *l.T + l.Seconds
	told := make([]line, len(messages))
	for i, m := range messages {
		told[i] = line{T: &at, body: body{JSON: m}}
	}
	return told
}

// direct writes the script: each message belongs to the PUT before it.
func (c *Capture) direct(told []line, answers map[string][]line) {
	starts := []float64{0}
	for _, put := range answers["PUT "+subscriptionResource] {
		if put.Status >= 200 && put.Status < 300 {
			starts = append(starts, *put.T)
		}
	}
	for _, l := range answers[streaming] {
		if l.Stream {
			starts[0] = *l.T
			break
		}
	}
	c.script.Puts = make([]icwssim.ScriptedPut, len(starts))
	last := slices.Clone(starts)
	for _, l := range told {
		if l.Comment != nil || l.LeftOut != "" || l.End == endClient || l.End != "" && loggedOff(answers, *l.T) {
			continue
		}
		n := 0
		for n+1 < len(starts) && starts[n+1] <= *l.T {
			n++
		}
		put := &c.script.Puts[n]
		after := durationOf(*l.T-last[n], 0)
		last[n] = *l.T
		if before := len(put.Messages); before > 0 {
			after += put.Messages[before-1].After
		}
		put.Messages = append(put.Messages, icwssim.ScriptedMessage{After: after, ID: l.ID, Event: l.Event, Data: l.bytes(), Ends: l.End != "", Broken: l.End == endBroken})
		put.Whole = put.Whole || isWholeList(l.JSON)
		if l.End == "" {
			c.messages++
		}
	}
}

// loggedOff reports whether the client had ended its session: with it the server ends the stream, and the
// replay does so by itself.
func loggedOff(answers map[string][]line, t float64) bool {
	off := latest(answers["DELETE {sid}/connection"], t)
	return off >= 0 && off >= latest(answers["POST connection"], t)
}

// latest is when the last of the exchanges until t began; -1 for none.
func latest(exchanges []line, t float64) float64 {
	last := -1.0
	for _, l := range exchanges {
		if *l.T <= t {
			last = max(last, *l.T)
		}
	}
	return last
}

func isWholeList(message []byte) bool {
	var m struct {
		Type    string `json:"__type"`
		IsDelta bool   `json:"isDelta"`
	}
	return json.Unmarshal(message, &m) == nil && m.Type == "urn:inin.com:status:statusMessagesMessage" && !m.IsDelta
}

// listen learns the time between pings, 15 s when fewer than two came.
func (c *Capture) listen(told []line) {
	c.pingEvery = 15 * time.Second
	var pings []float64
	for _, l := range told {
		if l.Comment != nil {
			pings = append(pings, *l.T)
		}
	}
	if n := len(pings) - 1; n > 0 {
		c.pingEvery = durationOf((pings[n]-pings[0])/float64(n), 10*time.Millisecond)
	}
}

// durationOf is a time of the capture, at least least and at most maxGap.
func durationOf(seconds float64, least time.Duration) time.Duration {
	return max(time.Duration(min(max(seconds, 0), maxGap.Seconds())*float64(time.Second)), least)
}
