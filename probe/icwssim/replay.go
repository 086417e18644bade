package icwssim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Replay is a simulated server that plays a capture: every request gets the
// answer that its method and path got, in that order and the last one from then
// on, and the subscription delivers the captured messages at their times after
// the PUT, by stream or by poll. Any user and password log on. What happens in a
// session begins anew with the next one.
//
// All its methods may be called from any goroutine. Close must be called when it
// is no longer needed.
type Replay struct {
	capture *Capture
	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup

	mu          sync.Mutex // guards all below; never held over I/O or waiting
	asked       map[string]int
	sessions    map[string]*replaySession
	lastSession int
}

// replaySession belongs to the holder of Replay.mu.
type replaySession struct {
	id, token, cookie string
	rewrite           *strings.Replacer // placeholders to what was handed out
	asked             map[string]int
	puts              int // since the subscription is there
	waiting           []dueMessage
	streams           []chan struct{} // capacity 1: look at waiting
}

type dueMessage struct {
	at   time.Time
	line captureLine
}

// NewReplay returns a running replay of the capture.
func NewReplay(c *Capture) *Replay {
	ctx, cancel := context.WithCancel(context.Background())
	return &Replay{capture: c, closing: ctx, close: cancel, asked: map[string]int{}, sessions: map[string]*replaySession{}}
}

// Close ends the streams and waits for them. Requests after it are answered 503.
func (p *Replay) Close() {
	p.mu.Lock()
	p.close()
	p.mu.Unlock()
	p.running.Wait()
}

// Sessions returns the ids of the sessions that were not ended.
func (p *Replay) Sessions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make([]string, 0, len(p.sessions))
	for id := range p.sessions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (p *Replay) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing.Err() != nil {
		return false
	}
	p.running.Add(1)
	return true
}

// ServeHTTP implements http.Handler.
func (p *Replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.enter() {
		http.Error(w, "the replay is closed", http.StatusServiceUnavailable)
		return
	}
	defer p.running.Done()
	defer limitWrites(p.closing, w)()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeAnswer(w, badRequest("error.request.invalidRepresentation", "The body could not be read."))
		return
	}
	a, x := p.answer(r, body)
	switch {
	case a.drop:
		panic(http.ErrAbortHandler)
	case a.streams:
		p.serveStream(w, r, x)
	default:
		writeAnswer(w, a.answer)
		if a.cut {
			panic(http.ErrAbortHandler)
		}
	}
}

// replayed is an answer, and how it is broken.
type replayed struct {
	answer
	drop, cut, streams bool
}

func writeAnswer(w http.ResponseWriter, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body) // the client is gone: nothing to do
	_ = http.NewResponseController(w).Flush()
}

// answer finds the answer of a request and does what it says it did.
func (p *Replay) answer(r *http.Request, body []byte) (replayed, *replaySession) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := resolve(r, r.URL.Path)
	e, sid := c.endpoint, c.sid
	resource := template(r.URL.Path)
	key := r.Method + " " + resource
	if e.operation == OpConnect {
		if a, refused := unusableLogOn(body); refused {
			return replayed{answer: a}, nil
		}
		return p.logOn(key), nil
	}
	if !strings.HasPrefix(resource, "{sid}/") {
		return p.next(key, p.asked, nil), nil
	}
	x, a, refused := p.authenticate(r, sid)
	if refused {
		return replayed{answer: a}, nil
	}
	switch e.operation {
	case OpPoll, OpStream:
		return p.fetch(r, key, x), x
	case OpSubscribe:
		return p.subscribe(key, x), x
	case OpUnsubscribe:
		a := p.next(key, x.asked, x)
		if a.code < 300 && !a.drop {
			x.puts, x.waiting = 0, nil
		}
		return a, x
	case OpDisconnect:
		a := p.next(key, x.asked, x)
		if a.code < 300 && !a.drop {
			delete(p.sessions, sid)
			x.wake()
		}
		return a, x
	default:
		return p.next(key, x.asked, x), x
	}
}

// unusableLogOn wants a user and a password, whatever they are.
func unusableLogOn(body []byte) (a answer, refused bool) {
	var settings struct {
		User     string `json:"userID"`
		Password string `json:"password"`
	}
	switch err := json.Unmarshal(body, &settings); {
	case err != nil:
		return badRequest("error.request.invalidRepresentation", "The body is not a JSON object."), true
	case settings.User == "":
		return missingProperty("userID"), true
	case settings.Password == "":
		return missingProperty("password"), true
	}
	return answer{}, false
}

// logOn plays the next answer to a log-on; one that made a session makes one.
func (p *Replay) logOn(key string) replayed {
	a := p.next(key, p.asked, nil)
	if a.code != http.StatusCreated || p.capture.session == "" {
		return a
	}
	p.lastSession++
	x := &replaySession{id: strconv.Itoa(2000000 + p.lastSession), token: guid(), cookie: guid(), asked: map[string]int{}}
	pairs := []string{p.capture.session, x.id}
	if p.capture.token != "" {
		pairs = append(pairs, p.capture.token, x.token)
	}
	if p.capture.cookie != "" {
		pairs = append(pairs, p.capture.cookie, x.cookie)
	}
	x.rewrite = strings.NewReplacer(pairs...)
	p.sessions[x.id] = x
	x.schedule(p.capture.scripts[0])
	a.answer = x.rewritten(a.answer)
	return a
}

// rewritten puts what was handed out in place of the placeholders.
func (x *replaySession) rewritten(a answer) answer {
	a.body = []byte(x.rewrite.Replace(string(a.body)))
	for name, values := range a.header {
		for i, value := range values {
			values[i] = x.rewrite.Replace(value)
		}
		a.header[name] = values
	}
	return a
}

// next is the next captured answer of a resource, the last one when all were
// given. Leaving always works, also when the capture ended before.
func (p *Replay) next(key string, asked map[string]int, x *replaySession) replayed {
	answers := p.capture.answers[key]
	if len(answers) == 0 {
		switch key {
		case "DELETE " + subscriptionResource, "DELETE {sid}/connection":
			return replayed{answer: emptyAnswer(http.StatusOK)}
		}
		return replayed{answer: icwsError{id: idUnsupported, message: "The capture has no answer to this."}.answer(http.StatusNotFound)}
	}
	l := answers[min(asked[key], len(answers)-1)]
	asked[key]++
	a := l.answer()
	if x != nil {
		a.answer = x.rewritten(a.answer)
	}
	return a
}

// notReplayed are headers that belong to the connection, or to the moment.
var notReplayed = []string{"Connection", "Content-Length", "Date", "Transfer-Encoding"}

func (l *captureLine) answer() replayed {
	if l.Error != "" {
		return replayed{drop: true}
	}
	a := replayed{answer: answer{code: l.Status, header: http.Header{}, body: l.body()}, cut: l.Cut, streams: l.Stream}
	for name, values := range l.Header {
		if !slices.Contains(notReplayed, name) && !slices.Contains(values, "(left out)") {
			a.header[name] = slices.Clone(values)
		}
	}
	if l.Cut {
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)+1))
	}
	return a
}

// authenticate finds the session of a request, as a server does.
func (p *Replay) authenticate(r *http.Request, sid string) (*replaySession, answer, bool) {
	x := p.sessions[sid]
	if x == nil {
		return nil, unauthorized(idAuthentication, codeSessionUnknown, "The session is unknown or has ended."), true
	}
	if cookie, _ := sessionCookie(r, sid); p.capture.cookie != "" && cookie != x.cookie {
		return nil, unauthorized("error.request.accessDenied.cookie.invalid", codeCookieInvalid, "The session cookie is invalid."), true
	}
	fetching := r.Method == http.MethodGet && template(r.URL.Path) == messagesResource
	if p.capture.token != "" && !fetching && r.Header.Get(HeaderToken) != x.token {
		return nil, unauthorized("", codeToken, "An authentication token was expected in the request, but not found."), true
	}
	return x, answer{}, false
}

// subscribe plays a PUT: what came after it comes now.
func (p *Replay) subscribe(key string, x *replaySession) replayed {
	a := p.next(key, x.asked, x)
	if a.drop || a.code > 299 || len(p.capture.scripts) < 2 {
		return a
	}
	x.puts++
	s := p.capture.scripts[min(x.puts, len(p.capture.scripts)-1)]
	if s.full {
		x.waiting = nil
	}
	x.schedule(s)
	return a
}

func (x *replaySession) schedule(s script) {
	now := time.Now()
	for _, c := range s.cues {
		x.waiting = append(x.waiting, dueMessage{now.Add(c.after), c.line})
	}
	slices.SortStableFunc(x.waiting, func(a, b dueMessage) int { return a.at.Compare(b.at) })
	x.wake()
}

func (x *replaySession) wake() {
	for _, woken := range x.streams {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
}
