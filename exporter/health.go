package exporter

import (
	"context"
	"fmt"
	"time"

	"icws_exporter/exporter/config"
)

// HeartbeatLimit is how old the heartbeat of a loop may be. The slowest turn of a
// healthy loop is one request, so two minutes mean that the loop hangs.
const HeartbeatLimit = 2 * time.Minute

// Servers returns every watched server with its present snapshot, sorted by name.
func (f *Fleet) Servers() []Server {
	watching := f.current.Load().watched
	servers := make([]Server, len(watching))
	for i, w := range watching {
		servers[i] = Server{Name: w.server.Name, Site: w.server.Site, Config: w.server, Snapshot: w.probe.Snapshot(), History: w.history}
	}
	return servers
}

// Retry has the probe of a server end the wait or hold that it is in and try again at
// once; a refused password only with sendRefused. It returns ErrUnknownServer,
// probe.ErrPasswordRefused, probe.ErrStopped, or the error of ctx when the probe did
// not hear it in time: it is heard between two requests.
func (f *Fleet) Retry(ctx context.Context, name string, sendRefused bool) error {
	w := f.current.Load().find(name)
	if w == nil {
		return ErrUnknownServer
	}
	return w.probe.Retry(ctx, sendRefused)
}

// Unhealthy returns a sentence for every probe whose loop has not turned for two
// minutes at now. Nothing but a restart helps such a probe; a server that is down
// is not among them.
func (f *Fleet) Unhealthy(now time.Time) []string {
	var reasons []string
	for _, s := range f.Servers() {
		if age := now.Sub(s.Snapshot.Heartbeat); age > HeartbeatLimit {
			reasons = append(reasons, fmt.Sprintf("%s: the probe has not moved for %s; restart the exporter",
				s.Name, age.Truncate(time.Second)))
		}
	}
	return reasons
}

// NotReady returns why the fleet is not ready at now, a sentence per server, or
// nothing when it is ready. What counts is ready_when of the configuration. Once
// ready, a fleet stays ready; without servers it is ready.
func (f *Fleet) NotReady(now time.Time) []string {
	if f.ready.Load() {
		return nil
	}
	g := f.current.Load()
	if g.beforeFirst {
		return []string{"no configuration has been applied yet"}
	}
	var reasons []string
	for _, w := range g.watched {
		if reason := w.notReady(g.readyWhen, now); reason != "" {
			reasons = append(reasons, w.server.Name+": "+reason)
		}
	}
	enough := len(reasons) == 0
	if g.readyWhen == config.ReadyAny {
		enough = enough || len(reasons) < len(g.watched)
	}
	if enough {
		f.ready.Store(true)
		return nil
	}
	return reasons
}

func (w *watched) notReady(when config.ReadyWhen, now time.Time) string {
	if when == config.ReadyAttempted {
		if w.probe.Attempted() {
			return ""
		}
		return "the first attempt has no outcome yet"
	}
	s := w.probe.Snapshot()
	if s.Up(now) {
		return ""
	}
	reason := "not up: " + s.State.String()
	if s.Reason != "" {
		reason += ", " + s.Reason
	}
	return reason
}
