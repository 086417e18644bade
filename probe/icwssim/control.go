package icwssim

import (
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
	method, path string // below controlPath
	does         string
	serve        func(*Server, *http.Request) (any, error)
}

// controlRoutes are the control path and its manual. Everything that goes wrong by
// request or message is a fault; tests in Go have the methods for the rest.
var controlRoutes = []controlRoute{
	{"GET", "state", "what the server holds: counts, sessions, answers given, faults, quirks", tell(func(s *Server) any { return s.state() })},
	{"POST", "faults", "add a fault, answers {\"id\": n}", (*Server).controlInject},
	{"DELETE", "faults", "remove all faults", tell(func(s *Server) any { return map[string]int{"cleared": s.Clear()} })},
	{"DELETE", "faults/{id}", "remove one", (*Server).controlClear},
	{"POST", "sessions/expire", "end every session without a word", tell(func(s *Server) any { s.ExpireSessions(); return done })},
	{"POST", "sessions/end", "end every session with a connectionStateChangeMessage that asks not to come back", tell(func(s *Server) any { s.EndSessions(false); return done })},
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
		mux.HandleFunc(route.method+" "+controlPath+route.path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			result, err := route.serve(s, r)
			writeControl(w, result, err)
		})
	}
	return mux
}

// done is the answer to an act that has nothing to tell.
var done = struct{}{}

var errNotFound = errors.New("there is no fault of this id")

// tell serves what needs no body and cannot fail.
func tell(f func(*Server) any) func(*Server, *http.Request) (any, error) {
	return func(s *Server, _ *http.Request) (any, error) { return f(s), nil }
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
	Quirks    Quirks                `json:"quirks"`
}

func (s *Server) state() State {
	truth := s.Truth()
	return State{
		Name: s.opts.Name, Accepting: s.Accepting(),
		Revision: truth.Revision, Statuses: len(truth.Statuses), Groups: truth.Groups,
		Sessions: s.Sessions(), Counts: s.Counts(), LogOns: s.LogOns(), Faults: s.Faults(),
		Quirks: told(s, func() Quirks { return s.quirks }),
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
