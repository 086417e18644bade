//go:build !race

package roster_test

import (
	"runtime"
	"testing"

	"icws_exporter/probe/roster"
)

func TestDeltaDoesNotAllocate(t *testing.T) {
	r, ids := fullRoster()
	s := r.Stage()
	n := 0
	if allocs := testing.AllocsPerRun(100, func() {
		n++
		s.Begin()
		s.Add(roster.Entry{UserID: ids[n], StatusID: statusIDs[n%60], LoggedIn: roster.True, StatusChanged: int64(n)})
		r.CommitDelta()
	}); allocs != 0 {
		t.Errorf("%v allocations for one user", allocs)
	}
}

func TestAUserIsSmall(t *testing.T) {
	before := liveHeap()
	r, ids := roster.New(), userIDs(manyUsers)
	kept := r.Watch(ids)
	stageAll(r, lent(ids))
	r.CommitFull()
	if per := (liveHeap() - before) / manyUsers; per > 120 {
		t.Errorf("%d B of live heap per user, want at most 120", per)
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(kept)
}
