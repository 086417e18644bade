package probe

import (
	"fmt"
	"time"

	"icws_exporter/probe/icwssim"
)

// timeline is what the truth of a host was, one after the other.
type timeline []pastTruth

// pastTruth was the truth until then; the zero time: it still is.
type pastTruth struct {
	truth icwssim.Truth
	until time.Time
}

// mutate changes the catalogue of a host, and notes when it did.
func (d *day) mutate(host string, change func(*icwssim.Server)) {
	now := d.now()
	line := d.truths[host]
	for len(line) > 1 && line[0].until.Before(now.Add(-2*d.cfg.StaleAfter)) {
		line = line[1:]
	}
	line[len(line)-1].until = now
	change(d.sims[host])
	d.truths[host] = append(line, pastTruth{truth: d.sims[host].Truth()})
	d.mutated[host] = time.Now()
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
