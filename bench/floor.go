package main

import (
	"context"

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

// floorCommand does what is left of watching when only net/http is: it reads streams, or
// asks for answers, and throws away what comes.
type floorCommand struct {
	URL     string        `required:"" help:"What to ask for; the number of the server follows."`
	Servers int           `required:"" help:"How many servers there are."`
	Poll    time.Duration `help:"How often to ask; 0 for a stream that does not end."`
}

// Run reads until the process is told to end.
func (c *floorCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var reading sync.WaitGroup
	for i := range c.Servers {
		reading.Go(func() { c.read(ctx, i) })
	}
	reading.Wait()
	return nil
}

func (c *floorCommand) read(ctx context.Context, i int) {
	client := http.Client{Transport: &http.Transport{WriteBufferSize: 1 << 10, ReadBufferSize: 2 << 10}}
	buf := make([]byte, 512)
	for next := time.Now().Add(c.Poll * time.Duration(i) / time.Duration(c.Servers)); ctx.Err() == nil; next = next.Add(c.Poll) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(next)):
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+strconv.Itoa(i), nil)
		if err != nil {
			return
		}
		answer, err := client.Do(r)
		if err != nil {
			return
		}
		for err == nil {
			_, err = answer.Body.Read(buf)
		}
		_ = answer.Body.Close()
	}
}

// floorPath is where a site answers a floorCommand: /floor/stream/ and /floor/poll/.
const floorPath = "/floor/"

// floor answers one of its requests.
func (s *site) floor(w http.ResponseWriter, r *http.Request, path string) {
	kind, number, _ := strings.Cut(path, "/")
	i, err := strconv.Atoi(number)
	if err != nil || i >= len(s.servers) {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	s.floors[i] = w
	s.mu.Unlock()
	if kind == "poll" {
		_, _ = io.WriteString(w, "[]") // as a server to which nothing happens
		return
	}
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// measureFloor measures what net/http takes for as many servers, before they are watched.
func (b *bench) measureFloor(s *site, w wire, at string) error {
	kind, poll := "stream", time.Duration(0)
	if w.poll {
		kind, poll = "poll", 2*time.Second
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := start(program, "floor", "--url="+s.front.URL+floorPath+kind+"/", "--servers="+strconv.Itoa(len(s.servers)), "--poll="+poll.String())
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
	time.Sleep(b.Settle)
	resident, _, err := p.memory()
	if err != nil {
		return err
	}
	rate := w.events * len(s.servers) / 5000
	event := []byte("event: message\ndata: " + strings.Repeat("x", 600) + "\n\n")
	spent, wall, err := b.watched(p, rate, func(i int) {
		_, _ = s.floors[i%len(s.servers)].Write(event) // a stream that broke shows in the figure
		_ = http.NewResponseController(s.floors[i%len(s.servers)]).Flush()
	})
	what := "as many streams and events, read by net/http and thrown away"
	if w.poll {
		what = "as many polls by net/http, whose answers are thrown away"
	}
	b.add(11, at+": floor: "+what+", CPU", share(spent, wall), none, "% of a core")
	b.add(11, at+": floor: "+what+", resident memory per server", resident/1024/float64(len(s.servers)), none, "KiB")
	return err
}
