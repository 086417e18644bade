package probe

import (
	"context"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// newStatusFeed makes the feed of the status messages.
func newStatusFeed(cfg *Config, o Observer) *feed { return &feed{copy: newStatusCopy(cfg, o)} }

// statusCopy is the live copy of the status messages.
type statusCopy struct {
	catalogue *catalogue.Catalogue
	decoder   *icws.Reader
	observer  Observer
	groups    []catalogue.GroupCount // as published last
	changed   bool                   // since then
}

func newStatusCopy(cfg *Config, o Observer) *statusCopy {
	c := catalogue.New(catalogue.Limits{Groups: cfg.MaxGroups, Entries: cfg.MaxEntries, Bytes: cfg.MaxCopyBytes})
	return &statusCopy{catalogue: c, decoder: NewStatusReader(c), observer: o, changed: true}
}

func (c *statusCopy) reader() *icws.Reader { return c.decoder }

func (c *statusCopy) commit(full bool, at time.Time) change {
	var r catalogue.Result
	if full {
		r = c.catalogue.CommitFull(at)
	} else {
		r = c.catalogue.CommitDelta(at)
	}
	c.observer.CatalogueCommitted(r)
	c.changed = c.changed || r.Total() > 0
	return change{entries: r.Total(), ids: r.ChangedIDs, tooLarge: r.TooLarge}
}

func (c *statusCopy) forget() {
	c.catalogue.Forget()
	c.changed = true
}

func (c *statusCopy) publish(s *Snapshot) {
	if c.changed {
		c.groups, c.changed = c.catalogue.Groups(), false
	}
	s.Entries, s.Groups, s.Hash = c.catalogue.Len(), c.groups, c.catalogue.Hash()
	s.DistinctGroups, s.FoldedGroups = c.catalogue.DistinctGroups(), c.catalogue.FoldedGroups()
}

// Statuses returns the live copy, sorted by id. The loop answers between two
// requests, so it may take as long as one request. It returns ErrStopped when
// the probe has ended, or the context's error. Any goroutine may call it.
func (p *Probe) Statuses(ctx context.Context) ([]catalogue.Entry, error) {
	var entries []catalogue.Entry
	err := p.ask(ctx, func(l *loop) {
		entries = l.statuses().Entries()
	})
	return entries, err
}

func (l *loop) statuses() *catalogue.Catalogue {
	return l.feeds[StatusMessages].copy.(*statusCopy).catalogue
}

// NewStatusReader makes a reader that stages what it decodes for a catalogue. It
// belongs to the goroutine of the catalogue.
func NewStatusReader(c *catalogue.Catalogue) *icws.Reader {
	return icws.NewStatusReader(stageSink{c.Stage()})
}

// stageSink translates what is read from the wire for the live copy, so that
// neither knows the other.
type stageSink struct{ *catalogue.Stage }

func (s stageSink) Add(m *icws.StatusMessage)    { s.Stage.Add(statusOf(m)) }
func (s stageSink) Change(m *icws.StatusMessage) { s.Stage.Change(statusOf(m)) }

// statusOf needs the flags of both to be in the order of the API page.
func statusOf(m *icws.StatusMessage) catalogue.Status {
	return catalogue.Status{
		ID: m.ID, Text: m.Text, Icon: m.Icon, Group: m.Group, SystemID: m.SystemID,
		Flags: catalogue.Flags(m.Flags),
	}
}
