package roster_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/roster"
)

const manyUsers = 5000

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// userIDs are n ids of 16 characters.
func userIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("agent.number%04d", i)
	}
	return ids
}

func stageAll(r *roster.Roster, ids [][]byte) {
	s := r.Stage()
	s.Begin()
	for i, id := range ids {
		s.Add(roster.Entry{
			UserID: id, StatusID: statusIDs[i%len(statusIDs)], LoggedIn: roster.Said(1 + i%2),
			OnPhone: roster.Said(1 + i%2), StatusChanged: int64(1_700_000_000 + i),
		})
	}
}

var statusIDs = func() [][]byte {
	ids := make([][]byte, 60)
	for i := range ids {
		ids[i] = fmt.Appendf(nil, "Status %d", i)
	}
	return ids
}()

func lent(ids []string) [][]byte {
	list := make([][]byte, len(ids))
	for i, id := range ids {
		list[i] = []byte(id)
	}
	return list
}

func fullRoster() (*roster.Roster, [][]byte) {
	r, ids := roster.New(), userIDs(manyUsers)
	r.Watch(ids)
	stageAll(r, lent(ids))
	r.CommitFull()
	return r, lent(ids)
}

func statuses() *catalogue.Catalogue {
	c := catalogue.New(catalogue.Limits{})
	s := c.Stage()
	s.Begin()
	for i, id := range statusIDs {
		s.Add(catalogue.Status{ID: id, Group: fmt.Appendf(nil, "Group %d", i%9), Flags: catalogue.Flags(i)})
	}
	c.CommitFull(noon)
	return c
}

// One user of 5,000 changes, and is shown.
func BenchmarkUserDelta(b *testing.B) {
	r, ids := fullRoster()
	s := r.Stage()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		s.Begin()
		s.Add(roster.Entry{UserID: ids[n*7919%manyUsers], StatusID: statusIDs[n%len(statusIDs)], LoggedIn: roster.True, StatusChanged: int64(1_700_000_000 + n)})
		r.CommitDelta()
	}
}

// What it costs to show the counts after it.
func BenchmarkUserJoin(b *testing.B) {
	r, ids := fullRoster()
	c := statuses()
	s := r.Stage()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		s.Begin()
		s.Add(roster.Entry{UserID: ids[n*7919%manyUsers], StatusID: statusIDs[n%len(statusIDs)], LoggedIn: roster.True, StatusChanged: int64(1_700_000_000 + n)})
		r.CommitDelta()
		r.Join(c, roster.Wanted{})
	}
}

func BenchmarkUserFull(b *testing.B) {
	r, ids := fullRoster()
	b.ReportAllocs()
	for b.Loop() {
		stageAll(r, ids)
		r.CommitFull()
	}
}

// BenchmarkUserHeap reports what one user keeps on the heap, the id included.
func BenchmarkUserHeap(b *testing.B) {
	for b.Loop() {
		before := liveHeap()
		r, ids := roster.New(), userIDs(manyUsers)
		kept := r.Watch(ids)
		stageAll(r, lent(ids))
		r.CommitFull()
		b.ReportMetric(float64(liveHeap()-before)/manyUsers, "B/user")
		runtime.KeepAlive(r)
		runtime.KeepAlive(kept)
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
