package probe

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rawServer is an IC server that shares nothing with the simulator: it answers
// what a test wants, and what its stream carries comes late when told so.
type rawServer struct {
	mu       sync.Mutex
	lag      time.Duration // of the stream
	repeats  string        // what every stream carries once in a second; nothing when empty
	streams  []chan string
	asked    map[string]int // requests by method and last part of the path
	full     func() string  // the list of status messages, as it is now
	onPut    func()         // nil: a full message goes into the stream
	refuses  map[string]int // codes by method and last part of the path
	sessions int
}

// serveRaw starts a raw server as the host.
func (r *rig) serveRaw(host string, s *rawServer) {
	s.asked, s.refuses = map[string]int{}, map[string]int{}
	srv := &http.Server{Handler: s}
	r.servers[host] = srv
	go srv.Serve(r.net.Listen(host + ":8018"))
}

func (s *rawServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	what := r.Method + " " + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	s.mu.Lock()
	s.asked[what]++
	code := s.refuses[what]
	s.mu.Unlock()
	switch {
	case code != 0:
		http.Error(w, "{}", code)
	case what == "POST connection":
		s.mu.Lock()
		s.sessions++
		n := s.sessions
		s.mu.Unlock()
		w.Header().Set("Set-Cookie", fmt.Sprintf("icws_%d=x", n))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"sessionId":"%d","csrfToken":"token","features":[{"featureId":"messaging","version":2}]}`, n)
	case what == "GET version":
		fmt.Fprint(w, `{"majorVersion":21,"productId":"raw"}`)
	case what == "PUT status-messages":
		if s.onPut == nil {
			s.sendFull()
		} else {
			s.onPut()
		}
	case what == "GET status-messages":
		fmt.Fprintf(w, `{"statusMessageList":[%s]}`, s.full())
	case what == "GET messages":
		s.stream(w, r)
	}
}

func (s *rawServer) stream(w http.ResponseWriter, r *http.Request) {
	events := make(chan string, 10_000)
	s.mu.Lock()
	s.streams = append(s.streams, events)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	ping := time.NewTicker(time.Second)
	defer ping.Stop()
	for {
		http.NewResponseController(w).Flush()
		select {
		case e := <-events:
			fmt.Fprintf(w, "data: %s\n\n", e)
		case <-ping.C:
			s.mu.Lock()
			repeats := s.repeats
			s.mu.Unlock()
			if repeats != "" {
				fmt.Fprintf(w, "data: %s\n\n", repeats)
			}
			fmt.Fprint(w, ":\n\n")
		case <-r.Context().Done():
			return
		}
	}
}

// send has every stream carry a message, when the lag has passed.
func (s *rawServer) send(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := slices.Clone(s.streams)
	time.AfterFunc(s.lag, func() {
		for _, events := range streams {
			select {
			case events <- message:
			default: // nobody reads it any more
			}
		}
	})
}

const rawType = `"__type":"urn:inin.com:status:statusMessagesMessage"`

func fullMessage(list string) string {
	return fmt.Sprintf(`{%s,"isDelta":false,"statusMessagesAdded":[%s]}`, rawType, list)
}

func (s *rawServer) sendFull() { s.send(fullMessage(s.full())) }

func (s *rawServer) setLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

func (s *rawServer) refuse(what string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses[what] = code
}

func (s *rawServer) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[what]
}

// history is a truth that changes with time: one status whose group is its version.
type truthOverTime struct {
	mu    sync.Mutex
	since []time.Time // of each version
}

func (h *truthOverTime) change() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since = append(h.since, time.Now())
}

func (h *truthOverTime) list() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprintf(`{"statusId":"a","groupTag":"v%d"}`, len(h.since)-1)
}

// age is how long ago the version that a snapshot shows was replaced on the server.
func (h *truthOverTime) age(t *testing.T, s *Snapshot) time.Duration {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range s.Groups {
		var version int
		if g.Entries == 0 {
			continue
		}
		if _, err := fmt.Sscanf(g.Group, "v%d", &version); err != nil {
			t.Fatalf("group %q", g.Group)
		}
		if version+1 >= len(h.since) {
			return 0
		}
		return time.Since(h.since[version+1])
	}
	t.Fatal("nothing is shown")
	return 0
}
