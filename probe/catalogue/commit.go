package catalogue

import "time"

// CommitFull replaces the catalogue by the staged message, one with isDelta
// false (protocol.md, 3.3), and empties the stage. Its added and changed lists
// are one list; removed ids have no meaning there and are ignored. at becomes the
// ChangedAt of what is new or different.
func (c *Catalogue) CommitFull(at time.Time) Result {
	s := &c.stage
	if s.overflow {
		s.reset()
		return Result{TooLarge: true}
	}
	var r Result
	r.noteAnomalies(s.statuses)
	listed := 0
	for _, e := range s.named {
		if e.lists&inStatuses == 0 {
			continue
		}
		listed++
		if change, ok := c.store(e, at); ok {
			r.note(change, e.id)
		}
	}
	if len(c.entries) > listed {
		for _, e := range c.unlisted() {
			c.remove(e)
			r.note(Removed, e.id)
		}
	}
	s.reset()
	r.TooLarge = c.tooLarge()
	return r
}

// CommitDelta applies the staged message, one with isDelta true: removed, then
// added, then changed (protocol.md, 3.3), and empties the stage. at becomes the
// ChangedAt of what is new or different.
//
// Changes are net: what differs between before and after. An id both removed and
// added counts as one change if its content differs, else as none, and is no
// anomaly; removed and changed is ChangedUnknown.
func (c *Catalogue) CommitDelta(at time.Time) Result {
	s := &c.stage
	if s.overflow {
		s.reset()
		return Result{TooLarge: true}
	}
	var r Result
	r.noteAnomalies(s.statuses)
	r.noteAnomalies(s.removals)
	for _, e := range s.named {
		r.noteContradictions(e)
		if e.lists&inStatuses != 0 {
			if change, ok := c.store(e, at); ok {
				r.Changes[change]++
			}
		} else if e.live {
			c.remove(e)
			r.Changes[Removed]++
		}
	}
	s.reset()
	r.TooLarge = c.tooLarge()
	return r
}

// store makes the catalogue hold the entry as staged, and says what that changed.
func (c *Catalogue) store(e *entry, at time.Time) (Change, bool) {
	switch {
	case !e.live:
		e.live = true
		c.entries[e.key], c.sorted = e, nil
		c.include(e, at)
		return Added, true
	case e.draft != 0:
		c.exclude(e)
		e.content = c.stage.drafts[e.draft-1]
		c.include(e, at)
		return Changed, true
	}
	return 0, false
}

func (c *Catalogue) remove(e *entry) {
	c.exclude(e)
	e.live = false
	delete(c.entries, e.key)
	c.sorted = nil
}

func (c *Catalogue) include(e *entry, at time.Time) {
	e.changedAt = at.UnixNano()
	c.hash += e.hash()
	c.bytes += e.bytes()
	c.groups.count(e.group, e.flags, 1)
}

func (c *Catalogue) exclude(e *entry) {
	c.hash -= e.hash()
	c.bytes -= e.bytes()
	c.groups.count(e.group, e.flags, -1)
}

// unlisted returns the entries that the staged full message does not have, in
// the order of their keys so that the same message always gives the same Result.
func (c *Catalogue) unlisted() []*entry {
	var gone []*entry
	for _, e := range c.entries {
		if e.message != c.stage.message || e.lists&inStatuses == 0 {
			gone = append(gone, e)
		}
	}
	sortByKey(gone)
	return gone
}

func (r *Result) note(change Change, id string) {
	r.Changes[change]++
	if len(r.ChangedIDs) < MaxChangedIDs {
		r.ChangedIDs = append(r.ChangedIDs, id)
	}
}

func (r *Result) noteAnomalies(s stagingAnomalies) {
	r.Anomalies[MissingID] += s.missing
	r.Anomalies[Duplicate] += s.duplicate
}

// noteContradictions compares a delta with the catalogue before it is applied.
func (r *Result) noteContradictions(e *entry) {
	held := e.live
	if e.lists&inRemoved != 0 {
		if !held {
			r.Anomalies[RemovedUnknown]++
		}
		held = false
	}
	switch {
	case e.lists&inAdded != 0 && held:
		r.Anomalies[AddedExisting]++
	case e.lists&inStatuses == inChanged && !held:
		r.Anomalies[ChangedUnknown]++
	}
}
