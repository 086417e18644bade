package icwssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const controlPath = "/-/sim/"

// controlRoute is one act of the control path: what a method does, over HTTP.
type controlRoute struct {
	method, path string // below controlPath; what follows a space or ? is only told
	does         string
	serve        func(*Server, *http.Request) (any, error)
}

// controlRoutes are the control path and its manual.
var controlRoutes = []controlRoute{
	{"GET", "state", "what the server holds: counts, sessions, answers given, faults", tell(func(s *Server) any { return s.state() })},
	{"GET", "journal", "the last ICWS exchanges, oldest first", tell(func(s *Server) any { return s.Journal() })},
	{"GET", "faults", "the faults that still act", tell(func(s *Server) any { return s.Faults() })},
	{"POST", "faults", "add a fault, answers {\"id\": n}", (*Server).controlInject},
	{"DELETE", "faults", "remove all faults", tell(func(s *Server) any { return map[string]int{"cleared": s.Clear()} })},
	{"DELETE", "faults/{id}", "remove one", (*Server).controlClear},
	{"POST", "step?n=10", "random edits, sent as deltas", steps((*Server).Step)},
	{"POST", "edit", `{"edits": [{"add": STATUS}, {"change": STATUS}, {"remove": "id"}], "silently": false}`, act((*Server).controlEdit)},
	{"POST", "full", "send the whole catalogue to every subscription", tell(func(s *Server) any { s.SendFull(); return done })},
	{"POST", "message", "any JSON object, sent as a message to every session", act(func(s *Server, message map[string]json.RawMessage) error {
		s.Send(string(appendJSON(nil, message)))
		return nil
	})},
	{"POST", "sessions/expire", "end every session without a word", tell(func(s *Server) any { s.ExpireSessions(); return done })},
	{"POST", "sessions/end?reconnect=true", "end every session with a connectionStateChangeMessage", (*Server).controlEnd},
	{"POST", "subscription-state", `{"state": 0 none, 1 normal, 2 suspended, 3 faulted}`, member("state", func(s *Server, state int) error {
		if state < SubscriptionNone || state > SubscriptionFaulted {
			return errors.New("state: a number from 0 to 3 is needed")
		}
		s.SubscriptionState(state)
		return nil
	})},
	{"POST", "password", `{"password": "..."}`, member("password", func(s *Server, password string) error {
		if password == "" {
			return errors.New("password: must not be empty")
		}
		s.SetPassword(password)
		return nil
	})},
	{"POST", "accepting", `{"accepting": false} refuses log-ons with 503`, member("accepting", func(s *Server, accepting bool) error { s.SetNotAccepting(!accepting); return nil })},
	{"POST", "switchover", "what switchover-status answers", act((*Server).controlSwitchover)},
	{"GET", "users", "the users and what they do", tell(func(s *Server) any { return s.Users() })},
	{"POST", "users", "add or change a user: id, name, workgroups, noRight, status, loggedIn, onPhone", act((*Server).controlPutUser)},
	{"DELETE", "users/{id}", "remove a user", (*Server).controlRemoveUser},
	{"POST", "shifts?n=10", "changes of users as their shifts bring", steps((*Server).StepShifts)},
	{"GET", "quirks", "how the server behaves where the protocol leaves it open", tell(func(s *Server) any { return told(s, func() Quirks { return s.quirks }) })},
	{"PUT", "quirks", "change it: the quirks that are not named get their defaults", (*Server).controlSetQuirks},
}

// controlManual is what GET on the control path itself answers.
func controlManual() string {
	var b strings.Builder
	b.WriteString(`The simulator's control path. JSON in and out; a request that cannot be
understood is answered 400 with {"error": "..."} and changes nothing.

`)
	for _, r := range controlRoutes {
		fmt.Fprintf(&b, "%-6s %-36s %s\n", r.method, controlPath+r.path, r.does)
	}
	b.WriteString("\nWhat is simulated, and the operation by which a fault can select it:\n\n")
	for _, e := range endpoints {
		fmt.Fprintf(&b, "%-6s /icws/%-58s %s\n", e.method, e.resource, e.operation)
	}
	return b.String() + "\nA fault can have:\n\n" + faultManual() + "\nQuirks, first value = default:\n\n" + quirksManual()
}

// controlHandler serves the control path.
func (s *Server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath+"{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, controlManual()) // the client is gone: nothing to do
	})
	for _, route := range controlRoutes {
		path, _, _ := strings.Cut(route.path, "?")
		mux.HandleFunc(route.method+" "+controlPath+path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
			result, err := route.serve(s, r)
			writeControl(w, result, err)
		})
	}
	return mux
}

// maxControlBody has room for an edit of 100,000 statuses.
const maxControlBody = 64 << 20

// done is the answer to an act that has nothing to tell.
var done = struct{}{}

var errNotFound = errors.New("there is no fault of this id")

// tell serves what needs no body and cannot fail.
func tell(f func(*Server) any) func(*Server, *http.Request) (any, error) {
	return func(s *Server, _ *http.Request) (any, error) { return f(s), nil }
}

// act serves what takes a body and has nothing to tell.
func act[T any](f func(*Server, T) error) func(*Server, *http.Request) (any, error) {
	return func(s *Server, r *http.Request) (any, error) {
		var body T
		if err := decode(r.Body, &body); err != nil {
			return nil, err
		}
		return done, f(s, body)
	}
}

// member serves what takes a body with that one member.
func member[T any](name string, f func(*Server, T) error) func(*Server, *http.Request) (any, error) {
	return act(func(s *Server, body map[string]json.RawMessage) error {
		var value T
		if json.Unmarshal(body[name], &value) != nil || len(body) != 1 {
			return fmt.Errorf("%s: this is needed, of the type %T, and nothing else", name, value)
		}
		return f(s, value)
	})
}

// State is the answer of GET /-/sim/state.
type State struct {
	Name      string                `json:"name"`
	Accepting bool                  `json:"accepting"`
	Revision  uint64                `json:"revision"`
	Statuses  int                   `json:"statuses"`
	Groups    map[string]GroupCount `json:"groups"`
	Sessions  []SessionInfo         `json:"sessions"`
	Counts    Counts                `json:"counts"`
	LogOns    map[string]int        `json:"logOns"`
	Faults    []FaultInfo           `json:"faults"`
}

func (s *Server) state() State {
	truth := s.Truth()
	return State{
		Name: s.opts.Name, Accepting: s.Accepting(),
		Revision: truth.Revision, Statuses: len(truth.Statuses), Groups: truth.Groups,
		Sessions: s.Sessions(), Counts: s.Counts(), LogOns: s.LogOns(), Faults: s.Faults(),
	}
}

func (s *Server) controlInject(r *http.Request) (any, error) {
	f, err := ReadFault(r.Body)
	if err != nil {
		return nil, err
	}
	return map[string]int{"id": s.Inject(f)}, nil
}

func (s *Server) controlClear(r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("id: %q is not a number", r.PathValue("id"))
	}
	if s.Clear(id) == 0 {
		return nil, errNotFound
	}
	return map[string]int{"cleared": 1}, nil
}

// maxSteps keeps one request from busying the server for long.
const maxSteps = 100_000

// steps serves what is done n times.
func steps(f func(*Server, int)) func(*Server, *http.Request) (any, error) {
	return func(s *Server, r *http.Request) (any, error) {
		n := 1
		if text := r.URL.Query().Get("n"); text != "" {
			var err error
			if n, err = strconv.Atoi(text); err != nil || n < 1 || n > maxSteps {
				return nil, fmt.Errorf("n: %q is not a number from 1 to %d", text, maxSteps)
			}
		}
		f(s, n)
		return done, nil
	}
}

func (s *Server) controlPutUser(u User) error {
	if u.ID == "" {
		return errors.New("id: must not be empty")
	}
	s.PutUser(u)
	return nil
}

func (s *Server) controlRemoveUser(r *http.Request) (any, error) {
	s.RemoveUser(r.PathValue("id"))
	return done, nil
}

func (s *Server) controlEdit(body struct {
	Edits    []Edit `json:"edits"`
	Silently bool   `json:"silently"`
}) error {
	if len(body.Edits) == 0 {
		return errors.New("edits: at least one is needed")
	}
	for i, e := range body.Edits {
		if err := e.validate(); err != nil {
			return fmt.Errorf("edits[%d]: %w", i, err)
		}
	}
	if body.Silently {
		s.Silently(body.Edits...)
	} else {
		s.Apply(body.Edits...)
	}
	return nil
}

func (s *Server) controlEnd(r *http.Request) (any, error) {
	reconnect := false
	if text := r.URL.Query().Get("reconnect"); text != "" {
		var err error
		if reconnect, err = strconv.ParseBool(text); err != nil {
			return nil, fmt.Errorf("reconnect: %q is neither true nor false", text)
		}
	}
	s.EndSessions(reconnect)
	return done, nil
}

func (s *Server) controlSwitchover(status Switchover) error {
	if state := status.BackupState; state != nil && (*state < 0 || *state > 3) {
		return errors.New("backupState: a number from 0 to 3 is needed")
	}
	s.SetSwitchover(status)
	return nil
}

func (s *Server) controlSetQuirks(r *http.Request) (any, error) {
	q := Quirks{}.withDefaults()
	if err := decode(r.Body, &q); err != nil {
		return nil, err
	}
	if err := q.validate(); err != nil {
		return nil, err
	}
	s.setQuirks(q)
	return q, nil
}
