package capture

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// headerToken carries the CSRF token.
const headerToken = "ININ-ICWS-CSRF-Token"

// maxBody bounds what is read of a request.
const maxBody = 1 << 20

// closeGrace is how long a client that does not read can hold up Close.
const closeGrace = time.Second

// Replay is a server that plays a capture: every request gets the
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
	line line
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
	defer context.AfterFunc(p.closing, func() {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(closeGrace)) // a recorder has none
	})()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refusal(http.StatusBadRequest, "", "The body could not be read.").write(w)
		return
	}
	a, x := p.answer(r, body)
	switch {
	case a.drop:
		panic(http.ErrAbortHandler)
	case a.streams:
		p.serveStream(w, r, x)
	default:
		a.write(w)
		if a.cut {
			panic(http.ErrAbortHandler)
		}
	}
}

// replayed is an answer, and how it is broken.
type replayed struct {
	code               int
	header             http.Header
	body               []byte
	drop, cut, streams bool
}

func (a replayed) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body) // the client is gone: nothing to do
	_ = http.NewResponseController(w).Flush()
}

func jsonAnswer(code int, v any) replayed {
	body, err := json.Marshal(v)
	if err != nil {
		panic("capture: value cannot be JSON: " + err.Error())
	}
	return replayed{code: code, header: http.Header{"Content-Type": {"application/vnd.inin.icws+JSON;charset=utf-8"}}, body: body}
}

// refusal is an error of the replay's own.
func refusal(code int, errorID, message string) replayed {
	a := jsonAnswer(code, map[string]string{"errorId": errorID, "message": message})
	if code == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `ICWS realm="ICWS" location="/ICWS/connection"`)
	}
	return a
}

// answer finds the answer of a request and does what it says it did.
func (p *Replay) answer(r *http.Request, body []byte) (replayed, *replaySession) {
	p.mu.Lock()
	defer p.mu.Unlock()
	resource := template(r.URL.Path)
	key := r.Method + " " + resource
	if key == "POST connection" {
		if a, refused := unusableLogOn(body); refused {
			return a, nil
		}
		return p.logOn(key), nil
	}
	if !strings.HasPrefix(resource, "{sid}/") {
		return p.next(key, p.asked, nil), nil
	}
	x, a, refused := p.authenticate(r, key)
	if refused {
		return a, nil
	}
	switch key {
	case polling:
		return p.fetch(r, x), x
	case "PUT " + subscriptionResource:
		return p.subscribe(key, x), x
	}
	a = p.next(key, x.asked, x)
	if a.code >= 300 || a.drop {
		return a, x
	}
	switch key {
	case "DELETE " + subscriptionResource:
		x.puts, x.waiting = 0, nil
	case leaving:
		delete(p.sessions, x.id)
		x.wake()
	}
	return a, x
}

// unusableLogOn wants a user and a password, whatever they are.
func unusableLogOn(body []byte) (a replayed, refused bool) {
	var settings struct {
		User     string `json:"userID"`
		Password string `json:"password"`
	}
	if err := json.Unmarshal(body, &settings); err != nil || settings.User == "" || settings.Password == "" {
		return refusal(http.StatusBadRequest, "error.request.invalidRepresentation", "A user and a password are required."), true
	}
	return replayed{}, false
}

// logOn plays the next answer to a log-on; one that made a session makes one.
func (p *Replay) logOn(key string) replayed {
	a := p.next(key, p.asked, nil)
	if a.code != http.StatusCreated || p.capture.session == "" {
		return a
	}
	p.lastSession++
	x := &replaySession{id: strconv.Itoa(2000000 + p.lastSession), token: rand.Text(), cookie: rand.Text(), asked: map[string]int{}}
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
	return x.rewritten(a)
}

// rewritten puts what was handed out in place of the placeholders.
func (x *replaySession) rewritten(a replayed) replayed {
	a.body = []byte(x.rewrite.Replace(string(a.body)))
	for _, values := range a.header {
		for i, value := range values {
			values[i] = x.rewrite.Replace(value)
		}
	}
	return a
}

// next is the next captured answer of a resource, the last one when all were
// given. Leaving always works, also when the capture ended before.
func (p *Replay) next(key string, asked map[string]int, x *replaySession) replayed {
	answers := p.capture.answers[key]
	if len(answers) == 0 {
		if key == leaving || key == "DELETE "+subscriptionResource {
			return replayed{code: http.StatusOK}
		}
		return refusal(http.StatusNotFound, "error.request.unsupported", "The capture has no answer to this.")
	}
	l := answers[min(asked[key], len(answers)-1)]
	asked[key]++
	a := l.answer()
	if x != nil {
		a = x.rewritten(a)
	}
	return a
}

// notReplayed are headers that belong to the connection, or to the moment.
var notReplayed = []string{"Connection", "Content-Length", "Date", "Transfer-Encoding"}

func (l *line) answer() replayed {
	if l.Error != "" {
		return replayed{drop: true}
	}
	a := replayed{code: l.Status, header: http.Header{}, body: l.bytes(), cut: l.Cut, streams: l.Stream}
	for name, values := range l.Header {
		if !slices.Contains(notReplayed, name) && !slices.Contains(values, leftOut) {
			a.header[name] = slices.Clone(values)
		}
	}
	if l.Cut {
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)+1))
	}
	return a
}

// authenticate finds the session of a request, as a server does.
func (p *Replay) authenticate(r *http.Request, key string) (*replaySession, replayed, bool) {
	sid, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/icws/"), "/")
	x := p.sessions[sid]
	if x == nil {
		return nil, refusal(http.StatusUnauthorized, "error.request.connection.authenticationFailure", "The session is unknown or has ended."), true
	}
	cookie := "icws_" + sid + "=" + x.cookie
	if p.capture.cookie != "" && !strings.Contains(strings.Join(r.Header.Values("Cookie"), ";")+";", cookie+";") {
		return nil, refusal(http.StatusUnauthorized, "error.request.accessDenied.cookie.invalid", "The session cookie is invalid."), true
	}
	if p.capture.token != "" && key != polling && r.Header.Get(headerToken) != x.token {
		return nil, refusal(http.StatusUnauthorized, "", "An authentication token was expected in the request, but not found."), true
	}
	return x, replayed{}, false
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
