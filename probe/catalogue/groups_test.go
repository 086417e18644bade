package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"icws_exporter/probe/catalogue"
)

// counts writes Groups as "label=entries", in order.
func counts(c *catalogue.Catalogue) string {
	var parts []string
	for _, g := range c.Groups() {
		parts = append(parts, fmt.Sprintf("%s=%d", g.Group, g.Entries))
	}
	return strings.Join(parts, " ")
}

func wantCounts(t *testing.T, c *catalogue.Catalogue, want string) {
	t.Helper()
	if got := counts(c); got != want {
		t.Errorf("groups %q, want %q", got, want)
	}
}

func TestGroupsCountEntriesAndFlags(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	full(c,
		status{id: "a", group: "Break", flags: flags(catalogue.IsAcdStatus, catalogue.CanHaveDate)},
		status{id: "b", group: "Break", flags: flags(catalogue.IsAcdStatus)},
		status{id: "c", group: "Available", flags: flags(catalogue.IsAllowFollowUpStatus)},
	)
	var brk, avail catalogue.GroupCount
	brk.Group, brk.Entries = "Break", 2
	brk.Flagged[catalogue.IsAcdStatus], brk.Flagged[catalogue.CanHaveDate] = 2, 1
	avail.Group, avail.Entries = "Available", 1
	avail.Flagged[catalogue.IsAllowFollowUpStatus] = 1
	if d := gocmp.Diff([]catalogue.GroupCount{avail, brk}, c.Groups()); d != "" {
		t.Errorf("Groups() (-want +got):\n%s", d)
	}
}

func TestGroupsIsACopy(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	full(c, ofGroup("a", "g"))
	kept := c.Groups()
	full(c, ofGroup("a", "g"), ofGroup("b", "g"))
	if kept[0].Entries != 1 {
		t.Errorf("a copy taken before the second message shows %d entries", kept[0].Entries)
	}
}

func TestGroupLabels(t *testing.T) {
	long := strings.Repeat("x", 127)
	for _, tc := range []struct{ name, tag, want string }{
		{"plain", "Available", "Available"},
		{"empty", "", "(none)"},
		{"not UTF-8, byte by byte", "a\xff\xfeb", "a\ufffd\ufffdb"},
		{"128 bytes stay", long + "y", long + "y"},
		{"129 bytes are cut", long + "yz", long + "y"},
		{"cut on a rune border", long + "é", long},
		{"cut counts after the replacement", long + "\xff", long},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogue.New(catalogue.Limits{})
			full(c, ofGroup("a", tc.tag))
			if got := c.Groups()[0].Group; got != tc.want {
				t.Errorf("label %q, want %q", got, tc.want)
			}
			if got := c.Entries()[0].Group; got != tc.want {
				t.Errorf("group of the entry %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTagsWithOneLabelAreOneGroup(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	full(c, ofGroup("a", ""), ofGroup("b", "(none)"), ofGroup("c", "g\xff"), ofGroup("d", "g\ufffd"))
	wantCounts(t, c, "(none)=2 g\ufffd=2")
	if r := delta(c, message{changed: []status{ofGroup("a", "(none)")}}); r.Total() != 0 {
		t.Errorf("another tag with the same label counts as %v", r.Changes)
	}
}

func TestDefaultLimitIs64(t *testing.T) {
	var list []status
	for i := range 70 {
		list = append(list, ofGroup(fmt.Sprint(i), fmt.Sprintf("g%02d", i)))
	}
	c := catalogue.New(catalogue.Limits{})
	full(c, list...)
	if got := len(c.Groups()); got != 65 {
		t.Errorf("%d groups exported, want 64 and (other)", got)
	}
	if c.FoldedGroups() != 6 || c.DistinctGroups() != 70 {
		t.Errorf("folded %d, distinct %d; want 6, 70", c.FoldedGroups(), c.DistinctGroups())
	}
}

// Each step is one delta; a group stands for its only entry of the same name.
func TestPlacesOfGroups(t *testing.T) {
	type step struct {
		add, remove string // names, by spaces
		want        string
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"first come, first served", []step{
			{"z y x", "", "(other)=1 y=1 z=1"},
		}},
		{"at zero a group stays", []step{
			{"a b", "", "a=1 b=1"},
			{"", "a", "a=0 b=1"},
			{"a", "", "a=1 b=1"},
		}},
		{"at zero a group gives way to a new one", []step{
			{"a b", "a", "a=1 b=1"}, // removed before it is added: stays
			{"", "a", "a=0 b=1"},
			{"c", "", "b=1 c=1"},
			{"a", "", "(other)=1 b=1 c=1"},
		}},
		{"the one at zero longest goes first", []step{
			{"a b", "", "a=1 b=1"},
			{"", "b", "a=1 b=0"},
			{"", "a", "a=0 b=0"},
			{"c", "", "a=0 c=1"},
			{"d", "", "c=1 d=1"},
		}},
		{"at zero since the same message: by name", []step{
			{"b a", "", "a=1 b=1"},
			{"", "b a", "a=0 b=0"},
			{"c", "", "b=0 c=1"},
		}},
		{"a place emptied by the message that needs it", []step{
			{"a b", "", "a=1 b=1"},
			{"c", "a", "b=1 c=1"},
		}},
		{"a folded group stays folded when a place empties", []step{
			{"a b c", "", "(other)=1 a=1 b=1"},
			{"", "a", "(other)=1 a=0 b=1"},
			{"d", "", "(other)=1 b=1 d=1"},
		}},
		{"a folded group is forgotten at zero and then new", []step{
			{"a b c", "", "(other)=1 a=1 b=1"},
			{"", "c a", "a=0 b=1"},
			{"c", "", "b=1 c=1"},
		}},
		{"the server's own (other) joins the folded", []step{
			{"(other) a", "", "(other)=1 a=1"},
			{"b", "", "(other)=2 a=1"},
			{"", "(other)", "(other)=1 a=1"},
			{"", "b", "(other)=0 a=1"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogue.New(catalogue.Limits{Groups: 2})
			for _, s := range tc.steps {
				var msg message
				for _, name := range strings.Fields(s.add) {
					msg.added = append(msg.added, ofGroup(name, name))
				}
				msg.removed = strings.Fields(s.remove)
				delta(c, msg)
				wantCounts(t, c, s.want)
				checkInvariants(t, c, 2)
			}
		})
	}
}

// A group that is at zero only half-way through a message has not been at zero.
func TestAPlaceIsNotLostWithinAMessage(t *testing.T) {
	c := catalogue.New(catalogue.Limits{Groups: 1})
	full(c, ofGroup("a", "g"), ofGroup("b", "folded"))
	delta(c, message{
		removed: []string{"a"},
		added:   []status{ofGroup("c", "new")},
		changed: []status{ofGroup("b", "g")},
	})
	wantCounts(t, c, "(other)=1 g=1")
}

func TestAFoldedGroupThatMovesWithinAMessageStaysFolded(t *testing.T) {
	c := catalogue.New(catalogue.Limits{Groups: 1})
	full(c, ofGroup("a", "g"), ofGroup("b", "folded"))
	delta(c, message{removed: []string{"a", "b"}, added: []status{ofGroup("c", "folded")}})
	wantCounts(t, c, "(other)=1 g=0")
}

func TestChurningGroupsStayBounded(t *testing.T) {
	c := catalogue.New(catalogue.Limits{Groups: 3})
	for i := range 1000 {
		full(c, ofGroup("a", fmt.Sprint("g", i)), ofGroup("b", fmt.Sprint("h", i)))
		if n := len(c.Groups()); n > 4 {
			t.Fatalf("%d groups after %d messages: %s", n, i+1, counts(c))
		}
	}
	live := []string{"g999", "h999"}
	for _, g := range c.Groups() {
		if got := g.Entries == 1; got != slices.Contains(live, g.Group) {
			t.Errorf("group %s has %d entries", g.Group, g.Entries)
		}
	}
}
