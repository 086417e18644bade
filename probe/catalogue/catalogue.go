package catalogue

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"
)

// What Limits are unless they say otherwise.
const (
	defaultGroups  = 64
	defaultEntries = 200_000
	defaultBytes   = 64 << 20
)

// Limits bounds what a Catalogue holds and exports.
type Limits struct {
	// Entries and Bytes are how many status messages the catalogue holds, and how
	// many bytes of their ids and texts; 200,000 and 64 MiB when they are 0. Beyond
	// them a commit reports Result.TooLarge, and the catalogue is of no more use
	// until Forget.
	Entries, Bytes int

	// Groups is how many group labels are exported, 64 when it is 0.
	//
	// The label of a group is its tag with every byte that is not UTF-8 replaced
	// by U+FFFD, cut at 128 bytes on a rune border, "(none)" for the empty tag.
	// A group takes a place with the message that brings it and keeps it while it
	// has entries. At zero it stays exported until a new group needs the place:
	// then the one that has been at zero longest goes. A group that found no
	// place is counted under "(other)" until it comes to zero and is forgotten.
	Groups int
}

// Catalogue is the live copy of one server's status messages. Messages enter
// through its Stage; counts and hash follow at O(entries of the message).
// All methods belong to one goroutine.
type Catalogue struct {
	entries map[string]*entry // by folded id
	sorted  []*entry          // nil when entries came or went since somebody looked
	groups  groupTable
	hash    uint64
	bytes   int // of ids and texts
	limits  Limits
	stage   Stage
}

// entry is one status message and what the staged message says of it.
type entry struct {
	key string // folded id
	content
	live      bool // the catalogue holds it
	lists     lists
	draft     int32  // index + 1 of the staged content that differs, 0 for none
	message   uint64 // number of the message that named it last
	changedAt int64  // in Unix nanoseconds: a third of a time.Time, for each of many
}

// bytes is what counts toward Limits.Bytes.
func (e *entry) bytes() int { return len(e.key) + len(e.id) + len(e.text) }

func (e *entry) hash() uint64 { return entryHash(e.key, e.group.label, e.flags) }

// content is all that must be equal for an entry to be unchanged.
type content struct {
	id, text string
	group    *group
	extra    uint64 // hash of icon and system id, which are not kept
	flags    Flags
}

// New returns an empty catalogue.
func New(l Limits) *Catalogue {
	if l.Groups <= 0 {
		l.Groups = defaultGroups
	}
	if l.Entries <= 0 {
		l.Entries = defaultEntries
	}
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	c := &Catalogue{limits: l}
	c.stage = Stage{catalogue: c, message: 1, seed: maphash.MakeSeed()}
	c.clear()
	return c
}

// Forget empties the catalogue and its stage, and keeps no memory of what was
// there.
func (c *Catalogue) Forget() {
	c.clear()
	c.stage.named, c.stage.drafts, c.stage.fresh = nil, nil, nil
	c.stage.reset()
}

func (c *Catalogue) clear() {
	c.entries, c.sorted = make(map[string]*entry), nil
	c.groups = groupTable{limit: c.limits.Groups, byLabel: make(map[string]*group)}
	c.hash, c.bytes = 0, 0
}

// tooLarge reports whether the catalogue holds more than it may.
func (c *Catalogue) tooLarge() bool {
	return len(c.entries) > c.limits.Entries || c.bytes > c.limits.Bytes
}

// Stage returns the catalogue's one staging area, which serves every message.
func (c *Catalogue) Stage() *Stage { return &c.stage }

// Len returns how many status messages the catalogue holds.
func (c *Catalogue) Len() int { return len(c.entries) }

// Hash returns the 48-bit hash over ids, groups and flags: catalogues that agree
// in these have the same hash, in every language, process and implementation
// (the recipe stands in hash.go).
func (c *Catalogue) Hash() uint64 { return c.hash & hashMask }

// Groups returns a fresh copy of the counts by exported group, sorted by label.
// Groups at zero that still have their place are included; "(other)" is when
// groups are folded, together with a group whose own tag is "(other)".
func (c *Catalogue) Groups() []GroupCount { return c.groups.exported() }

// DistinctGroups returns how many groups have entries, before folding.
func (c *Catalogue) DistinctGroups() int { return c.groups.distinct() }

// FoldedGroups returns how many groups the limit keeps under "(other)".
func (c *Catalogue) FoldedGroups() int { return c.groups.folded }

// Entries returns a fresh copy of all status messages, sorted by folded id.
// Group is the label before folding. It costs O(n), after entries came or went
// O(n log n): for people who look, not for every message.
func (c *Catalogue) Entries() []Entry {
	if c.sorted == nil {
		c.sorted = slices.Collect(maps.Values(c.entries))
		sortByKey(c.sorted)
	}
	list := make([]Entry, len(c.sorted))
	for i, e := range c.sorted {
		list[i] = Entry{ID: e.id, Text: e.text, Group: e.group.label, Flags: e.flags, ChangedAt: time.Unix(0, e.changedAt).UTC()}
	}
	return list
}

// Found is what users are counted by: the status with one id.
type Found struct {
	ID    string // as the server spells it
	Group string // the label that is exported, "(other)" for one that is folded
	Flags Flags
}

// Find returns the status message with a folded id.
func (c *Catalogue) Find(folded string) (Found, bool) {
	e := c.entries[folded]
	if e == nil {
		return Found{}, false
	}
	f := Found{ID: e.id, Group: e.group.label, Flags: e.flags}
	if e.group.folded {
		f.Group = otherGroups
	}
	return f, true
}

func sortByKey(entries []*entry) {
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
}
