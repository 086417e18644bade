package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// floorCommand does what is left of watching when only net/http is: it asks for what the exporter asks for, as
// often, and throws away what comes.
type floorCommand struct {
	URL     string        `required:"" help:"What to ask for; what it is and the number of the server follow."`
	Servers int           `required:"" help:"How many servers there are."`
	Poll    time.Duration `help:"How often to ask for messages; 0 for a stream that does not end."`
}

// Run reads until the process is told to end.
func (c *floorCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var asking sync.WaitGroup
	for i := range c.Servers {
		asking.Go(func() { c.read(ctx, i) })
	}
	checks := time.NewTicker(time.Minute / time.Duration(c.Servers))
	defer checks.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		select {
		case <-ctx.Done():
		case <-checks.C:
			asking.Go(func() { c.check(ctx, i%c.Servers) })
		}
	}
	asking.Wait()
	return nil
}

// read follows the stream of a server, or polls it.
func (c *floorCommand) read(ctx context.Context, i int) {
	client := newFloorClient()
	kind := "stream"
	if c.Poll > 0 {
		kind = "poll"
	}
	for next := time.Now().Add(c.Poll * time.Duration(i) / time.Duration(c.Servers)); ctx.Err() == nil; next = next.Add(c.Poll) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(next)):
		}
		if c.ask(ctx, client, http.MethodGet, kind, i) != nil {
			return
		}
	}
}

// check is the minute's requests to a server: one that has everything sent, and one more, over a connection for the two.
func (c *floorCommand) check(ctx context.Context, i int) {
	client := newFloorClient()
	defer client.CloseIdleConnections()
	for _, method := range []string{http.MethodPut, http.MethodGet} {
		_ = c.ask(ctx, client, method, "check", i) // one that fails is missing in the figure
	}
}

func newFloorClient() *http.Client {
	return &http.Client{Transport: &http.Transport{WriteBufferSize: 1 << 10, ReadBufferSize: 2 << 10}}
}

func (c *floorCommand) ask(ctx context.Context, client *http.Client, method, kind string, i int) error {
	r, err := http.NewRequestWithContext(ctx, method, fmt.Sprint(c.URL, kind, "/", i), nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var buf [512]byte
	for err == nil {
		_, err = answer.Body.Read(buf[:])
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// floorPath is where a site answers a floorCommand: /floor/stream/, /floor/poll/ and /floor/check/.
const floorPath = "/floor/"

// floorFull stands for a full message of 50 statuses.
var floorFull = []byte("event: message\ndata: " + strings.Repeat("x", 20_000) + "\n\n")

// floor answers one of its requests.
func (s *site) floor(w http.ResponseWriter, r *http.Request, path string) {
	kind, number, _ := strings.Cut(path, "/")
	i, err := strconv.Atoi(number)
	if err != nil || i >= len(s.servers) {
		http.NotFound(w, r)
		return
	}
	switch {
	case kind == "stream":
		s.follow(i, w)
		s.sendFloor(i, nil)
		<-r.Context().Done()
		s.follow(i, nil)
	case kind == "poll":
		s.follow(i, nil)
		_, _ = io.WriteString(w, "[]") // as a server to which nothing happens
	case r.Method == http.MethodPut:
		s.sendFloor(i, floorFull)
	}
}

// follow has w be where the messages of a server go to.
func (s *site) follow(i int, w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floors[i] = w
}

// sendFloor sends text to who follows the stream of a server.
func (s *site) sendFloor(i int, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.floors[i]; w != nil {
		_, _ = w.Write(text) // a stream that broke shows in the figure
		_ = http.NewResponseController(w).Flush()
	}
}

// pingFloors sends what a silent server sends, every 15 seconds, until ctx ends.
func (s *site) pingFloors(ctx context.Context) {
	next := time.NewTicker(15 * time.Second / time.Duration(len(s.servers)))
	defer next.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		select {
		case <-ctx.Done():
		case <-next.C:
			s.sendFloor(i%len(s.servers), []byte(":ping\n\n"))
		}
	}
}

// measureFloor measures what net/http takes for as many servers, before they are watched.
func (b *bench) measureFloor(s *site, w wire, at string) error {
	poll := time.Duration(0)
	if w.poll {
		poll = 2 * time.Second
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := start(program, "floor", "--url="+s.front.URL+floorPath, "--servers="+strconv.Itoa(len(s.servers)), "--poll="+poll.String())
	if err != nil {
		return err
	}
	defer p.stop()
	err = p.waitFor("reading all", time.Minute, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.floors) == len(s.servers)
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var pinging sync.WaitGroup
	defer pinging.Wait()
	defer cancel()
	if !w.poll {
		pinging.Go(func() { s.pingFloors(ctx) })
	}
	time.Sleep(b.Settle)
	resident, _, err := p.memory()
	if err != nil {
		return err
	}
	what := at + ": floor: the same requests by net/http, whose answers are thrown away"
	b.add(11, what+", resident memory per server", resident/1024/float64(len(s.servers)), none, "KiB")
	rates := []int{0}
	if !w.poll {
		rates = append(rates, w.events*len(s.servers)/5000)
	}
	event := []byte("event: message\ndata: " + strings.Repeat("x", 600) + "\n\n")
	for _, rate := range rates {
		spent, wall, err := b.watched(p, rate, func(i int) { s.sendFloor(i%len(s.servers), event) })
		if err != nil {
			return err
		}
		b.add(11, fmt.Sprintf("%s, CPU with %d events a second", what, rate), share(spent, wall), none, "% of a core")
	}
	return nil
}
