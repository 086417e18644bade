package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
)

// Retrier ends the wait of a server's probe; *exporter.Fleet is one.
type Retrier interface {
	// Retry may take until ctx ends. It returns probe.ErrPasswordRefused when nothing is
	// tried because the password was refused, unless sendRefused.
	Retry(ctx context.Context, server string, sendRefused bool) error
}

const (
	// retryInterval is how often a server is tried by hand at most: each try may cost
	// it a log-on.
	retryInterval = 10 * time.Second
	// retryPatience is how long a probe may take to hear of it.
	retryPatience = 5 * time.Second
)

// RetryPattern is the pattern of NewRetry for an http.ServeMux.
const RetryPattern = "/api/v1/servers/{name}/retry"

// SendRefused is the query with which a refused password is sent once more: whoever
// says so knows that it counts towards locking the user.
const SendRefused = "refused_password=send"

// NewRetry answers a request to try a server again at once. The caller lets POST
// from its own pages through and nothing else. A browser that sent a form is led back
// to the page of the server.
func NewRetry(fleet Retrier) http.Handler {
	r := &retries{fleet: fleet, last: map[string]time.Time{}}
	return http.HandlerFunc(r.serve)
}

type retries struct {
	fleet Retrier

	mu   sync.Mutex
	last map[string]time.Time // by server, within retryInterval
}

func (s *retries) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !s.due(name, time.Now()) {
		w.Header().Set("Retry-After", "10")
		WriteJSON(w, http.StatusTooManyRequests, failure{"the server was tried by hand within the last 10 seconds; each try may cost it a log-on"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), retryPatience)
	defer cancel()
	switch err := s.fleet.Retry(ctx, name, r.URL.RawQuery == SendRefused); {
	case errors.Is(err, probe.ErrPasswordRefused):
		s.forget(name)
		WriteJSON(w, http.StatusConflict, failure{"nothing was sent: the log-on with this password was refused, and it is held until the password changes. " +
			"To send it once more all the same, because the user was unlocked for example, add ?" + SendRefused + "; that counts towards locking the user"})
	case errors.Is(err, exporter.ErrUnknownServer):
		WriteJSON(w, http.StatusNotFound, failure{"no server of this name is configured; /api/v1/servers has the names"})
	case err != nil:
		w.Header().Set("Retry-After", "10")
		WriteJSON(w, http.StatusServiceUnavailable, failure{"the probe is in the middle of a request, or ends; try again"})
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		// Relative, as all links are: a proxy may serve the pages below a path of its own.
		w.Header().Set("Location", "../../../../servers/"+url.PathEscape(name))
		w.WriteHeader(http.StatusSeeOther)
	default:
		WriteJSON(w, http.StatusOK, struct {
			Server string `json:"server"`
			Retry  string `json:"retry"`
		}{name, "under way"})
	}
}

// forget takes back that the server was tried.
func (s *retries) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.last, name)
}

// due reports whether the server was not tried lately, and notes that it is.
func (s *retries) due(name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for server, at := range s.last {
		if now.Sub(at).Abs() >= retryInterval {
			delete(s.last, server)
		}
	}
	if _, lately := s.last[name]; lately {
		return false
	}
	s.last[name] = now
	return true
}
