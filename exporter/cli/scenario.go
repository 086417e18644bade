package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"icws_exporter/exporter/web"
)

// incident is one thing that goes wrong in the demo and is put right again.
type incident struct {
	name string
	// what it is and what there is to see, in one sentence.
	what  string
	lasts time.Duration
	// recovery is the time after it in which everything is live again.
	recovery time.Duration
	// every calls again that often while the incident lasts; 0: begins once.
	every time.Duration
	begin func(*demoServers)
	// end puts right what begin did, if it does not pass by itself.
	end func(*demoServers)
}

// scenario is what happens in the demo, over and over.
type scenario struct {
	incidents []incident
	// pace divides every time; 0 is 1.
	pace int
	// afterRound is told each time all incidents have passed; may be nil.
	afterRound func()
}

// scenarioNames are tour, which is every incident in turn, each one's own, and the fleet.
func scenarioNames() []string {
	names := []string{"tour"}
	for _, i := range tour {
		names = append(names, i.name)
	}
	return append(names, fleetScenario)
}

// scenarioNamed returns the scenario with one of the scenarioNames.
func scenarioNamed(name string) (scenario, error) {
	if name == "tour" {
		return scenario{incidents: tour}, nil
	}
	for _, i := range tour {
		if i.name == name {
			return scenario{incidents: []incident{tour[0], i}}, nil
		}
	}
	return scenario{}, fmt.Errorf("--scenario: %q is none of %s", name, strings.Join(scenarioNames(), ", "))
}

// takes is how long a round takes.
func (s scenario) takes() (all time.Duration) {
	for _, i := range s.incidents {
		all += i.lasts + i.recovery
	}
	return all / time.Duration(max(1, s.pace))
}

// nowPlaying is the incident of the moment, for the page. Any goroutine may use it.
type nowPlaying struct{ incident atomic.Pointer[web.Incident] }

// tell returns the incident, or the zero one when nothing is played.
func (n *nowPlaying) tell() web.Incident {
	if i := n.incident.Load(); i != nil {
		return *i
	}
	return web.Incident{}
}

func (n *nowPlaying) set(name, what string) {
	sentence := strings.ToUpper(what[:1]) + what[1:]
	n.incident.Store(&web.Incident{Name: name, What: sentence, Since: time.Now()})
}

// play lets the incidents happen in turn until ctx ends, and says each on out and
// on the page. What has begun is always ended.
func (s scenario) play(ctx context.Context, servers *demoServers, out io.Writer, now *nowPlaying) {
	for ctx.Err() == nil && s.incidents != nil {
		for _, i := range s.incidents {
			fmt.Fprintf(out, "%s  %s: %s\n", time.Now().Format(time.TimeOnly), i.name, i.what)
			now.set(i.name, i.what)
			pace := time.Duration(max(1, s.pace))
			i.lasts, i.recovery, i.every = i.lasts/pace, i.recovery/pace, i.every/pace
			i.happen(ctx, servers)
			if i.recovery > 0 {
				now.set(i.name, "it is over; everything recovers by itself.")
			}
			if !pause(ctx, i.recovery) {
				return
			}
		}
		if s.afterRound != nil {
			s.afterRound()
		}
	}
}

func (i incident) happen(ctx context.Context, servers *demoServers) {
	if i.end != nil {
		defer i.end(servers)
	}
	for left := i.lasts; ; left -= i.every {
		if i.begin != nil {
			i.begin(servers)
		}
		if i.every == 0 || left <= i.every {
			pause(ctx, left)
			return
		}
		if !pause(ctx, i.every) {
			return
		}
	}
}

// pause waits for d and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
