package catalogue

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	noGroup     = "(none)"  // label of the empty group tag
	otherGroups = "(other)" // label of the groups folded by the limit
	// MaxGroupBytes is where the name of a group is cut.
	MaxGroupBytes = 128
)

// tally counts status messages and, per flag, those that have it set.
type tally struct {
	entries int
	flagged [NumFlags]int
}

func (t *tally) add(flags Flags, by int) {
	t.entries += by
	for f := range t.flagged {
		t.flagged[f] += by * int(flags>>f&1)
	}
}

func (t *tally) merge(o tally) {
	t.entries += o.entries
	for f, n := range o.flagged {
		t.flagged[f] += n
	}
}

// group is one label of the group table, before folding.
type group struct {
	label string
	tally
	folded bool
	place  int // 1 + its index in the table's places; 0: none

	// Of a group at zero that still has its place: its neighbours in the table's
	// list of those.
	vacant        bool
	before, after *group
}

// groupTable knows the groups and which of them are exported. Staging may
// introduce groups; they stay invisible until settle gives each a place, folds it
// or forgets it. So a place changes hands only between messages, never because a
// group is at zero half-way through one. What a new group costs does not grow with
// the limit.
type groupTable struct {
	limit      int
	byLabel    map[string]*group
	places     []*group // exported, in any order
	sorted     []*group // the same by label; nil after a change
	occupied   int      // places of groups with entries
	introduced []*group // since the last settle, in order of appearance
	drained    []*group // groups that came to zero since the last settle
	oldest     *group   // of the places at zero, by the time that they are
	newest     *group
	folded     int   // folded groups
	other      tally // what the folded groups hold together
	scratch    []byte
}

// intern returns the group of a tag. Only a label never seen allocates.
func (t *groupTable) intern(tag []byte) *group {
	label := t.clean(tag)
	if g, ok := t.byLabel[string(label)]; ok {
		return g
	}
	g := &group{label: string(label)}
	t.byLabel[g.label] = g
	t.introduced = append(t.introduced, g)
	return g
}

// clean makes a valid label value of a tag: every byte that is not UTF-8 becomes
// U+FFFD, then the label is cut at 128 bytes on a rune border.
func (t *groupTable) clean(tag []byte) []byte {
	if len(tag) == 0 {
		t.scratch = append(t.scratch[:0], noGroup...)
		return t.scratch
	}
	if !utf8.Valid(tag) {
		t.scratch = t.scratch[:0]
		for len(tag) > 0 {
			r, size := utf8.DecodeRune(tag)
			t.scratch = utf8.AppendRune(t.scratch, r)
			tag = tag[size:]
		}
		tag = t.scratch
	}
	if len(tag) <= MaxGroupBytes {
		return tag
	}
	end := MaxGroupBytes
	for !utf8.RuneStart(tag[end]) {
		end--
	}
	return tag[:end]
}

// count moves one status message into (by = 1) or out of (by = -1) a group.
func (t *groupTable) count(g *group, flags Flags, by int) {
	g.add(flags, by)
	if g.folded {
		t.other.add(flags, by)
	}
	switch {
	case g.entries == 0:
		t.drained = append(t.drained, g)
		if g.place > 0 {
			t.occupied--
		}
	case g.entries == by && g.place > 0: // from zero
		t.occupied++
		t.unlink(g)
	}
}

// settle ends a message, committed or dropped.
func (t *groupTable) settle() {
	slices.SortFunc(t.drained, byLabel)
	for _, g := range t.drained {
		switch {
		case g.entries > 0:
		case g.folded:
			delete(t.byLabel, g.label)
			g.folded = false // it may stand here twice
			t.folded--
		case g.place > 0:
			t.link(g)
		}
	}
	for _, g := range t.introduced {
		switch {
		case g.entries == 0:
			delete(t.byLabel, g.label)
		case t.vacancy():
			t.seat(g)
		default:
			g.folded = true
			t.folded++
			t.other.merge(g.tally)
		}
	}
	clear(t.drained)
	clear(t.introduced)
	t.drained, t.introduced = t.drained[:0], t.introduced[:0]
}

func byLabel(a, b *group) int { return strings.Compare(a.label, b.label) }

// vacancy reports whether a place is free, after taking it from the group that
// came to zero longest ago if need be.
func (t *groupTable) vacancy() bool {
	if len(t.places) < t.limit {
		return true
	}
	g := t.oldest
	if g == nil {
		return false
	}
	t.unlink(g)
	delete(t.byLabel, g.label)
	last := t.places[len(t.places)-1]
	t.places[g.place-1], last.place = last, g.place
	t.places[len(t.places)-1] = nil
	t.places = t.places[:len(t.places)-1]
	g.place, t.sorted = 0, nil
	return true
}

func (t *groupTable) seat(g *group) {
	t.places = append(t.places, g)
	g.place, t.sorted = len(t.places), nil
	t.occupied++
}

// link puts a group that has come to zero behind those that are there already.
func (t *groupTable) link(g *group) {
	if g.vacant {
		return
	}
	g.vacant, g.before, g.after = true, t.newest, nil
	if t.newest == nil {
		t.oldest = g
	} else {
		t.newest.after = g
	}
	t.newest = g
}

func (t *groupTable) unlink(g *group) {
	if !g.vacant {
		return
	}
	if g.before == nil {
		t.oldest = g.after
	} else {
		g.before.after = g.after
	}
	if g.after == nil {
		t.newest = g.before
	} else {
		g.after.before = g.before
	}
	g.vacant, g.before, g.after = false, nil, nil
}

// distinct counts the groups that have entries; a folded group always has.
func (t *groupTable) distinct() int { return t.folded + t.occupied }

// exported returns the counts by label value, sorted by it.
func (t *groupTable) exported() []GroupCount {
	if t.sorted == nil {
		t.sorted = slices.Clone(t.places)
		slices.SortFunc(t.sorted, byLabel)
	}
	counts := make([]GroupCount, 0, len(t.sorted)+1)
	for _, g := range t.sorted {
		counts = append(counts, GroupCount{Group: g.label, Entries: g.entries, Flagged: g.flagged})
	}
	if t.folded == 0 {
		return counts
	}
	at, own := slices.BinarySearchFunc(counts, otherGroups, func(c GroupCount, label string) int {
		return strings.Compare(c.Group, label)
	})
	sum := t.other
	if own { // the server has a group of that very name
		sum.merge(tally{counts[at].Entries, counts[at].Flagged})
		counts = slices.Delete(counts, at, at+1)
	}
	return slices.Insert(counts, at, GroupCount{Group: otherGroups, Entries: sum.entries, Flagged: sum.flagged})
}
