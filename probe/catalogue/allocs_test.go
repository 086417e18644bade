//go:build !race

package catalogue_test

import (
	"runtime"
	"testing"

	"icws_exporter/probe/catalogue"
)

func TestDeltaDoesNotAllocate(t *testing.T) {
	list := rawStatuses(1000)
	dirty := &list[7]
	dirty.Group = []byte("not \xff UTF-8")
	c := catalogue.New(catalogue.Limits{})
	commitFull(c, list)
	groups := [][]byte{list[0].Group, list[1].Group}
	turn := 0
	for _, tc := range []struct {
		name string
		edit func() catalogue.Status
	}{
		{"flag", func() catalogue.Status { list[3].Flags ^= 1; return list[3] }},
		{"flag of a group that needs cleaning", func() catalogue.Status { dirty.Flags ^= 1; return *dirty }},
		{"group", func() catalogue.Status { turn++; list[5].Group = groups[turn%2]; return list[5] }},
		{"icon", func() catalogue.Status { turn++; list[6].Icon = groups[turn%2]; return list[6] }},
		{"nothing", func() catalogue.Status { return list[9] }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := c.Stage()
			allocs := testing.AllocsPerRun(100, func() {
				s.Begin()
				s.Change(tc.edit())
				c.CommitDelta(noon)
			})
			if allocs != 0 {
				t.Errorf("%v allocations for one changed status", allocs)
			}
		})
	}
}

func TestUnchangedResyncAllocatesNextToNothing(t *testing.T) {
	list := rawStatuses(10_000)
	c := catalogue.New(catalogue.Limits{})
	commitFull(c, list)
	allocs := testing.AllocsPerRun(5, func() {
		if r := commitFull(c, list); r.Total() != 0 {
			t.Fatalf("an equal list changed %v", r.Changes)
		}
	})
	if allocs > 100 {
		t.Errorf("%v allocations for an unchanged list of 10,000", allocs)
	}
}

func TestLiveHeapPerStatus(t *testing.T) {
	list := rawStatuses(10_000)
	before := liveHeap()
	c := catalogue.New(catalogue.Limits{})
	commitFull(c, list)
	commitFull(c, list)
	if per := (liveHeap() - before) / int64(len(list)); per > 300 {
		t.Errorf("%d B of live heap per status, want at most 300", per)
	}
	runtime.KeepAlive(c)
	runtime.KeepAlive(list)
}
