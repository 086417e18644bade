// Package probe watches one IC server: it keeps one session and its
// status-messages subscription alive, follows the messages, checks that they are
// really delivered, and publishes what it knows as an immutable Snapshot.
//
// One goroutine owns one Probe. Events that have to be counted leave through an
// Observer. The package knows nothing of Prometheus.
package probe

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

// ErrReload is the cancellation cause of a probe whose server was removed from
// the configuration or changed in it: its session then counts as closed by a
// reload, not by a shutdown.
var ErrReload = errors.New("configuration changed")

// ErrStopped is returned by methods that ask the probe when the probe is not running.
var ErrStopped = errors.New("the probe is not running")

// Options are what a probe works with besides its configuration.
type Options struct {
	// NewTransport makes what does the I/O of one session, or of one look at a
	// host. All connections of one go to one address (icws.OneAddress), a new one
	// looks the name up again. It must not follow redirects. If it has a
	// CloseIdleConnections, that is called when its work is done. Any goroutine may
	// call NewTransport.
	NewTransport func() http.RoundTripper
	Observer     Observer
	Logger       *slog.Logger
	// Screen withholds the texts of the server that hold a secret. The probe has it
	// learn the secrets that it sends. Nil means one of its own.
	Screen *secret.Screen
	// Rand is the source of every jitter; nil means a random seed. The probe
	// uses it from its loop only.
	Rand *rand.Rand
	// StartDelay puts off the first log-on, to spread the start of many probes.
	StartDelay time.Duration
	UserAgent  string
	// BeforeLogOn is called with the client of each host before the password goes
	// there, unless nil; an error keeps it from the host.
	BeforeLogOn func(ctx context.Context, host string, c *icws.Client) error
	// Ledger keeps what outlives the probe. All probes of a process share one; nil
	// means one that ends with the probe.
	Ledger *Ledger
}

// Probe watches one server. Make it with New, start it with Run.
type Probe struct {
	cfg  Config
	opts Options

	snapshot  atomic.Pointer[Snapshot]
	optional  atomic.Pointer[Optional]
	adjusted  chan struct{} // optional has changed
	attempted atomic.Bool
	ledger    *Ledger
	stopped   chan struct{}
	asked     chan func(*loop)
	wallClock func() time.Time
}

// New makes a probe for one server. Nothing happens before Run. It returns an error
// when cfg is not valid or o lacks what it needs.
func New(cfg Config, o Options) (*Probe, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if o.NewTransport == nil || o.Observer == nil {
		return nil, errors.New("a probe needs NewTransport and an Observer")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if o.Screen == nil {
		o.Screen = secret.NewScreen()
	}
	o.Screen.Know(append([]string{cfg.Name, cfg.URL, cfg.User}, cfg.Hosts...)...)
	o.Screen.Know(ownPhrases...)
	p := &Probe{
		cfg:     cfg,
		opts:    o,
		ledger:  o.Ledger,
		stopped: make(chan struct{}),
		asked:   make(chan func(*loop)),

		adjusted: make(chan struct{}, 1),

		wallClock: wallNow,
	}
	if p.ledger == nil {
		p.ledger = NewLedger(o.Logger)
	}
	p.optional.Store(&Optional{Users: cfg.Users, Licences: cfg.Licences})
	now := time.Now()
	p.snapshot.Store(&Snapshot{
		State: StateConnecting, StateSince: now, Heartbeat: now, Hosts: configuredHosts(cfg.Hosts),
	})
	return p, nil
}

func configuredHosts(names []string) []Host {
	hosts := make([]Host, len(names))
	for i, name := range names {
		hosts[i] = Host{Name: name}
	}
	return hosts
}

// Run watches the server until ctx ends, and then leaves it: it removes the
// subscription and the session, within leaveTimeout, before it returns. What it could
// not end is left to the Ledger. A cause of ErrReload says that the configuration ended the probe. Call it once.
func (p *Probe) Run(ctx context.Context) {
	defer p.stop()
	newLoop(p).run(ctx)
}

func (p *Probe) stop() {
	if p.opts.Ledger == nil {
		p.ledger.Close(CloseLimit)
	}
	close(p.stopped)
}

// Snapshot returns what the probe published last, never nil. Any goroutine may
// call it; it never waits and never causes a request.
func (p *Probe) Snapshot() *Snapshot { return p.snapshot.Load() }

// Attempted reports whether the first attempt has ended, well or badly. Any
// goroutine may call it.
func (p *Probe) Attempted() bool { return p.attempted.Load() }

// ErrPasswordRefused is returned by Retry where the password is one that was refused.
var ErrPasswordRefused = errors.New("the log-on with this password was refused, and it is not sent again unless it changes or somebody asks for just that")

// Retry ends the wait or hold that the probe is in, and has it try again at once. A
// password that was refused is sent once more only with sendRefused: it counts towards
// locking the user. The loop hears it between two requests. It returns
// ErrPasswordRefused when nothing will be tried, ErrStopped when the probe has ended,
// or the context's error. Any goroutine may call it.
func (p *Probe) Retry(ctx context.Context, sendRefused bool) error {
	var refused error
	if err := p.ask(ctx, func(l *loop) { refused = l.retry(sendRefused) }); err != nil {
		return err
	}
	return refused
}

// ask has the loop call f between two requests, and waits until it has.
func (p *Probe) ask(ctx context.Context, f func(*loop)) error {
	done := make(chan struct{})
	asked := func(l *loop) {
		f(l)
		close(done)
	}
	select {
	case p.asked <- asked:
		<-done
		return nil
	case <-p.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
