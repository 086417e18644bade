package icwssim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Swallow is what a fault has disappear.
type Swallow string

// What can disappear. Messages are taken when they should be queued for a session: a
// PUT still answers 200.
const (
	SwallowFull     Swallow = "full"
	SwallowDeltas   Swallow = "deltas"
	SwallowMessages Swallow = "messages"
	SwallowStream   Swallow = "stream"
)

// Fault is something that goes wrong with the requests that it selects by method, path
// and operation; what is not given selects all. Of several faults that match a request,
// the oldest acts alone. The tags are the manual of the control path.
type Fault struct {
	Method    string `json:"method,omitempty" does:"of the request"`
	Path      string `json:"path,omitempty" does:"regular expression for the path, without a proxy's prefix"`
	Operation string `json:"operation,omitempty" does:"of the list above; that of a poll that asks for events is stream"`
	Skip      int    `json:"skip,omitempty" does:"let that many requests pass first (of swallow, late and say: messages, a delta once for all sessions)"`
	Count     int    `json:"count,omitempty" does:"then that many fail, 0 until cleared"`

	Delay       time.Duration `json:"-" does:"wait before anything else, such as \"2s\""`
	ServeAnyway bool          `json:"serveAnyway,omitempty" does:"serve after the delay though the client has gone, as a server does that works off its queue"`
	Hang        bool          `json:"hang,omitempty" does:"requests wait until the fault is cleared and then are served, also those whose clients have gone; open streams stand still"`

	// Code answers instead of the server, which then never sees the request.
	Code           int               `json:"code,omitempty" does:"answer that instead of serving, with an ICWS error of the next three or a body"`
	ErrorID        string            `json:"errorId,omitempty" does:"of the error"`
	Message        string            `json:"message,omitempty" does:"of the error"`
	AlternateHosts []string          `json:"alternateHosts,omitempty" does:"of the error"`
	Body           string            `json:"body,omitempty" does:"instead of the error; without a code it comes with 200"`
	ContentType    string            `json:"contentType,omitempty" does:"of the answer, if not that of ICWS"`
	RetryAfter     string            `json:"retryAfter,omitempty" does:"a header"`
	Headers        map[string]string `json:"headers,omitempty" does:"more headers, also of an answer that is served"`
	Interim        int               `json:"interim,omitempty" does:"that many answers 103 before the answer"`

	// Drop: Go's http.Transport sends a GET again, once, when this befalls a connection
	// that it used before. With a Count of 1 that may hide the fault.
	Drop  bool `json:"drop,omitempty" does:"end the connection without an answer and without serving"`
	Cut   *int `json:"cut,omitempty" does:"serve, and end the connection after that many bytes of the body or the stream"`
	Stall bool `json:"stall,omitempty" does:"serve, and send nothing after the headers"`

	Swallow Swallow       `json:"swallow,omitempty" does:"lose messages: full, deltas or messages (all); or stream: no stream carries a byte, as behind a buffering proxy"`
	Late    Swallow       `json:"late,omitempty" does:"full, deltas or messages reach the client the delay later than they were sent"`
	Say     []Saying      `json:"say,omitempty" does:"said to every subscription, one after the other and again from the first: full, old-full, new-ids, faulted, normal, undecodable, unknown"`
	Every   time.Duration `json:"-" does:"the time between two of say"`
}

// faultManual is a line for each field of a Fault.
func faultManual() string {
	var b strings.Builder
	for f := range reflect.TypeFor[Fault]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			name = strings.ToLower(f.Name)
		}
		fmt.Fprintf(&b, "%-15s %s\n", name, f.Tag.Get("does"))
	}
	return b.String()
}

// Saying is a message that a fault has the server say.
type Saying string

// What a server can be made to say. SayOldFull is the catalogue as it was when the
// fault was injected; SayFaulted and SayNormal change nothing but what is said.
const (
	SayFull        Saying = "full"
	SayOldFull     Saying = "old-full"
	SayNewIDs      Saying = "new-ids" // a delta that adds 100 statuses of which the list knows nothing
	SayFaulted     Saying = "faulted"
	SayNormal      Saying = "normal"
	SayUndecodable Saying = "undecodable"
	SayUnknown     Saying = "unknown" // a type that nobody knows
)

var sayings = []Saying{SayFull, SayOldFull, SayNewIDs, SayFaulted, SayNormal, SayUndecodable, SayUnknown}

// aboutMessages reports whether the fault is about messages, not about requests.
func (f *Fault) aboutMessages() bool {
	return f.Swallow != "" && f.Swallow != SwallowStream || f.Late != "" || len(f.Say) > 0
}

// FaultInfo is an injected fault and how often it acted.
type FaultInfo struct {
	ID    int   `json:"id"`
	Fault Fault `json:"fault"` // Skip and Count are what is left
	Acted int   `json:"acted"`
}

type scriptedFault struct {
	FaultInfo
	path    *regexp.Regexp
	cleared chan struct{}
	old     []byte // the catalogue when the fault was injected, for SayOldFull
}

// Validate returns an error that names the field which cannot be used.
func (f Fault) Validate() error {
	if _, err := regexp.Compile(f.Path); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	switch {
	case f.Operation != "" && !slices.Contains(operations, f.Operation):
		return fmt.Errorf("operation: %q is none of %q", f.Operation, operations)
	case f.Code != 0 && f.Code != http.StatusSwitchingProtocols && (f.Code < 200 || f.Code > 599):
		return fmt.Errorf("code: %d is neither 101 nor between 200 and 599", f.Code)
	case f.Cut != nil && *f.Cut < 0:
		return errors.New("cut: must not be negative")
	case f.Hang && f.Count > 0:
		return errors.New("hang: lasts until it is cleared and cannot have a count")
	}
	for name, value := range map[string]int64{
		"skip": int64(f.Skip), "count": int64(f.Count), "delay": int64(f.Delay), "interim": int64(f.Interim), "every": int64(f.Every),
	} {
		if value < 0 {
			return fmt.Errorf("%s: must not be negative", name)
		}
	}
	return f.validateMessages()
}

// validateMessages is Validate of what is about messages.
func (f Fault) validateMessages() error {
	for name, kind := range map[string]Swallow{"swallow": f.Swallow, "late": f.Late} {
		switch kind {
		case "", SwallowFull, SwallowDeltas, SwallowMessages:
			continue
		case SwallowStream:
			if name == "swallow" {
				continue
			}
		}
		return fmt.Errorf("%s: %q is none of full, deltas, messages, and for swallow stream", name, kind)
	}
	for _, saying := range f.Say {
		if !slices.Contains(sayings, saying) {
			return fmt.Errorf("say: %q is none of %q", saying, sayings)
		}
	}
	switch {
	case f.aboutMessages() && (f.Method != "" || f.Path != "" || f.Operation != ""):
		return errors.New("swallow, late and say are about messages: they cannot select requests by method, path or operation")
	case f.Late != "" && f.Delay == 0:
		return errors.New("late: needs a delay")
	case len(f.Say) > 0 && f.Every == 0:
		return errors.New(`say: needs every, such as "1s"`)
	}
	return nil
}

// Inject adds a fault and returns its id. It panics if the fault is not valid.
func (s *Server) Inject(f Fault) (id int) {
	if err := f.Validate(); err != nil {
		panic("icwssim: fault: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastFault++
	scripted := &scriptedFault{FaultInfo{ID: s.lastFault, Fault: f}, regexp.MustCompile(f.Path), make(chan struct{}), nil}
	s.faults = append(s.faults, scripted)
	if len(f.Say) > 0 && s.closing.Err() == nil {
		scripted.old = s.fullMessage()
		s.running.Go(func() { s.say(scripted) })
	}
	return s.lastFault
}

// Clear removes the faults of these ids, or all when none is named, and returns
// how many there were.
func (s *Server) Clear(ids ...int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.faults)
	s.faults = slices.DeleteFunc(s.faults, func(f *scriptedFault) bool {
		gone := len(ids) == 0 || slices.Contains(ids, f.ID)
		if gone {
			close(f.cleared)
		}
		return gone
	})
	return before - len(s.faults)
}

// Faults returns the faults that still act, oldest first.
func (s *Server) Faults() []FaultInfo {
	return told(s, func() []FaultInfo {
		infos := make([]FaultInfo, len(s.faults))
		for i, f := range s.faults {
			infos[i] = f.FaultInfo
		}
		return infos
	})
}

// takeFault gives the call the first fault that matches it.
func (s *Server) takeFault(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.firstFault(func(f *scriptedFault) bool { return f.matches(c) })
	if f != nil {
		c.fault, c.faultID = f.Fault, f.ID
		if f.Fault.Hang {
			c.hung = f.cleared
		}
	}
}

// stillness is closed when the faults that have the call stand still are cleared;
// nil: none does.
func (s *Server) stillness(c *call) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Fault.Hang && f.Fault.Skip == 0 && f.matches(c) {
			return f.cleared
		}
	}
	return nil
}

// swallows says whether a fault takes a message of this kind.
func (s *Server) swallows(kind Swallow) bool {
	return s.firstFault(func(f *scriptedFault) bool {
		return f.Fault.Swallow == kind || f.Fault.Swallow == SwallowMessages
	}) != nil
}

// firstFault uses up one turn of the oldest fault that matches and is due.
func (s *Server) firstFault(matches func(*scriptedFault) bool) *scriptedFault {
	for i, f := range s.faults {
		if !matches(f) {
			continue
		}
		if f.Fault.Skip > 0 {
			f.Fault.Skip--
			continue
		}
		f.Acted++
		if f.Fault.Count > 0 {
			if f.Fault.Count--; f.Fault.Count == 0 {
				close(f.cleared)
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

func (f *scriptedFault) matches(c *call) bool {
	if f.Fault.aboutMessages() || f.Fault.Swallow == SwallowStream && c.endpoint.operation != OpStream {
		return false
	}
	return (f.Fault.Method == "" || f.Fault.Method == c.request.Method) &&
		(f.Fault.Operation == "" || f.Fault.Operation == c.endpoint.operation) &&
		f.path.MatchString(c.path)
}

// hosts is the alternateHostList of an error: a 503 of a log-on must have one
// (protocol.md, 1.4).
func (f *Fault) hosts(operation string, code int) []string {
	if operation == OpConnect && code == http.StatusServiceUnavailable {
		return nonNil(f.AlternateHosts)
	}
	return f.AlternateHosts
}

// answer returns what the fault answers instead of the server.
func (f *Fault) answer(operation string) (a answer, instead bool) {
	if f.Code == 0 && f.Body == "" {
		return answer{}, false
	}
	code := cmp.Or(f.Code, http.StatusOK)
	a = emptyAnswer(code)
	switch {
	case f.Body != "":
		a = jsonAnswer(code, []byte(f.Body))
	case code >= http.StatusBadRequest:
		message := cmp.Or(f.Message, "An injected fault: "+strconv.Itoa(code)+" "+http.StatusText(code)+".")
		a = icwsError{id: f.ErrorID, message: message, hosts: f.hosts(operation, code)}.answer(code)
	}
	if f.ContentType != "" {
		a.header.Set("Content-Type", f.ContentType)
	}
	if f.RetryAfter != "" {
		a.header.Set("Retry-After", f.RetryAfter)
	}
	return a, true
}
