package cli

import (
	"context"
	"flag"
	"io"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	soakFor  = flag.Duration("soak.for", 0, "how long the soak plays all incidents of the demo, two rounds at least; 0: some of them, hurried")
	soakPace = flag.Int("soak.pace", 1, "how many times faster than in the demo")
)

// footprint is what a process holds at rest.
type footprint struct {
	goroutines int
	heap       uint64
}

// hurried are the incidents that may follow each other within seconds: after the
// others, the probe rightly holds back for minutes.
var hurried = []string{"delta-burst", "session-killed", "lost-deltas", "switchover"}

func soakScenario(t *testing.T) scenario {
	t.Helper()
	if *soakFor > 0 {
		return scenario{incidents: tour, pace: *soakPace}
	}
	s := scenario{pace: 10}
	for _, name := range hurried {
		named, err := scenarioNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		s.incidents = append(s.incidents, named.incidents[1])
	}
	return s
}

// Rounds of incidents leave nothing behind: when all servers are up again, there
// are as many goroutines and as much memory as after the first.
func TestSoak(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, stop := context.WithCancel(t.Context())
	passed, goOn := make(chan struct{}), make(chan struct{})
	command := &demoCommand{ListenAddress: "127.0.0.1:0", events: soakScenario(t)}
	command.events.afterRound = func() {
		select {
		case passed <- struct{}{}:
			<-goOn
		case <-ctx.Done():
		}
	}
	var stdout output
	ended := make(chan error, 1)
	go func() {
		ended <- command.Run(ctx, &streams{out: &stdout, log: io.Discard, logging: &logFlags{Level: "info", Format: "logfmt"}})
	}()
	defer func() {
		close(goOn)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	page := find(t, &stdout, `Open +(http://127\.0\.0\.1:\d+)/`)
	var rounds []footprint
	for began := time.Now(); len(rounds) < 2 || time.Since(began) < *soakFor; {
		<-passed
		eventually(t, "both servers are up again", func() bool { return scrape(t, page).sum("icws_up", "server=") == 2 })
		client.CloseIdleConnections()
		last := atRest()
		t.Logf("%8s  %3d goroutines  %5d kB of heap", time.Since(began).Truncate(time.Second), last.goroutines, last.heap>>10)
		rounds = append(rounds, last)
		goOn <- struct{}{}
	}
	first, last := rounds[0], rounds[len(rounds)-1]
	if last.goroutines > first.goroutines+20 {
		t.Errorf("%d goroutines became %d in %d rounds", first.goroutines, last.goroutines, len(rounds))
	}
	if last.heap > first.heap+first.heap/4+2<<20 {
		t.Errorf("%d kB of heap became %d kB in %d rounds", first.heap>>10, last.heap>>10, len(rounds))
	}
}

func atRest() footprint {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{runtime.NumGoroutine(), m.HeapAlloc}
}
