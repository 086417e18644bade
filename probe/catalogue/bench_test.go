package catalogue_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"icws_exporter/probe/catalogue"
)

// rawStatus is a status message of the size real ones have, in one of 12 groups.
func rawStatus(i int) catalogue.Status {
	return catalogue.Status{
		ID:       fmt.Appendf(nil, "Status %d", i),
		Text:     fmt.Appendf(nil, "Status message %d", i),
		Icon:     []byte("/icws/resources/status/available.png"),
		Group:    fmt.Appendf(nil, "Group %d", i%12),
		SystemID: fmt.Appendf(nil, "%d", i),
		Flags:    catalogue.Flags(i % 512),
	}
}

func rawStatuses(n int) []catalogue.Status {
	list := make([]catalogue.Status, n)
	for i := range list {
		list[i] = rawStatus(i)
	}
	return list
}

func commitFull(c *catalogue.Catalogue, list []catalogue.Status) catalogue.Result {
	s := c.Stage()
	s.Begin()
	for _, st := range list {
		s.Add(st)
	}
	return c.CommitFull(noon)
}

func flip(c *catalogue.Catalogue, st *catalogue.Status) {
	st.Flags ^= 1 << catalogue.IsAcdStatus
	s := c.Stage()
	s.Begin()
	s.Change(*st)
	c.CommitDelta(noon)
}

// The same status flips again and again: the cost of our work alone.
func BenchmarkDeltaFlip(b *testing.B) {
	for _, n := range []int{50, 10_000, 100_000} {
		b.Run(fmt.Sprintf("N=%d", n), func(b *testing.B) {
			c := catalogue.New(catalogue.Limits{})
			list := rawStatuses(n)
			commitFull(c, list)
			b.ReportAllocs()
			for b.Loop() {
				flip(c, &list[n/2])
			}
		})
	}
}

// Another status flips each time, as a decoder hands it over, in warm buffers:
// beyond the caches the memory of the machine takes part.
func BenchmarkDeltaFlipScattered(b *testing.B) {
	for _, n := range []int{50, 10_000, 100_000} {
		b.Run(fmt.Sprintf("N=%d", n), func(b *testing.B) {
			c := catalogue.New(catalogue.Limits{})
			commitFull(c, rawStatuses(n))
			st := rawStatus(0)
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				at = (at + 7919) % n
				st.ID = strconv.AppendInt(st.ID[:len("Status ")], int64(at), 10)
				st.Text = strconv.AppendInt(st.Text[:len("Status message ")], int64(at), 10)
				st.Group = strconv.AppendInt(st.Group[:len("Group ")], int64(at%12), 10)
				st.SystemID = strconv.AppendInt(st.SystemID[:0], int64(at), 10)
				flip(c, &st)
			}
		})
	}
}

func BenchmarkFullUnchanged(b *testing.B) {
	c := catalogue.New(catalogue.Limits{})
	list := rawStatuses(10_000)
	commitFull(c, list)
	b.ReportAllocs()
	for b.Loop() {
		commitFull(c, list)
	}
}

func BenchmarkFullFirst(b *testing.B) {
	list := rawStatuses(10_000)
	b.ReportAllocs()
	for b.Loop() {
		commitFull(catalogue.New(catalogue.Limits{}), list)
	}
}

func BenchmarkGroups(b *testing.B) {
	c := catalogue.New(catalogue.Limits{})
	commitFull(c, rawStatuses(10_000))
	b.ReportAllocs()
	for b.Loop() {
		c.Groups()
	}
}

// BenchmarkLiveHeap reports what one status message keeps on the heap once the
// list has been resent, so with all that the stage keeps for the next one.
func BenchmarkLiveHeap(b *testing.B) {
	list := rawStatuses(10_000)
	for b.Loop() {
		before := liveHeap()
		c := catalogue.New(catalogue.Limits{})
		commitFull(c, list)
		commitFull(c, list)
		b.ReportMetric(float64(liveHeap()-before)/float64(len(list)), "B/status")
		runtime.KeepAlive(c)
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
