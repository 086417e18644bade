package exporter

import (
	"fmt"
	"testing"
)

func serverNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("cic-%03d.example.com", i)
	}
	return names
}

func TestEveryServerIsInExactlyOneShard(t *testing.T) {
	counts := make([]int, 3)
	for _, name := range serverNames(1000) {
		holders := 0
		for ordinal := range counts {
			shard, err := NewShard(ordinal, len(counts))
			if err != nil {
				t.Fatal(err)
			}
			if shard.Holds(name) {
				holders++
				counts[ordinal]++
			}
		}
		if holders != 1 {
			t.Fatalf("%d shards watch %s", holders, name)
		}
	}
	for ordinal, n := range counts {
		if n < 280 || n > 390 {
			t.Errorf("shard %d has %d of 1,000 servers: %v is no even division", ordinal, n, counts)
		}
	}
	if everything := (Shard{}); !everything.Holds("a") {
		t.Error("without sharding a server is not watched")
	}
}

func TestOneShardMoreMovesAFourthAndNothingElse(t *testing.T) {
	moved := 0
	for _, name := range serverNames(1000) {
		before, after := shardOf(name, 3), shardOf(name, 4)
		if before == after {
			continue
		}
		moved++
		if after != 3 {
			t.Errorf("%s moves from shard %d to %d, which was there before", name, before, after)
		}
	}
	if moved < 220 || moved > 280 {
		t.Errorf("%d of 1,000 servers move", moved)
	}
}

// These are for ever: another answer in a new version would have every server
// change its exporter, and be watched twice while the versions are mixed.
func TestTheShardOfAServerNeverChanges(t *testing.T) {
	for _, c := range []struct {
		name             string
		of2, of3, of1000 int
	}{
		{"chicago", 1, 1, 911},
		{"zürich", 0, 0, 871},
		{"cic-a.example.com:8019", 0, 0, 616},
		{"lab", 0, 2, 254},
		{"denver", 1, 2, 529},
		{"rome", 0, 0, 107},
	} {
		if of2, of3, of1000 := shardOf(c.name, 2), shardOf(c.name, 3), shardOf(c.name, 1000); of2 != c.of2 || of3 != c.of3 || of1000 != c.of1000 {
			t.Errorf("%q is in shard %d of 2, %d of 3, %d of 1000; want %d, %d, %d", c.name, of2, of3, of1000, c.of2, c.of3, c.of1000)
		}
	}
	if w := shardWeight("chicago", 2); w != 0x7ec4f4374bb92ce2 {
		t.Errorf("the weight of chicago in shard 2 is %#x", w)
	}
}

func TestAShardHasToExist(t *testing.T) {
	for _, c := range []struct{ ordinal, total int }{{0, 0}, {0, -1}, {3, 3}, {-1, 3}, {0, MaxShards + 1}} {
		if s, err := NewShard(c.ordinal, c.total); err == nil {
			t.Errorf("shard %d of %d is %v", c.ordinal, c.total, s)
		}
	}
}

func TestPodOrdinal(t *testing.T) {
	for name, want := range map[string]int{"icws-exporter-0": 0, "icws-exporter-12": 12, "a-1-2": 2} {
		if got, err := PodOrdinal(name); err != nil || got != want {
			t.Errorf("%s gives %d, %v; want %d", name, got, err, want)
		}
	}
	for _, name := range []string{"", "7", "icws-exporter", "icws-exporter-", "icws-exporter-7f9c", "a--", "a-99999999999"} {
		if got, err := PodOrdinal(name); err == nil {
			t.Errorf("%q gives %d", name, got)
		}
	}
}
