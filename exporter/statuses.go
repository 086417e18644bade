package exporter

import (
	"context"
	"sync/atomic"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// statusList publishes the status messages of a probe for the opt-in families
// that have a series per status; it is a collect.StatusSource. A scrape must not
// wait for the probe's loop, so the list is fetched when it has changed.
type statusList struct {
	*probe.Probe
	published atomic.Pointer[[]catalogue.Entry]
}

// Statuses returns the list as fetched last, never to be changed. It hides the
// method of the probe that asks the loop.
func (l *statusList) Statuses() []catalogue.Entry {
	if list := l.published.Load(); list != nil {
		return *list
	}
	return nil
}

// follow fetches the list within a second of every change until ctx ends.
func (l *statusList) follow(ctx context.Context) {
	const interval = time.Second
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var fetched time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed := l.Snapshot().LastChange
		if changed.Equal(fetched) {
			continue
		}
		if list, err := l.Probe.Statuses(ctx); err == nil {
			l.published.Store(&list)
			fetched = changed
		}
	}
}
