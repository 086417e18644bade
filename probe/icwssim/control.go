package icwssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const controlPath = "/-/sim/"

// controlRoutes is the control path: what the methods do, over HTTP.
func (s *Server) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath+"{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, controlManual) // the client is gone: nothing to do
	})
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"GET state":               s.controlState,
		"GET journal":             func(*http.Request) (any, error) { return s.Journal(), nil },
		"GET quirks":              s.controlQuirks,
		"PUT quirks":              s.controlSetQuirks,
		"GET faults":              func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST faults":             s.controlInject,
		"DELETE faults":           func(*http.Request) (any, error) { return map[string]int{"cleared": s.Clear()}, nil },
		"DELETE faults/{id}":      s.controlClear,
		"POST step":               s.controlStep,
		"POST edit":               s.controlEdit,
		"POST full":               func(*http.Request) (any, error) { s.SendFull(); return done, nil },
		"POST message":            s.controlMessage,
		"POST sessions/expire":    func(*http.Request) (any, error) { s.ExpireSessions(); return done, nil },
		"POST sessions/end":       s.controlEnd,
		"POST subscription-state": s.controlSubscriptionState,
		"POST password":           s.controlPassword,
		"POST accepting":          s.controlAccepting,
		"POST switchover":         s.controlSwitchover,
	} {
		mux.HandleFunc(absolutePattern(pattern), func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
			result, err := serve(r)
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

func (s *Server) controlState(*http.Request) (any, error) {
	truth := s.Truth()
	return State{
		Name: s.opts.Name, Accepting: s.Accepting(),
		Revision: truth.Revision, Statuses: len(truth.Statuses), Groups: truth.Groups,
		Sessions: s.Sessions(), Counts: s.Counts(), LogOns: s.LogOns(), Faults: s.Faults(),
	}, nil
}

func (s *Server) controlInject(r *http.Request) (any, error) {
	var f Fault
	if err := decode(r, &f); err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
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

func (s *Server) controlStep(r *http.Request) (any, error) {
	n := 1
	if text := r.URL.Query().Get("n"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > maxSteps {
			return nil, fmt.Errorf("n: %q is not a number from 1 to %d", text, maxSteps)
		}
	}
	s.Step(n)
	return done, nil
}

func (s *Server) controlEdit(r *http.Request) (any, error) {
	var body struct {
		Edits    []Edit `json:"edits"`
		Silently bool   `json:"silently"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if len(body.Edits) == 0 {
		return nil, errors.New("edits: at least one is needed")
	}
	for i, e := range body.Edits {
		if err := e.validate(); err != nil {
			return nil, fmt.Errorf("edits[%d]: %w", i, err)
		}
	}
	if body.Silently {
		s.Silently(body.Edits...)
	} else {
		s.Apply(body.Edits...)
	}
	return done, nil
}

func (s *Server) controlMessage(r *http.Request) (any, error) {
	var message map[string]json.RawMessage
	if err := decode(r, &message); err != nil {
		return nil, err
	}
	s.Send(string(appendJSON(nil, message)))
	return done, nil
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

func (s *Server) controlSubscriptionState(r *http.Request) (any, error) {
	var body struct {
		State *int `json:"state"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.State == nil || *body.State < SubscriptionNone || *body.State > SubscriptionFaulted {
		return nil, errors.New("state: a number from 0 to 3 is needed")
	}
	s.SubscriptionState(*body.State)
	return done, nil
}

func (s *Server) controlPassword(r *http.Request) (any, error) {
	var body struct {
		Password string `json:"password"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.Password == "" {
		return nil, errors.New("password: must not be empty")
	}
	s.SetPassword(body.Password)
	return done, nil
}

func (s *Server) controlAccepting(r *http.Request) (any, error) {
	var body struct {
		Accepting *bool `json:"accepting"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.Accepting == nil {
		return nil, errors.New("accepting: true or false is needed")
	}
	s.SetNotAccepting(!*body.Accepting)
	return done, nil
}

func (s *Server) controlSwitchover(r *http.Request) (any, error) {
	var status Switchover
	if err := decode(r, &status); err != nil {
		return nil, err
	}
	if status.BackupState < 0 || status.BackupState > 3 {
		return nil, errors.New("backupState: a number from 0 to 3 is needed")
	}
	s.SetSwitchover(status)
	return done, nil
}
