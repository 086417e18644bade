package catalogue_test

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"icws_exporter/probe/catalogue"
)

// Few ids and groups, so that they meet often; some differ only in case.
var (
	someIDs    = []string{"a", "A", "b", "B", "k", "\u212A", "stra\u00dfe", "STRA\u1E9EE", "\xff", "\xfe", "At Lunch", "at lunch", ""}
	someGroups = []string{"", "(none)", "(other)", "g1", "g2", "g3", "g4", "g\xff", "g\ufffd"}
)

func drawStatus(t *rapid.T) status {
	return status{
		id:     rapid.SampledFrom(someIDs).Draw(t, "id"),
		text:   rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "text"),
		icon:   rapid.SampledFrom([]string{"", "x"}).Draw(t, "icon"),
		group:  rapid.SampledFrom(someGroups).Draw(t, "group"),
		system: rapid.SampledFrom([]string{"", "x"}).Draw(t, "system"),
		flags:  catalogue.Flags(rapid.IntRange(0, 1<<catalogue.NumFlags-1).Draw(t, "flags")),
	}
}

func drawMessage(t *rapid.T) message {
	statuses := rapid.SliceOfN(rapid.Custom(drawStatus), 0, 6)
	return message{
		added:   statuses.Draw(t, "added"),
		changed: statuses.Draw(t, "changed"),
		removed: rapid.SliceOfN(rapid.SampledFrom(someIDs), 0, 4).Draw(t, "removed"),
	}
}

// step stages one message, either way round, and commits it to both.
func step(t *rapid.T, c *catalogue.Catalogue, m model) {
	msg := drawMessage(t)
	if rapid.Bool().Draw(t, "backwards") {
		msg.stageBackwards(c.Stage())
	} else {
		msg.stage(c.Stage())
	}
	if rapid.IntRange(0, 3).Draw(t, "full") == 0 {
		checkResult(t, c.CommitFull(noon), m.applyFull(msg))
	} else {
		checkResult(t, c.CommitDelta(noon), m.applyDelta(msg))
	}
}

func TestEveryMessageMatchesTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		c, m := catalogue.New(catalogue.Limits{Groups: limit}), model{}
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			step(t, c, m)
			checkModel(t, c, m)
			checkInvariants(t, c, limit)
		}
	})
}

func TestDeltasEqualOneFullOfTheFinalState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grown, m := catalogue.New(catalogue.Limits{}), model{}
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			step(t, grown, m)
		}
		fresh := catalogue.New(catalogue.Limits{})
		full(fresh, rapid.Permutation(m.statuses()).Draw(t, "order")...)

		if grown.Hash() != fresh.Hash() {
			t.Fatalf("hash %#x after deltas, %#x after a full message", grown.Hash(), fresh.Hash())
		}
		if d := gocmp.Diff(fresh.Entries(), grown.Entries()); d != "" {
			t.Fatalf("entries (-full +deltas):\n%s", d)
		}
		atZero := func(g catalogue.GroupCount) bool { return g.Entries == 0 }
		if d := gocmp.Diff(fresh.Groups(), slices.DeleteFunc(grown.Groups(), atZero)); d != "" {
			t.Fatalf("groups (-full +deltas):\n%s", d)
		}
	})
}

// view is all that a reader can see of a catalogue.
type view struct {
	Hash             uint64
	Distinct, Folded int
	Groups           []catalogue.GroupCount
	Entries          []catalogue.Entry
}

func look(c *catalogue.Catalogue) view {
	return view{c.Hash(), c.DistinctGroups(), c.FoldedGroups(), c.Groups(), c.Entries()}
}

func TestHalfAMessageLeavesNoTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := catalogue.Limits{Groups: rapid.IntRange(1, 4).Draw(t, "limit")}
		disturbed, calm := catalogue.New(limits), catalogue.New(limits)
		for range rapid.IntRange(1, 8).Draw(t, "messages") {
			drawMessage(t).stage(disturbed.Stage())
			if d := gocmp.Diff(look(calm), look(disturbed)); d != "" {
				t.Fatalf("a staged message shows (-without +with):\n%s", d)
			}
			msg := drawMessage(t)
			msg.stage(disturbed.Stage())
			msg.stage(calm.Stage())
			if rapid.Bool().Draw(t, "full") {
				disturbed.CommitFull(noon)
				calm.CommitFull(noon)
			} else {
				disturbed.CommitDelta(noon)
				calm.CommitDelta(noon)
			}
			if d := gocmp.Diff(look(calm), look(disturbed)); d != "" {
				t.Fatalf("a dropped message shows later (-without +with):\n%s", d)
			}
		}
	})
}

func TestFoldingIsSticky(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		c, m := catalogue.New(catalogue.Limits{Groups: limit}), model{}
		for range rapid.IntRange(2, 12).Draw(t, "messages") {
			before := exportedByTag(c)
			step(t, c, m)
			for tag, exported := range exportedByTag(c) {
				was, had := before[tag]
				if had && was != exported {
					t.Fatalf("group %q had entries before and after; exported %v, then %v", tag, was, exported)
				}
			}
		}
	})
}

// exportedByTag says of every group with entries whether it has its own label.
// A group called "(other)" is left out: one cannot see which it is.
func exportedByTag(c *catalogue.Catalogue) map[string]bool {
	own := map[string]bool{}
	for _, g := range c.Groups() {
		own[g.Group] = true
	}
	tags := map[string]bool{}
	for _, e := range c.Entries() {
		if e.Group != "(other)" {
			tags[e.Group] = own[e.Group]
		}
	}
	return tags
}
