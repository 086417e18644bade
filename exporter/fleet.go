package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/logging"
	"icws_exporter/probe"
)

// ErrClosed is returned by Apply after Close.
var ErrClosed = errors.New("the fleet is closed")

// leaveLimit is how long a probe that has to leave its server is waited for. It
// bounds its own requests to much less, so that one that takes longer hangs.
const leaveLimit = 15 * time.Second

// closeLimit is how long Close takes at most. It leaves a log-on of ten seconds the
// time to be answered and its session to be ended.
const closeLimit = 15 * time.Second

// Options are what a Fleet works with besides the configuration.
type Options struct {
	// Metrics receives the events and the snapshots of every probe.
	Metrics *collect.Set
	Logger  *slog.Logger
	// UserAgent is sent with every request.
	UserAgent string
	// Dial opens the connections; nil means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Shard is the part of the configured servers to watch; the zero Shard is all.
	Shard Shard
	// StatusSeries has every status message published to Metrics.
	StatusSeries bool
}

// Fleet runs one probe per configured server. All its methods may be called
// from any goroutine.
type Fleet struct {
	opts Options
	// turn holds one token: whoever takes it may change what is watched. It is
	// held while probes leave their servers, which a mutex must not be.
	turn chan struct{}
	// closing is closed when Close is called: a reload then makes way for it.
	closing   chan struct{}
	closeOnce sync.Once
	closed    bool
	// ledger outlives the probes: sessions to end, log-ons to await, refused passwords.
	ledger  *probe.Ledger
	current atomic.Pointer[generation]
	ready   atomic.Bool
}

// generation is what the fleet watches at one moment. It is immutable; the
// watched servers are sorted by name.
type generation struct {
	// beforeFirst marks what a fleet has before any configuration was applied.
	beforeFirst bool
	readyWhen   config.ReadyWhen
	watched     []*watched
	// elsewhere are the shards of the configured servers that others watch, by name.
	elsewhere map[string]int
}

// New makes a fleet that watches nothing until Apply.
func New(o Options) *Fleet {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Shard != (Shard{}) {
		o.Metrics.SetShard(o.Shard.Ordinal, o.Shard.Total)
	}
	f := &Fleet{opts: o, turn: make(chan struct{}, 1), closing: make(chan struct{}), ledger: probe.NewLedger(o.Logger)}
	f.current.Store(&generation{beforeFirst: true})
	return f
}

// Apply makes the fleet watch what the configuration says. A server whose
// configuration is the same as before, up to its site and to what is Optional, keeps
// its probe and its session; one that changed leaves its server and starts anew, with the counters
// of its name; one that is gone, or has a new name, leaves its server and takes
// its metrics with it. Nothing starts before every stopped probe has left, so that
// no user ever has two sessions on a server; the other servers do not notice.
// Apply returns after that, within seconds; a probe that hangs is given up after
// leaveLimit. On an error nothing has changed.
func (f *Fleet) Apply(v config.Validated) (Changes, error) {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if f.closed {
		return Changes{}, ErrClosed
	}
	next, starting, err := f.plan(v)
	if err != nil {
		return Changes{}, err
	}
	before := f.current.Load()
	stopping := before.without(next)
	if !f.stopAll(stopping, probe.ErrReload, f.closing) {
		return Changes{}, ErrClosed // Close waits for them, since they are still the current ones
	}
	for _, w := range next.watched {
		if former := before.find(w.server.Name); former != nil && former.run == w.run && !former.server.EqualOptional(w.server) {
			w.probe.Adjust(w.server.Optional())
		}
	}
	f.opts.Metrics.SetMaxStatuses(v.Limits().Statuses)
	for _, w := range stopping {
		if next.find(w.server.Name) == nil {
			f.opts.Metrics.Remove(w.server.Name)
		}
	}
	for i, w := range starting {
		f.start(w, startDelay(i, len(starting)))
	}
	for _, w := range next.watched {
		f.opts.Metrics.Add(w.server.Name, w.server.Site)
	}
	f.current.Store(next)
	return changesBetween(before, next), nil
}

// plan pairs the servers of this shard with the running probes: those with an
// equal configuration are taken over, the others are prepared and returned a
// second time as the ones to start.
func (f *Fleet) plan(v config.Validated) (next *generation, starting []*watched, err error) {
	before := f.current.Load()
	limits := v.Limits()
	limits.Statuses = 0 // no probe depends on it
	next = &generation{readyWhen: v.ReadyWhen(), elsewhere: map[string]int{}}
	for _, server := range v.Servers() {
		if !f.opts.Shard.Holds(server.Name) {
			next.elsewhere[server.Name] = shardOf(server.Name, f.opts.Shard.Total)
			continue
		}
		w := &watched{server: server, limits: limits}
		former := before.find(server.Name)
		if former != nil && former.server.Equal(server) && former.limits == limits {
			w.run = former.run
		} else {
			if err := server.Probe(limits).Validate(); err != nil {
				return nil, nil, fmt.Errorf("server %q: %w", server.Name, err)
			}
			transports, err := w.server.Transports(f.opts.Dial)
			if err != nil {
				return nil, nil, fmt.Errorf("server %q: %w", server.Name, err)
			}
			w.run = &run{transports: transports}
			if former != nil {
				w.history, w.lines = former.history, former.lines
			}
			starting = append(starting, w)
		}
		next.watched = append(next.watched, w)
	}
	slices.SortFunc(next.watched, func(a, b *watched) int { return cmp.Compare(a.server.Name, b.server.Name) })
	return next, starting, nil
}

// start makes and runs the probe of w. Its counters and its history are those of
// the server's name.
func (f *Fleet) start(w *watched, delay time.Duration) {
	metrics := f.opts.Metrics.Add(w.server.Name, w.server.Site)
	if w.history == nil {
		w.history, w.lines = probe.NewHistory(metrics), new(logging.Limit)
	}
	p, err := probe.New(w.server.Probe(w.limits), probe.Options{
		Ledger:       f.ledger,
		NewTransport: w.transports.New,
		Observer:     w.history,
		Screen:       w.history.Screen(),
		Logger:       slog.New(w.lines.Handler(w.history.Tee(advice.Log(f.opts.Logger.Handler(), w.server.ByFlags)))),
		StartDelay:   delay,
		UserAgent:    f.opts.UserAgent,
	})
	if err != nil {
		panic("a configuration that was good for the plan is not good for the probe: " + err.Error())
	}
	w.probe = p
	ctx, cancel := context.WithCancelCause(context.Background())
	w.cancel = cancel
	w.statuses = &statusList{Probe: w.probe}
	if f.opts.StatusSeries {
		metrics.Watch(w.statuses)
		w.ending.Go(func() { w.statuses.follow(ctx) })
	} else {
		metrics.Watch(w.probe)
	}
	w.ending.Go(func() { w.probe.Run(ctx) })
}

// Close makes every probe leave its server and waits for it. Each probe bounds
// its own leaving to a few seconds, and all leave at the same time. A log-on that is
// not answered yet is awaited, and what could not be ended is tried again, until
// closeLimit has passed; the log says what is left. The last snapshots stay readable.
// A second Close waits for the first.
func (f *Fleet) Close() {
	f.closeOnce.Do(func() { close(f.closing) })
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if f.closed {
		return
	}
	f.closed = true
	start := time.Now()
	f.stopAll(f.current.Load().watched, context.Canceled, nil)
	f.ledger.Close(max(closeLimit-time.Since(start), 0))
}

// stopAll has all probes leave at the same time, and waits for them. One that hangs
// must hold up neither a reload nor the end of the process for ever. It reports false
// when it no longer waits since interrupted is closed.
func (f *Fleet) stopAll(servers []*watched, cause error, interrupted <-chan struct{}) bool {
	left := make([]<-chan struct{}, len(servers))
	for i, w := range servers {
		left[i] = w.stop(cause)
	}
	patience, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	for i, w := range servers {
		select {
		case <-left[i]:
			continue
		case <-interrupted:
			return false
		case <-patience.Done():
		}
		select {
		case <-left[i]:
		default:
			f.opts.Logger.Error("the probe hangs and has not left its server; its session may stay there until the server lets it expire",
				"server", w.server.Name, "waited", leaveLimit)
		}
	}
	return true
}

// without returns those of g whose runs next does not go on with.
func (g *generation) without(next *generation) []*watched {
	return slices.DeleteFunc(slices.Clone(g.watched), func(w *watched) bool {
		n := next.find(w.server.Name)
		return n != nil && n.run == w.run
	})
}

// find returns the watched server with the name, or nil.
func (g *generation) find(name string) *watched {
	i, found := slices.BinarySearchFunc(g.watched, name, func(w *watched, name string) int {
		return cmp.Compare(w.server.Name, name)
	})
	if !found {
		return nil
	}
	return g.watched[i]
}
