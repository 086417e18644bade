package exporter

import (
	"context"
	"net/http"
	"sync"
	"time"

	"icws_exporter/exporter/config"
	"icws_exporter/probe"
)

// Server is one watched server as the pages show it.
type Server struct {
	Name, Site string
	Config     config.Server
	Snapshot   *probe.Snapshot
}

// watch is one running probe. Its fields do not change once it runs.
type watch struct {
	server  config.Server
	limits  config.Limits
	probe   *probe.Probe
	trips   http.RoundTripper
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
}

// run runs the probe until its context ends. The fleet waits for it by stopped.
func (w *watch) run(ctx context.Context) {
	w.probe.Run(ctx)
	if c, ok := w.trips.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// stop tells the probe to leave its server, and why. It does not wait.
func (w *watch) stop(cause error) { w.cancel(cause) }

// stopped waits until the probe has left its server, which takes a few seconds
// at most.
func (w *watch) stopped() { w.running.Wait() }

// startDelay spreads the log-ons of n probes that start together, so that a
// start does not meet every server, or one Session Manager, in the same instant.
// A few servers start at once.
func startDelay(i, n int) time.Duration {
	const few, step, longest = 10, 100 * time.Millisecond, 30 * time.Second
	if n < few {
		return 0
	}
	return time.Duration(i) * min(step, longest/time.Duration(n))
}
