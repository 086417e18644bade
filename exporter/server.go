package exporter

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"icws_exporter/exporter/config"
	"icws_exporter/exporter/logging"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// Server is one watched server as the pages show it.
type Server struct {
	Name, Site string
	Config     config.Server
	Snapshot   *probe.Snapshot
	// History is what happened lately, also before a change of the configuration.
	History *probe.History
}

// Show returns a text that came from the server as a page may show it: the names of
// hosts that it listed, its groups and its status messages. What the Snapshot and the
// History say in sentences has been through it already.
func (s Server) Show(text string) string { return s.History.Screen().Show(text) }

// ShowGroup is Show for the name of a group, which the catalogue has cut: half a
// secret at its end is one too.
func (s Server) ShowGroup(name string) string {
	if len(name) > catalogue.MaxGroupBytes-utf8.UTFMax {
		name += "…"
	}
	return s.Show(name)
}

// watched is a server as it is configured now, and the run of its probe, which
// outlives a configuration that does not concern it.
type watched struct {
	server config.Server
	limits config.Limits
	*run
}

// run is one running probe. Its fields do not change once it runs.
type run struct {
	probe      *probe.Probe
	history    *probe.History
	lines      *logging.Limit // of the log
	statuses   *statusList
	transports *config.Transports
	cancel     context.CancelCauseFunc
	ending     sync.WaitGroup
}

// stop tells the probe to leave its server, and why. It does not wait; the channel
// is closed when the probe has left.
func (r *run) stop(cause error) (left <-chan struct{}) {
	r.cancel(cause)
	ended := make(chan struct{})
	go func() { // it ends with the run, and whoever stops waits for it
		r.ending.Wait()
		close(ended)
	}()
	return ended
}

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

// Outage is since when and why the server is not live; nothing when it is.
func (s Server) Outage() probe.Outage {
	if s.Snapshot.State == probe.StateLive {
		return probe.Outage{}
	}
	return s.History.Outage()
}
