package probe

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

// watchOnServer is whom a simulator watches for the only session, and until when it watched
// others; by folded id.
type watchOnServer struct {
	mu     sync.Mutex
	now    map[string]bool
	ended  map[string]time.Time
	quirks icwssim.UserQuirks
}

// watched takes down whom the host watches from now on, by what it accepts. The host must
// not serve yet.
func (d *shift) watched(host string) *watchOnServer {
	q := &watchOnServer{ended: map[string]time.Time{}, quirks: d.quirks}
	next := d.servers[host].Handler
	d.servers[host].Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "subscriptions/status/user-statuses") {
			next.ServeHTTP(w, req)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		answer := &answerSeen{ResponseWriter: w}
		defer func() {
			switch {
			case req.Method == http.MethodPut && answer.code == http.StatusOK && answer.bytes == 0: // a proxy's has a body
				q.put(body)
			case req.Method == http.MethodDelete && answer.code == http.StatusNoContent:
				q.change(nil)
			}
		}()
		next.ServeHTTP(answer, req)
	})
	return q
}

// put takes note of a list that the server accepted.
func (q *watchOnServer) put(body []byte) {
	var list struct {
		UserIDs []string `json:"userIds"`
	}
	if json.Unmarshal(body, &list) != nil {
		return
	}
	ids := list.UserIDs
	if most := q.quirks.UserMaximum; most > 0 {
		ids = ids[:min(len(ids), most)]
	}
	to := map[string]bool{}
	for _, id := range ids {
		to[catalogue.Fold(id)] = true
	}
	if q.quirks.UserListPut == "add" {
		maps.Copy(to, q.now)
	}
	q.change(to)
}

func (q *watchOnServer) change(to map[string]bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id := range q.now {
		q.ended[id] = time.Now()
	}
	q.now = to
}

// watchedAfter reports whether the server watched a user at a time after then.
func (q *watchOnServer) watchedAfter(id string, then time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	id = catalogue.Fold(id)
	return q.now[id] || q.ended[id].After(then)
}

// answerSeen notes what was answered.
type answerSeen struct {
	http.ResponseWriter
	code, bytes int
}

func (a *answerSeen) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answerSeen) WriteHeader(code int) {
	a.code = code
	a.ResponseWriter.WriteHeader(code)
}

func (a *answerSeen) Write(p []byte) (int, error) {
	a.bytes += len(p)
	return a.ResponseWriter.Write(p)
}
