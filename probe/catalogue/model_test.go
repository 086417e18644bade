package catalogue_test

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"icws_exporter/probe/catalogue"
)

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

var _ fataler = (*testing.T)(nil)

// model is the catalogue as protocol.md, 3.3 puts it, without any cleverness.
type model map[string]status

func (m model) applyFull(msg message) catalogue.Result {
	before := maps.Clone(m)
	clear(m)
	seen := map[string]bool{}
	var r catalogue.Result
	for _, st := range slices.Concat(msg.added, msg.changed) {
		m.put(st, seen, &r, func(bool) {})
	}
	r.Changes = diff(before, m)
	return r
}

func (m model) applyDelta(msg message) catalogue.Result {
	before := maps.Clone(m)
	var r catalogue.Result
	gone := map[string]bool{}
	for _, id := range msg.removed {
		key := catalogue.Fold(id)
		_, held := m[key]
		switch {
		case id == "":
			r.Anomalies[catalogue.MissingID]++
		case gone[key]:
			r.Anomalies[catalogue.Duplicate]++
		case !held:
			r.Anomalies[catalogue.RemovedUnknown]++
		}
		gone[key] = true
		delete(m, key)
	}
	seen := map[string]bool{}
	for _, st := range msg.added {
		m.put(st, seen, &r, func(held bool) {
			if held {
				r.Anomalies[catalogue.AddedExisting]++
			}
		})
	}
	for _, st := range msg.changed {
		m.put(st, seen, &r, func(held bool) {
			if !held {
				r.Anomalies[catalogue.ChangedUnknown]++
			}
		})
	}
	r.Changes = diff(before, m)
	return r
}

func (m model) put(st status, seen map[string]bool, r *catalogue.Result, first func(held bool)) {
	key := catalogue.Fold(st.id)
	switch {
	case st.id == "":
		r.Anomalies[catalogue.MissingID]++
		return
	case seen[key]:
		r.Anomalies[catalogue.Duplicate]++
	default:
		_, held := m[key]
		first(held)
	}
	seen[key] = true
	st.group = label(st.group)
	m[key] = st
}

func diff(before, after model) (changes [catalogue.NumChanges]int) {
	for key, st := range after {
		if old, held := before[key]; !held {
			changes[catalogue.Added]++
		} else if old != st {
			changes[catalogue.Changed]++
		}
	}
	for key := range before {
		if _, held := after[key]; !held {
			changes[catalogue.Removed]++
		}
	}
	return changes
}

// label is the label of a group tag, by way of runes.
func label(tag string) string {
	if tag == "" {
		return "(none)"
	}
	cut := ""
	for _, r := range tag { // yields U+FFFD for every byte that is not UTF-8
		if len(cut)+utf8.RuneLen(r) > 128 {
			break
		}
		cut += string(r)
	}
	return cut
}

func (m model) statuses() []status { return slices.Collect(maps.Values(m)) }

// entries is what Catalogue.Entries must return, but for the times.
func (m model) entries() []catalogue.Entry {
	list := make([]catalogue.Entry, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		st := m[key]
		list = append(list, catalogue.Entry{ID: st.id, Text: st.text, Group: st.group, Flags: st.flags})
	}
	return list
}

func withoutTimes(list []catalogue.Entry) []catalogue.Entry {
	for i := range list {
		list[i].ChangedAt = time.Time{}
	}
	return list
}

// checkInvariants recounts from the entries all that the catalogue keeps
// incrementally.
func checkInvariants(t fataler, c *catalogue.Catalogue, limit int) {
	t.Helper()
	var (
		entries = c.Entries()
		groups  = c.Groups()
		shown   = map[string]catalogue.GroupCount{}
		tags    = map[string]bool{}
		hash    uint64
	)
	for _, g := range groups {
		shown[g.Group] = catalogue.GroupCount{Group: g.Group}
	}
	for _, e := range entries {
		tags[e.Group] = true
		hash += referenceHash(e)
		g, ok := shown[e.Group]
		if !ok {
			g = shown["(other)"]
			g.Group = "(other)"
		}
		g.Entries++
		for f := range catalogue.Flag(catalogue.NumFlags) {
			if e.Flags.Has(f) {
				g.Flagged[f]++
			}
		}
		shown[g.Group] = g
	}
	recount := slices.SortedFunc(maps.Values(shown), func(a, b catalogue.GroupCount) int {
		return cmp.Compare(a.Group, b.Group)
	})
	if d := gocmp.Diff(recount, groups, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("Groups() is not the recount (-want +got):\n%s", d)
	}
	if len(entries) != c.Len() {
		t.Fatalf("Len() = %d with %d entries", c.Len(), len(entries))
	}
	if len(tags) != c.DistinctGroups() {
		t.Fatalf("DistinctGroups() = %d, recount %d", c.DistinctGroups(), len(tags))
	}
	if hash %= 1 << 48; hash != c.Hash() {
		t.Fatalf("Hash() = %#x, recount %#x", c.Hash(), hash)
	}
	if len(groups) > limit+1 || (c.FoldedGroups() == 0 && len(groups) > limit) {
		t.Fatalf("%d groups exported, %d folded, limit %d", len(groups), c.FoldedGroups(), limit)
	}
}

// referenceHash follows the recipe in hash.go with the standard library's FNV.
func referenceHash(e catalogue.Entry) uint64 {
	fnv1a := fnv.New64a()
	fnv1a.Write([]byte(catalogue.Fold(e.ID)))
	fnv1a.Write([]byte{0xFF})
	fnv1a.Write([]byte(e.Group))
	fnv1a.Write([]byte{byte(e.Flags), byte(e.Flags >> 8)})
	h := fnv1a.Sum64()
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func checkResult(t fataler, got, want catalogue.Result) {
	t.Helper()
	if got.Changes != want.Changes {
		t.Fatalf("changes %v, want %v (added, changed, removed)", got.Changes, want.Changes)
	}
	if got.Anomalies != want.Anomalies {
		t.Fatalf("anomalies %v, want %v", got.Anomalies, want.Anomalies)
	}
}

func checkModel(t fataler, c *catalogue.Catalogue, m model) {
	t.Helper()
	if d := gocmp.Diff(m.entries(), withoutTimes(c.Entries())); d != "" {
		t.Fatalf("entries (-want +got):\n%s", d)
	}
}
