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
	last atomic.Pointer[Outcome]
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
	defer func() { <-r.turn }()
	_, err := r.apply(v)
	return err
}

// Reload loads the configuration and has the fleet watch what it says. It returns
// after every server that is watched no more has been left, which takes seconds
// when such a server does not answer. On an error nothing has changed; it is an
// *config.Error when the configuration is to blame, and ErrClosed when the
// exporter is ending. ctx bounds the wait for another reload, not the reload.
func (r *Reloader) Reload(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("another reload is under way: %w", context.Cause(ctx))
	}
	defer func() { <-r.turn }()
	changes, err := r.reload()
	switch {
	case err == nil:
		r.fleet.opts.Logger.Info("configuration reloaded", changes.attrs()...)
	case !errors.Is(err, ErrClosed): // else the configuration is not to blame
		r.failed(err)
	}
	return err
}

func (r *Reloader) reload() (Changes, error) {
	v, err := r.load()
	if err != nil {
		return Changes{}, err
	}
	return r.apply(v)
}

// Last returns how the last load ended, the first one included. At is zero
// before it.
func (r *Reloader) Last() Outcome { return *r.last.Load() }

func (r *Reloader) apply(v config.Validated) (Changes, error) {
	changes, err := r.fleet.Apply(v)
	if err != nil {
		return Changes{}, err
	}
	now := time.Now()
	r.fleet.opts.Metrics.ConfigLoaded(now, v.Hash())
	r.last.Store(&Outcome{At: now})
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
