package exporter

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// ErrUnknownServer is returned for a name that no watched server has.
var ErrUnknownServer = errors.New("no server of this name is watched")

// Statuses returns the status messages of a server, sorted by id and never to be
// changed. A list that has changed is asked for between two requests of the probe,
// which can take as long as a request. When ctx ends before, the list fetched last
// is returned with the error; there may be none.
func (f *Fleet) Statuses(ctx context.Context, name string) ([]catalogue.Entry, error) {
	w := f.current.Load().find(name)
	if w == nil {
		return nil, ErrUnknownServer
	}
	return w.statuses.latest(ctx)
}

// statusList fetches the status messages of a probe when they are wanted and have
// changed. It is a collect.StatusSource for the opt-in families that have a series
// per status: a scrape must not wait for the probe's loop, so follow fetches for
// it.
type statusList struct {
	*probe.Probe
	fetched atomic.Pointer[fetchedList]
}

// fetchedList is the list as it was after so many changes, or newer.
type fetchedList struct {
	changes uint64
	entries []catalogue.Entry
}

// Statuses returns the list as fetched last, never to be changed. It hides the
// method of the probe that asks the loop.
func (l *statusList) Statuses() []catalogue.Entry {
	if list := l.fetched.Load(); list != nil {
		return list.entries
	}
	return nil
}

// latest returns the list as it is now, or with an error the one fetched last.
func (l *statusList) latest(ctx context.Context) ([]catalogue.Entry, error) {
	changes := l.Snapshot().Feeds[probe.StatusMessages].Changes
	if list := l.fetched.Load(); list != nil && list.changes == changes {
		return list.entries, nil
	}
	entries, err := l.Probe.Statuses(ctx)
	if err != nil {
		return l.Statuses(), err
	}
	l.fetched.Store(&fetchedList{changes, entries})
	return entries, nil
}

// follow fetches the list within a second of every change until ctx ends.
func (l *statusList) follow(ctx context.Context) {
	const interval = time.Second
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, _ = l.latest(ctx) // the next turn tries again
	}
}
