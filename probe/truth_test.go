package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

// timeline is what the truth of a host was, one after the other.
type timeline []pastTruth

// pastTruth was the truth until then, in true time and on the probe's monotonic clock; the
// zero time: it still is.
type pastTruth struct {
	truth        icwssim.Truth
	entries      map[string]entry // by id in lower case
	until, ended time.Time
}

func truthOf(sim *icwssim.Server) pastTruth {
	p := pastTruth{truth: sim.Truth(), entries: map[string]entry{}}
	for _, s := range p.truth.Statuses {
		p.entries[strings.ToLower(s.ID)] = entryOnServer(s)
	}
	return p
}

// mutate changes the catalogue of a host, and notes when it did.
func (d *day) mutate(host string, change func(*icwssim.Server)) {
	now := d.now()
	line := d.truths[host]
	for len(line) > 1 && line[0].until.Before(now.Add(-2*d.cfg.StaleAfter)) {
		line = line[1:]
	}
	line[len(line)-1].until, line[len(line)-1].ended = now, time.Now()
	change(d.sims[host])
	d.truths[host] = append(line, truthOf(d.sims[host]))
	d.mutated[host] = time.Now()
}

// entry is what is compared of a status message.
type entry struct {
	text, group string
	flags       [catalogue.NumFlags]bool
}

func entryOf(e catalogue.Entry) entry {
	n := entry{text: e.Text, group: e.Group}
	for f := range catalogue.NumFlags {
		n.flags[f] = e.Flags.Has(catalogue.Flag(f))
	}
	return n
}

func entryOnServer(s icwssim.Status) entry {
	return entry{s.Text, s.Group, [...]bool{
		s.CanHaveDate, s.CanHaveTime, s.IsDoNotDisturbStatus, s.IsSelectableStatus, s.IsPersistentStatus,
		s.IsForwardStatus, s.IsAfterCallWorkStatus, s.IsAcdStatus, s.IsAllowFollowUpStatus,
	}}
}

// noOldEntry wants of each entry that is shown as fresh what neverOld wants of all of
// them, also while messages are being lost: the mixture holds nothing that is older
// than stale_after. While messages come later than half of that, nothing can tell how
// old the deltas are.
func (d *day) noOldEntry() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Millisecond)
	defer cancel()
	var all []catalogue.Entry
	var s *Snapshot // of the same moment: the loop goes on
	err := d.probe.ask(ctx, func(l *loop) { all, s = l.statuses().Entries(), d.probe.Snapshot() })
	if err != nil || !s.freshAt(d.clocks()) || time.Now().Before(d.tangled) && d.lag > d.cfg.StaleAfter/2 {
		return // busy with a request, which is not always so
	}
	d.entriesLooked++
	if !slices.Equal(all, d.allShown) {
		d.allShown, d.shown = all, map[string]entry{}
		for _, e := range all {
			d.shown[strings.ToLower(e.ID)] = entryOf(e)
		}
	}
	var wrong string
	for host := range d.truths {
		if wrong = d.oldEntry(host, d.shown); wrong == "" {
			return
		}
	}
	d.fatalf("fresh, with an entry that is old: %s", wrong)
}

// oldEntry names an entry that is shown and was not the truth of the host within
// stale_after, or that was all the time and is not shown.
func (d *day) oldEntry(host string, shown map[string]entry) string {
	oldest, line := d.now().Add(-d.cfg.StaleAfter), d.truths[host]
	for !line[0].until.IsZero() && line[0].until.Before(oldest) {
		line = line[1:]
	}
	for id, e := range shown {
		if !slices.ContainsFunc(line, func(p pastTruth) bool { was, ok := p.entries[id]; return ok && was == e }) {
			return fmt.Sprintf("%s is shown as %+v, which it was not on %s", id, e, host)
		}
	}
	for id := range line[0].entries {
		if _, ok := shown[id]; !ok && !slices.ContainsFunc(line, func(p pastTruth) bool { _, ok := p.entries[id]; return !ok }) {
			return fmt.Sprintf("%s is not shown and was always on %s", id, host)
		}
	}
	return ""
}

// onlyTheList wants that a subscription which lags shows what the server had when the copy
// was verified last, or at once later: no mixture with what comes late.
func (d *day) onlyTheList(s *Snapshot) {
	d.t.Helper()
	f := s.Feeds[StatusMessages]
	if !f.Lagging || !s.freshAt(d.clocks()) {
		return
	}
	for _, line := range d.truths {
		for _, past := range line {
			if (past.ended.IsZero() || !past.ended.Before(f.LastVerified)) && snapshotEquals(s, past.truth) {
				return
			}
		}
	}
	d.fatalf("the subscription lags, and what is shown is not the list of %s", f.LastVerified)
}

// neverOld wants that what is shown as fresh was the truth of a server within
// stale_after (P1). Only where messages were lost may it be a mixture that never was
// the truth, until the next check finds it, which is before stale_after.
func (d *day) neverOld(s *Snapshot) {
	d.t.Helper()
	now := d.now()
	if d.losing {
		d.lost = now
	}
	if !s.freshAt(d.clocks()) {
		return
	}
	oldest := now.Add(-d.cfg.StaleAfter)
	var old string
	for host, line := range d.truths {
		for i := len(line) - 1; i >= 0; i-- {
			past := line[i]
			switch {
			case !snapshotEquals(s, past.truth):
			case past.until.IsZero() || !past.until.Before(oldest):
				return
			default:
				old = fmt.Sprintf("the truth of %s until %s", host, past.until)
			}
		}
	}
	switch {
	case old != "":
		d.fatalf("fresh, but it is old: %s", old)
	case now.After(d.lost.Add(d.cfg.StaleAfter)):
		d.fatalf("fresh, but it was never the truth")
	}
}
