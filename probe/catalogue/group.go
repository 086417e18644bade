package catalogue

import (
	"container/list"
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
	placed bool          // it is exported
	vacant *list.Element // in the table's list; nil while it has entries, or no place
}

// groupTable knows the groups and which of them are exported. Staging may
// introduce groups; they stay invisible until settle gives each a place, folds it
// or forgets it. So a place changes hands only between messages, never because a
// group is at zero half-way through one. What a new group costs does not grow with
// the limit.
type groupTable struct {
	limit      int
	byLabel    map[string]*group
	places     int       // of exported groups
	sorted     []*group  // these by label; nil after a change
	vacant     list.List // of the places at zero: their groups, that for longest first
	introduced []*group  // since the last settle, in order of appearance
	drained    []*group  // groups that came to zero since the last settle
	folded     int       // folded groups
	other      tally     // what the folded groups hold together
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
	if g.entries == 0 {
		t.drained = append(t.drained, g)
	} else if g.vacant != nil {
		t.vacant.Remove(g.vacant)
		g.vacant = nil
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
		case g.placed && g.vacant == nil:
			g.vacant = t.vacant.PushBack(g)
		}
	}
	for _, g := range t.introduced {
		switch {
		case g.entries == 0:
			delete(t.byLabel, g.label)
		case t.hasPlace():
			g.placed, t.sorted = true, nil
			t.places++
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

// hasPlace reports whether a place is free, after taking it from the group that came
// to zero longest ago if need be.
func (t *groupTable) hasPlace() bool {
	if t.places < t.limit {
		return true
	}
	oldest := t.vacant.Front()
	if oldest == nil {
		return false
	}
	g := t.vacant.Remove(oldest).(*group)
	delete(t.byLabel, g.label)
	t.places, t.sorted = t.places-1, nil
	return true
}

// distinct counts the groups that have entries; a folded group always has.
func (t *groupTable) distinct() int { return t.folded + t.places - t.vacant.Len() }

// exported returns the counts by label value, sorted by it.
func (t *groupTable) exported() []GroupCount {
	if t.sorted == nil {
		for _, g := range t.byLabel {
			if g.placed {
				t.sorted = append(t.sorted, g)
			}
		}
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
