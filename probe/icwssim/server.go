package icwssim

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a simulated IC server. All its methods may be called from any
// goroutine. Close must be called when it is no longer needed.
type Server struct {
	opts    Options // not changed after New
	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup // requests and the random life
	control http.Handler

	mu           sync.Mutex // guards all below; never held over I/O or waiting
	quirks       Quirks
	password     string
	notAccepting bool
	switchover   Switchover
	catalogue    *catalogue
	people       *people
	random       *rand.Rand // of the random life
	size         int        // that the random life keeps near
	sessions     map[string]*session
	asked        map[string]int // of a Script, outside of sessions
	former       []string       // ids of ended sessions, oldest first
	lastSession  int
	lastMessage  int
	faults       []*scriptedFault
	lastFault    int
	journal      *journal
}

// New returns a running server. Of two statuses with the same id the later counts.
// It panics if a quirk has a value that it cannot have.
func New(o Options) *Server {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		opts: o, closing: ctx, close: cancel,
		quirks: o.Quirks, password: o.Password,
		notAccepting: o.NotAccepting, switchover: o.Switchover,
		catalogue: newCatalogue(o.Statuses, o.Quirks),
		people:    newPeople(o.Users, o.Shifts.Seed),
		random:    rand.New(rand.NewPCG(o.Life.Seed, lifeStream)),
		sessions:  map[string]*session{}, asked: map[string]int{},
		journal: &journal{counts: Counts{}, logOns: map[string]int{}},
	}
	s.control = s.controlHandler()
	s.size = max(len(s.catalogue.entries), smallestLife)
	s.live(o.Life.Interval, s.random, s.Step)
	s.live(o.Shifts.Interval, s.people.random, s.StepShifts)
	return s
}

// Close ends the streams, the waiting answers and the random life, and waits for
// them. Requests after it are answered 503.
func (s *Server) Close() {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.running.Wait()
}

// enter admits a request unless the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return false
	}
	s.running.Add(1)
	return true
}

// maxBody bounds what is read of a request.
const maxBody = 1 << 20

// call is one ICWS request on its way through the server.
type call struct {
	request  *http.Request
	path     string // without Options.Prefix
	endpoint endpoint
	sid, id  string
	// subscription is the path of the subscription that the request is about.
	subscription string
	body         []byte
	session      *session
	fault        Fault
	faultID      int             // 0: none
	hung         <-chan struct{} // closed when the fault that hangs the call is cleared
	arrived      time.Time
}

// ServeHTTP implements http.Handler: ICWS below Options.Prefix, and the control
// path below /-/sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		http.Error(w, "the simulator is closed", http.StatusServiceUnavailable)
		return
	}
	defer s.running.Done()
	defer limitWrites(s.closing, w)()
	if strings.HasPrefix(r.URL.Path, controlPath) {
		s.control.ServeHTTP(w, r)
		return
	}
	path, found := strings.CutPrefix(r.URL.Path, s.opts.Prefix)
	if !found {
		http.NotFound(w, r)
		return
	}
	c := resolve(r, path)
	c.arrived = time.Now()
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		s.send(w, c, badRequest("error.request.invalidRepresentation", "The body could not be read."))
		return
	}
	s.takeFault(c)
	c.fault.Delay += s.putTime(c)
	if !s.wait(c) {
		c.fault = Fault{Drop: true} // an empty 200 would be a lie
	}
	s.send(w, c, s.answer(c))
}

// answer serves the call, unless its fault answers instead.
func (s *Server) answer(c *call) answer {
	if a, instead := c.fault.answer(c.endpoint.operation); instead {
		return a
	}
	if c.fault.Drop {
		return answer{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	if a, refused := s.authenticate(c); refused {
		return a
	}
	if s.opts.Script != nil {
		return s.scripted(c)
	}
	return c.endpoint.serve(s, c)
}

// closeGrace is how long a client that does not read can hold up Close.
const closeGrace = time.Second

// limitWrites has a write to a client that does not read fail soon after closing.
func limitWrites(closing context.Context, w http.ResponseWriter) (stop func() bool) {
	rc := http.NewResponseController(w)
	return context.AfterFunc(closing, func() {
		_ = rc.SetWriteDeadline(time.Now().Add(closeGrace)) // a recorder has none
	})
}

// wait waits as long as the fault of the call wants, and says whether the request
// is to be served then.
func (s *Server) wait(c *call) bool {
	gone := c.request.Context().Done()
	if c.fault.ServeAnyway || c.hung != nil {
		gone = nil
	}
	if c.hung != nil {
		select {
		case <-c.hung:
		case <-s.closing.Done():
			return false
		}
	}
	if c.fault.Delay <= 0 {
		return true
	}
	timer := time.NewTimer(c.fault.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
	case <-s.closing.Done():
	}
	return false
}
