package catalogue_test

import (
	"testing"

	"icws_exporter/probe/catalogue"
)

// The hash is compared across exporters and versions: these values never change.
func TestHashIsPinned(t *testing.T) {
	available := status{
		id: "Available", text: "Available", group: "Available",
		flags: flags(catalogue.IsSelectableStatus, catalogue.IsPersistentStatus, catalogue.IsAcdStatus),
	}
	lunch := status{id: "At Lunch", text: "At Lunch", flags: flags(catalogue.IsAllowFollowUpStatus)}
	for _, tc := range []struct {
		name string
		list []status
		want uint64
	}{
		{"empty", nil, 0},
		{"one", []status{available}, 0xa14430bcf5d2},
		{"two", []status{available, lunch}, 0x4c87ca586914},
		{"in the other order", []status{lunch, available}, 0x4c87ca586914},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogue.New(catalogue.Limits{})
			full(c, tc.list...)
			if got := c.Hash(); got != tc.want {
				t.Errorf("Hash() = %#x, want %#x", got, tc.want)
			}
		})
	}
}

func TestWhatMovesTheHash(t *testing.T) {
	base := status{id: "Gone Home", text: "Gone Home", icon: "/home.png", group: "Unavailable", system: "16"}
	for _, tc := range []struct {
		name  string
		edit  func(*status)
		moves bool
	}{
		{"id", func(s *status) { s.id = "Gone" }, true},
		{"group", func(s *status) { s.group = "Break" }, true},
		{"lowest flag", func(s *status) { s.flags = flags(catalogue.CanHaveDate) }, true},
		{"highest flag", func(s *status) { s.flags = flags(catalogue.IsAllowFollowUpStatus) }, true},
		{"case of the id", func(s *status) { s.id = "GONE HOME" }, false},
		{"text, which is in the session's language", func(s *status) { s.text = "Heimgegangen" }, false},
		{"icon", func(s *status) { s.icon = "/other.png" }, false},
		{"system id", func(s *status) { s.system = "17" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogue.New(catalogue.Limits{})
			full(c, base)
			before := c.Hash()
			edited := base
			tc.edit(&edited)
			full(c, edited)
			if moved := c.Hash() != before; moved != tc.moves {
				t.Errorf("the hash moved: %v, want %v", moved, tc.moves)
			}
		})
	}
}

// Folding is about cardinality here, not about what the server has.
func TestHashIgnoresTheLimit(t *testing.T) {
	list := []status{ofGroup("a", "g1"), ofGroup("b", "g2"), ofGroup("c", "g3")}
	wide, narrow := catalogue.New(catalogue.Limits{}), catalogue.New(catalogue.Limits{Groups: 1})
	full(wide, list...)
	full(narrow, list...)
	if wide.Hash() != narrow.Hash() {
		t.Errorf("hash %#x with all groups, %#x with one", wide.Hash(), narrow.Hash())
	}
}
