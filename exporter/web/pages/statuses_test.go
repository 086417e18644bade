package pages

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

func TestStatusesAreFoundInWhateverCase(t *testing.T) {
	entry := catalogue.Entry{ID: "Lunch-1", Text: "Mittagessen ÜBER Mittag", Group: "Away", Flags: catalogue.Flags(0).With(catalogue.IsDoNotDisturbStatus, true)}
	for text, want := range map[string]bool{
		"": true, "lunch": true, "LUNCH-1": true, "mittag": true, "über": true, "Über": true, "away": true, "DISTURB": true, "not dist": true,
		"@unch": false, "dinner": false, "persistent": false, "lunch-11": false, "[": false,
	} {
		if got := matcherOf(text)(&entry); got != want {
			t.Errorf("%q is found: %v, want %v", text, got, want)
		}
	}
}

func FuzzContainsFold(f *testing.F) {
	f.Add("Lunch", "UNCH")
	f.Add("@`{[", "`")
	f.Fuzz(func(t *testing.T, s, text string) {
		if !isASCII(s) || !isASCII(text) || text == "" {
			return
		}
		lower := toLower(text)
		want := false
		for i := 0; i+len(lower) <= len(s); i++ {
			want = want || toLower(s[i:i+len(lower)]) == lower
		}
		if got := containsFold(s, lower); got != want {
			t.Errorf("%q in %q: %v, want %v", text, s, got, want)
		}
	})
}

func toLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// hundredThousand is a server with as many statuses as the exporter is made for.
func hundredThousand(now time.Time) (servers, exporter.Server, []catalogue.Entry) {
	server := liveServer(now)
	server.Snapshot.FreshUntil = now.Add(time.Hour)
	entries := make([]catalogue.Entry, 100_000)
	for i := range entries {
		entries[i] = catalogue.Entry{ID: fmt.Sprint("status-", i), Text: fmt.Sprint("Status Number ", i), Group: "Away", ChangedAt: now.Add(-time.Duration(i*7919%100_000) * time.Second)}
	}
	return servers{server}, server, entries
}

// What a look at 100,000 statuses costs: when they have changed, and when they have
// not, with a search.
func BenchmarkStatuses(b *testing.B) {
	now := time.Now()
	_, server, entries := hundredThousand(now)
	c := clock{now: now, live: true}
	b.Run("changed", func(b *testing.B) {
		for b.Loop() {
			sorted(entries).find(server, statusSearch{}, c)
		}
	})
	b.Run("search", func(b *testing.B) {
		list := sorted(entries)
		for b.Loop() {
			list.find(server, statusSearch{Query: "number 77777"}, c)
		}
	})
}

// oneList has one server with the entries, and counts who asked for them.
type oneList struct {
	servers
	entries []catalogue.Entry
	asked   atomic.Int32
}

func (f *oneList) Statuses(context.Context, string) ([]catalogue.Entry, error) {
	f.asked.Add(1)
	return f.entries, nil
}

// A server is asked for its list once, however many read it and whatever they look for.
func TestManyReadersAreOneLook(t *testing.T) {
	now := time.Now()
	_, server, entries := hundredThousand(now)
	fleet := &oneList{entries: entries[:1000]}
	lists := &statusLists{fleet: fleet}
	var readers sync.WaitGroup
	for i := range 50 {
		readers.Go(func() {
			table := lists.table(server, statusSearch{Query: fmt.Sprint("number ", i), Page: i % 3}, clock{now: now})
			if table.Problem != "" || table.All != 1000 {
				t.Errorf("reader %d: %s, %d statuses", i, table.Problem, table.All)
			}
		})
	}
	readers.Wait()
	if n := fleet.asked.Load(); n != 1 {
		t.Errorf("the server is asked %d times for its list", n)
	}
	lists.table(server, statusSearch{}, clock{now: now.Add(sharedFor)})
	if n := fleet.asked.Load(); n != 2 {
		t.Errorf("later it is asked %d times in all", n)
	}
}

func TestAListIsSortedOnce(t *testing.T) {
	_, server, entries := hundredThousand(time.Now())
	fleet := &oneList{entries: entries}
	lists := &statusLists{fleet: fleet}
	first := lists.look(server.Name, nil)
	if lists.look(server.Name, first) != first {
		t.Error("a list that has not changed is sorted again")
	}
	fleet.entries = append([]catalogue.Entry(nil), entries...)
	if lists.look(server.Name, first) == first {
		t.Error("a new list has the order of the former one")
	}
	for i := 1; i < len(first.order); i++ {
		if a, b := entries[first.order[i-1]], entries[first.order[i]]; a.ChangedAt.Before(b.ChangedAt) {
			t.Fatalf("%s is before %s", a.ID, b.ID)
		}
	}
}

// Before the first list there is nothing that could be too old.
func TestNoListIsNotAnOldList(t *testing.T) {
	now := time.Now()
	lists := &statusLists{fleet: servers{}}
	never := exporter.Server{Snapshot: &probe.Snapshot{}}
	if got := lists.table(never, statusSearch{}, clock{now: now}).Problem; got != "No list has come from the server yet." {
		t.Errorf("before the first list: %q", got)
	}
	if got := freshCount(never.Snapshot, now); got != "no list yet" {
		t.Errorf("before the first list, the fact is %q", got)
	}
	old := exporter.Server{Snapshot: &probe.Snapshot{FreshUntil: now}}
	old.Snapshot.Feeds[probe.StatusMessages].LastFull = now.Add(-time.Hour)
	if got := lists.table(old, statusSearch{}, clock{now: now}).Problem; got == "" || got == "No list has come from the server yet." {
		t.Errorf("with an old list: %q", got)
	}
	if got := freshCount(old.Snapshot, now); got != "withheld: too old to be trusted" {
		t.Errorf("with an old list, the fact is %q", got)
	}
}
