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
)

// maxGap bounds the time between two messages of a replay.
const maxGap = time.Minute

// Capture is what one host of a capture did (docs/capture.md), ready to be played. It
// does not change.
type Capture struct {
	// answers by method and path, the session in the path as {sid}, streams apart from
	// polls; in the order in which they were asked for.
	answers map[string][]line
	// scripts are the messages that came after the first, second … PUT of the
	// subscription, and before the next; scripts[0] those before the first.
	scripts []script
	// What the answer to the log-on handed out; empty when it did not.
	session, token, cookie string

	pingEvery time.Duration
	ping      string
	messages  int
}

// script is what a subscription delivers after a PUT.
type script struct {
	cues []cue
	// full says that a whole list is among them, so that it replaces whatever
	// was still to come.
	full bool
}

// cue is a message, or the end of the stream, at its time after the PUT.
type cue struct {
	after time.Duration
	line  line
}

// Messages returns how many messages are in the capture.
func (c *Capture) Messages() int { return c.messages }

const (
	subscriptionResource = "{sid}/messaging/subscriptions/status/status-messages"
	messagesResource     = "{sid}/messaging/messages"

	polling   = "GET " + messagesResource
	streaming = polling + " as a stream" // whatever came
	leaving   = "DELETE {sid}/connection"
)

// newCapture takes the lines of the host that made the session, or else of the
// first: one simulator is one host.
func newCapture(lines []line) (*Capture, error) {
	c := &Capture{answers: map[string][]line{}}
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
			if l.Stream || key == polling && l.Send != nil && wantsStream(l.Send.Header) {
				key = streaming
			}
			c.answers[key] = append(c.answers[key], l)
			told = append(told, polled(l)...)
		case l.Method == "" && of[l.Exchange]:
			told = append(told, l)
		}
	}
	for _, answers := range c.answers {
		slices.SortStableFunc(answers, func(a, b line) int { return cmp.Compare(*a.T, *b.T) })
	}
	c.direct(told)
	c.listen(told)
	return c, nil
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
	c.session = cmp.Or(body.SessionID, header.Get("ININ-ICWS-Session-ID"))
	c.token = cmp.Or(body.Token, header.Get(headerToken))
	for _, line := range header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		if value, found := strings.CutPrefix(pair, "icws_"+c.session+"="); found {
			c.cookie = value
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

// direct writes the scripts: each message belongs to the PUT before it.
func (c *Capture) direct(told []line) {
	starts := []float64{0}
	for _, put := range c.answers["PUT "+subscriptionResource] {
		if put.Status >= 200 && put.Status < 300 {
			starts = append(starts, *put.T)
		}
	}
	for _, l := range c.answers[streaming] {
		if l.Stream {
			starts[0] = *l.T
			break
		}
	}
	c.scripts = make([]script, len(starts))
	last := make([]float64, len(starts))
	copy(last, starts)
	for _, l := range told {
		if l.Comment != nil || l.LeftOut != "" || l.End == endClient {
			continue
		}
		n := 0
		for n+1 < len(starts) && starts[n+1] <= *l.T {
			n++
		}
		s := &c.scripts[n]
		gap := durationOf(*l.T-last[n], 0)
		last[n] = *l.T
		after := gap
		if len(s.cues) > 0 {
			after += s.cues[len(s.cues)-1].after
		}
		s.cues = append(s.cues, cue{after, l})
		s.full = s.full || isWholeList(l.JSON)
		if l.End == "" {
			c.messages++
		}
	}
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
	c.pingEvery, c.ping = 15*time.Second, "ping"
	var first, last float64
	n := 0
	for _, l := range told {
		if l.Comment == nil {
			continue
		}
		if n++; n == 1 {
			first, c.ping = *l.T, *l.Comment
		}
		last = *l.T
	}
	if n > 1 {
		c.pingEvery = durationOf((last-first)/float64(n-1), 10*time.Millisecond)
	}
}

// durationOf is a time of the capture, at least least and at most maxGap.
func durationOf(seconds float64, least time.Duration) time.Duration {
	return max(time.Duration(min(max(seconds, 0), maxGap.Seconds())*float64(time.Second)), least)
}
