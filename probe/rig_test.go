package probe

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

const testPassword = "s3cr3t-of-the-test"

// logLines keeps what a probe logs at Info and above.
type logLines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logLines) count(part string) int { return strings.Count(l.String(), part) }

// rig is a probe that talks to simulators over a network in memory. It lives in
// one synctest bubble.
type rig struct {
	t        *testing.T
	net      *memNetwork
	sims     map[string]*icwssim.Server
	servers  map[string]*http.Server
	rt       *http.Transport
	cfg      Config
	password atomic.Value
	seen     *recorder
	logs     *logLines
	ledger   *Ledger
	probe    *Probe
	cancel   context.CancelCauseFunc
	done     chan struct{}
	prepare  func(*Probe)          // of a probe before it runs
	history  *History              // nil: none
	run      func(context.Context) // in place of Run, unless nil
	code     int                   // of the row of the fault table
}

// testConfig is the default configuration for hosts a, b, ….
func testConfig(mode TransportMode, hosts ...string) Config {
	return Config{
		Name: "test", URL: "http://{host}:8018", Hosts: hosts,
		User: "svc-prom", Language: "en-US", Transport: mode,
		PollInterval: 2 * time.Second, CheckInterval: time.Minute,
		ResubscribeInterval: 15 * time.Minute, DeliveryTimeout: 10 * time.Second,
		RequestTimeout: 10 * time.Second, StaleAfter: 3 * time.Minute,
		BackoffMin: time.Second, BackoffMax: time.Minute,
		AuthHoldMin: 15 * time.Minute, AuthHoldMax: time.Hour,
		BreakerFailures: 5, BreakerOpenFor: 30 * time.Second,
		MaxGroups: 64, MaxResponseBytes: 16 << 20,
	}
}

func newRig(t *testing.T, cfg Config) *rig {
	r := &rig{
		t: t, net: newMemNetwork(), cfg: cfg, logs: &logLines{},
		sims: map[string]*icwssim.Server{}, servers: map[string]*http.Server{},
	}
	r.seen = &recorder{manners: manners{pause: cfg.BackoffMin, hold: cfg.AuthHoldMin, failures: int(cfg.BreakerFailures)}}
	r.rt = &http.Transport{DialContext: r.net.DialContext, DisableCompression: true, IdleConnTimeout: 90 * time.Second}
	r.ledger = NewLedger(slog.New(slog.NewTextHandler(r.logs, nil)))
	r.password.Store(testPassword)
	r.cfg.Password = func() (string, error) { return r.password.Load().(string), nil }
	t.Cleanup(r.close)
	return r
}

// startRig makes a rig whose probe watches one simulator.
func startRig(t *testing.T, mode TransportMode, o icwssim.Options) (*rig, *icwssim.Server) {
	r := newRig(t, testConfig(mode, "a"))
	sim := r.serve("a", o)
	r.start()
	return r, sim
}

// serve starts a simulator as the host.
func (r *rig) serve(host string, o icwssim.Options) *icwssim.Server {
	o.User, o.Password = "svc-prom", testPassword
	if o.Name == "" {
		o.Name = host
	}
	sim := icwssim.New(o)
	r.sims[host] = sim
	r.listen(host)
	return sim
}

// listen makes the host reachable (again).
func (r *rig) listen(host string) {
	srv := &http.Server{Handler: r.sims[host]}
	l := r.net.Listen(host + ":8018")
	r.servers[host] = srv
	go srv.Serve(l)
}

// kill takes the host off the network: connections are reset, new ones refused.
func (r *rig) kill(host string) {
	srv, up := r.servers[host]
	if !up {
		return
	}
	delete(r.servers, host)
	r.net.Release(host + ":8018")
	r.net.Cut(host + ":8018")
	srv.Close()
}

// start starts a probe, or another one in the place of one that has ended, as a
// reload does.
func (r *rig) start() {
	handler := slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelInfo})
	o := Options{
		NewTransport: func() http.RoundTripper { return r.rt.Clone() }, Observer: r.seen, Logger: slog.New(handler),
		Rand: rand.New(rand.NewPCG(1, 2)), UserAgent: "icws_exporter/test", Ledger: r.ledger,
	}
	if r.history != nil {
		o.Observer, o.Screen, o.Logger = r.history, r.history.Screen(), slog.New(r.history.Tee(handler))
	}
	r.probe = newProbe(r.t, r.cfg, o)
	r.seen.mind(func(m *manners) []string { // another probe has another breaker
		m.breaker, m.inARow = BreakerClosed, 0
		return nil
	})
	if r.prepare != nil {
		r.prepare(r.probe)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		if r.run != nil {
			r.run(ctx)
			return
		}
		r.probe.Run(ctx)
	}()
}

func newProbe(t testing.TB, cfg Config, o Options) *Probe {
	t.Helper()
	p, err := New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rig) stop() {
	if r.cancel != nil {
		r.cancel(nil)
		<-r.done
		r.cancel = nil
	}
}

func (r *rig) close() {
	r.stop()
	r.ledger.Close(CloseLimit)
	for _, sim := range r.sims {
		sim.Close()
	}
	for _, srv := range r.servers {
		srv.Close()
	}
	r.rt.CloseIdleConnections()
}

// pass lets virtual time pass until everything is at rest.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) state(want State) {
	r.t.Helper()
	s := r.probe.Snapshot()
	if s.State != want {
		r.t.Fatalf("state %s (%s), want %s\n%s", s.State, s.Reason, want, r.logs)
	}
}

func (r *rig) count(name string, want int) {
	r.t.Helper()
	if got := r.seen.get(name); got != want {
		r.t.Errorf("%s: %d, want %d\n%s", name, got, want, r.logs)
	}
}

// equalsTruth compares the published counts with the simulator's own.
func (r *rig) equalsTruth(sim *icwssim.Server) {
	r.t.Helper()
	s := r.probe.Snapshot()
	truth := sim.Truth()
	if untagged, ok := truth.Groups[""]; ok {
		delete(truth.Groups, "")
		truth.Groups["(none)"] = untagged
	}
	if !s.Fresh(time.Now()) {
		r.t.Fatalf("not fresh\n%s", r.logs)
	}
	if s.Entries != len(truth.Statuses) {
		r.t.Errorf("%d entries, the server has %d", s.Entries, len(truth.Statuses))
	}
	got := map[string]int{}
	for _, g := range s.Groups {
		if g.Entries > 0 {
			got[g.Group] = g.Entries
		}
		for f := range catalogue.NumFlags {
			if n := truth.Groups[g.Group].Flagged[catalogue.Flag(f).String()]; n != g.Flagged[f] {
				r.t.Errorf("group %s flag %s: %d, the server has %d", g.Group, catalogue.Flag(f), g.Flagged[f], n)
			}
		}
	}
	for group, n := range truth.Groups {
		if got[group] != n.Entries {
			r.t.Errorf("group %s: %d, the server has %d", group, got[group], n.Entries)
		}
	}
}

// eachTransport runs a test in a bubble over SSE and over polling.
func eachTransport(t *testing.T, f func(t *testing.T, mode TransportMode)) {
	for _, mode := range []TransportMode{ModeSSE, ModePoll} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, mode) })
		})
	}
}

func textLog(to *logLines) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }
