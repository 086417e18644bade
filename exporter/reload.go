package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"icws_exporter/exporter/config"
)

// Reloader brings a changed configuration to a Fleet, as a transaction: a
// configuration that cannot be used changes nothing, and the last good one goes
// on. It tells the log and the metrics of the fleet how each reload ended. All
// its methods may be called from any goroutine.
type Reloader struct {
	fleet *Fleet
	load  func() (config.Validated, error)
	// turn holds one token, for one reload at a time. It is held while files are
	// read and servers are left, which a mutex must not be.
	turn chan struct{}
	// Of whoever has the turn: what was tried last, what is in effect and its hash, and
	// the most servers that too few descriptors were told for.
	tried   attempt
	effect  config.Content
	hash    uint64
	advised int
	last    atomic.Pointer[Outcome]

	// Announce, when set, is called as a reload begins and again when it has ended,
	// by whoever reloads. Set it before the first reload.
	Announce func(begins bool)
}

// readTime is how long files are waited for: what they are on may have stopped to
// answer. turnTime is how long another reload is waited for, which may have to leave
// servers besides.
const (
	readTime = 10 * time.Second
	turnTime = 20 * time.Second
)

// settleTime is how long after a change Follow looks again: what is still being
// written is no configuration yet.
const settleTime = time.Second

// attempt is what a load gave: a configuration, or an error.
type attempt struct {
	config config.Validated
	err    error
}

// content is what was read, zero when nothing could be.
func (a attempt) content() config.Content {
	if problems := (*config.Error)(nil); errors.As(a.err, &problems) {
		return problems.Content
	}
	return a.config.Content()
}

// same reports whether both read the same, and with the same result.
func (a attempt) same(b attempt) bool {
	return a.content() == b.content() && fmt.Sprint(a.err) == fmt.Sprint(b.err)
}

// Outcome is how a load of the configuration ended. It is immutable.
type Outcome struct {
	// At is when it ended.
	At time.Time
	// Problem is empty after a success, else what is wrong, a problem a line.
	Problem string
}

// OK reports whether the configuration took effect.
func (o Outcome) OK() bool { return o.Problem == "" }

// NewReloader makes the reloader of a fleet. load reads and checks the whole
// configuration anew; it is never called twice at the same time.
func NewReloader(fleet *Fleet, load func() (config.Validated, error)) *Reloader {
	r := &Reloader{fleet: fleet, load: load, turn: make(chan struct{}, 1)}
	r.last.Store(new(Outcome))
	return r
}

// Start gives the fleet its first configuration, which somebody has loaded
// already. On an error the fleet watches nothing.
func (r *Reloader) Start(v config.Validated) error {
	r.turn <- struct{}{}
	defer r.end()
	r.tried = attempt{config: v}
	_, err := r.apply(v)
	return err
}

// Reload loads the configuration and has the fleet watch what it says. It returns
// after every server that is watched no more has been left, which takes seconds
// when such a server does not answer. On an error nothing has changed; it is a
// *config.Error when the configuration is to blame, and ErrClosed when the
// exporter is ending. ctx bounds the wait for another reload and for files, and not
// what follows. A reload that waits too long for either has failed.
func (r *Reloader) Reload(ctx context.Context) error {
	waiting, cancel := context.WithTimeoutCause(ctx, turnTime, errTurn)
	defer cancel()
	if err := r.begin(waiting); err != nil {
		if errors.Is(err, errTurn) {
			r.failed(err)
		}
		return err
	}
	r.announce(true)
	defer r.announce(false)
	read, ok := r.read(ctx)
	if !ok {
		return read.err
	}
	defer r.end()
	return r.take(read)
}

func (r *Reloader) announce(begins bool) {
	if r.Announce != nil {
		r.Announce(begins)
	}
}

// Follow reloads whenever the configuration has changed, until ctx ends. It looks
// every interval, at the content of the file and of the files of http.tls_config. A
// changed content counts when a second look, a second later, finds the same. One
// that cannot be used is tried, and logged, once.
func (r *Reloader) Follow(ctx context.Context, interval time.Duration) {
	var change *attempt // what the last look found, for the next one to confirm
	for {
		wait := interval
		if change != nil {
			wait = settleTime
		}
		select {
		case <-time.After(wait):
			change = r.look(ctx, change)
		case <-ctx.Done():
			return
		}
	}
}

// look reloads when it finds the change that the look before has found. It returns
// a change that the next look has to confirm, or nil.
func (r *Reloader) look(ctx context.Context, before *attempt) *attempt {
	if r.begin(ctx) != nil {
		return nil
	}
	found, ok := r.read(ctx)
	if !ok {
		return nil
	}
	defer r.end()
	switch {
	case !r.isNews(found):
		return nil
	case before == nil || !found.same(*before):
		return &found
	}
	r.announce(true)
	defer r.announce(false)
	_ = r.take(found) // its end is in the log, the metrics and the outcome
	return nil
}

// isNews reports whether there is reason to try what was found. The content that is
// in effect is none, whatever else may be missing now, such as a password that is
// being replaced; unless it is back after another one that could not be used.
func (r *Reloader) isNews(found attempt) bool {
	if found.content() == r.effect {
		return found.err == nil && r.tried.err != nil
	}
	return !found.same(r.tried)
}

var (
	errTurn = errors.New("another reload takes too long; look for what it waits for in the log")
	errRead = fmt.Errorf("the configuration, or a file that it names, could not be read within %s; look at the file system that it is on", readTime)
)

// begin takes the turn, and end gives it back.
func (r *Reloader) begin(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("another reload is under way: %w", context.Cause(ctx))
	}
}

func (r *Reloader) end() { <-r.turn }

// read loads the configuration. It is not ok when that takes too long, which is a
// failed reload, or when ctx has ended. The turn is then given back by the load, once
// it ends, so that there is never a second one.
func (r *Reloader) read(ctx context.Context) (found attempt, ok bool) {
	waiting, cancel := context.WithTimeoutCause(ctx, readTime, errRead)
	defer cancel()
	loaded := make(chan attempt, 1)
	go func() {
		v, err := r.load()
		loaded <- attempt{v, err}
	}()
	select {
	case found = <-loaded:
		return found, true
	case <-waiting.Done():
	}
	found.err = context.Cause(waiting)
	if errors.Is(found.err, errRead) {
		r.tried = found
		r.failed(found.err)
	}
	go func() { // it ends with the load
		<-loaded
		r.end()
	}()
	return found, false
}

// take applies what was read and tells how that ended.
func (r *Reloader) take(read attempt) error {
	r.tried = read
	changes, err := Changes{}, read.err
	if err == nil {
		changes, err = r.apply(read.config)
	}
	switch {
	case err == nil:
		r.fleet.opts.Logger.Info("configuration reloaded", changes.attrs()...)
	case !errors.Is(err, ErrClosed): // else the configuration is not to blame
		r.failed(err)
	}
	return err
}

// Last returns how the last load ended, the first one included. At is zero
// before it.
func (r *Reloader) Last() Outcome { return *r.last.Load() }

func (r *Reloader) apply(v config.Validated) (Changes, error) {
	changes, err := r.fleet.Apply(v)
	if err != nil {
		return Changes{}, err
	}
	if content := v.Content(); content != r.effect || content == (config.Content{}) {
		r.effect, r.hash = content, v.Hash() // which writes all of it
	}
	now := time.Now()
	r.fleet.opts.Metrics.ConfigLoaded(now, r.hash)
	r.last.Store(&Outcome{At: now})
	r.advise(v)
	return changes, nil
}

func (r *Reloader) failed(err error) {
	r.fleet.opts.Metrics.ConfigReloadFailed()
	r.last.Store(&Outcome{At: time.Now(), Problem: err.Error()})
	r.fleet.opts.Logger.Error("configuration not reloaded; the last good one stays in effect", "err", firstProblems(err))
}

// maxLogged is how many names or problems one log line tells.
const maxLogged = 10

// firstProblems keeps the log line of a badly broken file readable.
func firstProblems(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > maxLogged {
		rest := len(lines) - maxLogged
		lines = append(lines[:maxLogged:maxLogged], fmt.Sprintf("and %d more problems", rest))
	}
	return strings.Join(lines, "\n")
}
