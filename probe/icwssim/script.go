package icwssim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Script has a server answer and deliver what another one did, instead of what this
// package knows. Sessions, their cookies and tokens, queues and streams are the
// simulator's own: what happens in a session begins anew with the next one. Any user
// and password log on.
type Script struct {
	// Answers are those of every method and resource, such as
	// "GET {sid}/status/status-messages", in their order; the last one repeats. A poll
	// that asks for events is "GET {sid}/messaging/messages as a stream". What is not
	// there is answered 404, but the end of a session and of a subscription.
	Answers map[string][]ScriptedAnswer
	// Puts are what comes before the first PUT of status messages, after it, after the
	// second, and so on; the last one repeats.
	Puts []ScriptedPut
	// Session, Token and Cookie stand in answers and messages for those of the session.
	Session, Token, Cookie string
}

// ScriptedAnswer is one answer.
type ScriptedAnswer struct {
	Code   int // 0: the connection ends without an answer
	Header http.Header
	Body   []byte
	// Cut ends the connection behind the body, which is not whole.
	Cut bool
	// Delivers answers with the messages of the queue, as a poll or a stream.
	Delivers bool
}

// ScriptedPut is what a subscription delivers after a PUT.
type ScriptedPut struct {
	Messages []ScriptedMessage // by After
	// Whole says that a whole list is among them, so that they take the place of what
	// was still to come.
	Whole bool
}

// ScriptedMessage is a message, or else the end of the stream: by the server, or because
// the connection broke.
type ScriptedMessage struct {
	After        time.Duration // the PUT
	ID, Event    string        // of an event; empty for none
	Data         []byte
	Ends, Broken bool
}

// scripted plays the next answer to a call, and does what it says it did.
func (s *Server) scripted(c *call) answer {
	if c.endpoint.operation == OpConnect {
		return s.scriptedLogOn(c)
	}
	asked := s.asked
	if c.session != nil {
		asked = c.session.asked
	}
	resource := strings.TrimPrefix(c.path, "/icws/")
	if c.sid != "" {
		resource = strings.Replace(resource, c.sid, "{sid}", 1)
	}
	key := c.request.Method + " " + resource
	if c.endpoint.operation == OpStream {
		key += " as a stream"
	}
	next, known := s.nextScripted(key, asked)
	switch {
	case !known && c.request.Method == http.MethodDelete:
		next = ScriptedAnswer{Code: http.StatusOK}
	case !known:
		return icwsError{id: idUnsupported, message: "The capture has no answer to this."}.answer(http.StatusNotFound)
	case next.Delivers:
		return s.messages(c)
	}
	if next.Code >= 200 && next.Code < 300 {
		s.scriptedEffect(c)
	}
	return s.play(c, next)
}

// scriptedEffect does what a successful answer says was done.
func (s *Server) scriptedEffect(c *call) {
	x := c.session
	switch puts := s.opts.Script.Puts; {
	case c.subscription == statusMessages && c.request.Method == http.MethodPut && len(puts) > 1:
		x.puts++
		s.scriptPut(x, puts[min(x.puts, len(puts)-1)])
	case c.subscription == statusMessages && c.request.Method == http.MethodDelete:
		x.puts, x.queue = 0, nil
	case c.endpoint.operation == OpDisconnect:
		s.disconnect(c)
	}
}

// scriptedLogOn plays the next answer to a log-on; one that made a session makes one.
func (s *Server) scriptedLogOn(c *call) answer {
	var settings struct{ UserID, Password string }
	if err := json.Unmarshal(c.body, &settings); err != nil || settings.UserID == "" || settings.Password == "" {
		return missingProperty("password")
	}
	next, known := s.nextScripted("POST connection", s.asked)
	if !known {
		return refusal(http.StatusNotFound, "The capture has no log-on.")
	}
	if script := s.opts.Script; next.Code == http.StatusCreated && script.Session != "" {
		c.session = s.newSession(settings.UserID, "en-US")
		c.session.asked = map[string]int{}
		if len(script.Puts) > 0 {
			s.scriptPut(c.session, script.Puts[0])
		}
	}
	return s.play(c, next)
}

// nextScripted is the next answer, the last one when all were given.
func (s *Server) nextScripted(key string, asked map[string]int) (ScriptedAnswer, bool) {
	answers := s.opts.Script.Answers[key]
	if len(answers) == 0 {
		return ScriptedAnswer{}, false
	}
	n := min(asked[key], len(answers)-1)
	asked[key]++
	return answers[n], true
}

// play makes an answer of a scripted one. Faults break what was broken.
func (s *Server) play(c *call, scripted ScriptedAnswer) answer {
	if scripted.Code == 0 {
		c.fault.Drop = true
		return answer{}
	}
	rewrite := s.handedOut(c.session)
	a := answer{code: scripted.Code, header: http.Header{}, body: []byte(rewrite.Replace(string(scripted.Body)))}
	for name, values := range scripted.Header {
		for _, value := range values {
			a.header.Add(name, rewrite.Replace(value))
		}
	}
	if scripted.Cut {
		c.fault.Cut = new(len(a.body))
		a.body = append(a.body, ' ')
	}
	return a
}

// handedOut puts what the session was given in the place of what the script has.
func (s *Server) handedOut(x *session) *strings.Replacer {
	script := s.opts.Script
	if x == nil {
		return strings.NewReplacer()
	}
	var pairs []string
	for _, pair := range [][]string{{script.Session, x.id}, {script.Token, x.token}, {script.Cookie, x.cookie}} {
		if pair[0] != "" {
			pairs = append(pairs, pair...)
		}
	}
	return strings.NewReplacer(pairs...)
}

// scriptPut queues what comes after a PUT.
func (s *Server) scriptPut(x *session, put ScriptedPut) {
	if put.Whole {
		x.queue = nil
	}
	now, rewrite := time.Now(), s.handedOut(x)
	for _, m := range put.Messages {
		s.lastMessage++
		data := strings.ReplaceAll(rewrite.Replace(string(m.Data)), "\n", "\ndata: ")
		head := ""
		if m.ID != "" {
			head = "id: " + m.ID + "\n"
		}
		if m.Event != "" {
			head += "event: " + m.Event + "\n"
		}
		x.queue = append(x.queue, message{number: s.lastMessage, due: now.Add(m.After), head: head, json: []byte(data), end: m.Ends, broken: m.Broken})
	}
	slices.SortStableFunc(x.queue, func(a, b message) int { return a.due.Compare(b.due) })
	x.wake()
}
