package catalogue

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func stageOne(c *Catalogue, id, text, group string) {
	c.Stage().Add(Status{ID: []byte(id), Text: []byte(text), Group: []byte(group)})
}

func TestACatalogueHasABound(t *testing.T) {
	for name, test := range map[string]struct {
		limits Limits
		add    func(c *Catalogue, n int)
	}{
		"entries": {Limits{Entries: 100}, func(c *Catalogue, n int) { stageOne(c, fmt.Sprint("id ", n), "", "") }},
		"bytes":   {Limits{Bytes: 10_000}, func(c *Catalogue, n int) { stageOne(c, fmt.Sprint(n), strings.Repeat("x", 200), "") }},
		"changes": {Limits{Bytes: 10_000}, func(c *Catalogue, n int) { stageOne(c, "same", strings.Repeat("x", 200*n), "") }},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(test.limits)
			n := 0
			for ; n < 1000; n++ {
				c.Stage().Begin()
				test.add(c, n)
				if c.CommitDelta(time.Time{}).TooLarge {
					break
				}
			}
			if n < 40 || n > 101 {
				t.Fatalf("too large after %d deltas", n)
			}
			c.Forget()
			if c.Len() != 0 || c.Hash() != 0 || len(c.Groups()) != 0 || c.DistinctGroups() != 0 || c.bytes != 0 {
				t.Errorf("forgotten, and still %d entries, hash %x, %v", c.Len(), c.Hash(), c.Groups())
			}
			c.Stage().Begin()
			stageOne(c, "id", "text", "group")
			if r := c.CommitFull(time.Time{}); r.TooLarge || r.Total() != 1 || c.Len() != 1 {
				t.Errorf("a catalogue that was forgotten takes nothing: %+v", r)
			}
		})
	}
}

// One message must not make the stage grow either, whatever it is about.
func TestAMessageHasABound(t *testing.T) {
	for name, add := range map[string]func(s *Stage, id []byte){
		"added":   func(s *Stage, id []byte) { s.Add(Status{ID: id}) },
		"removed": (*Stage).Remove,
	} {
		t.Run(name, func(t *testing.T) {
			c := New(Limits{Entries: 100})
			c.Stage().Begin()
			for n := range 10_000 {
				add(c.Stage(), fmt.Append(nil, n))
			}
			if n := len(c.stage.named); n > 100 {
				t.Errorf("%d ids are staged", n)
			}
			if r := c.CommitFull(time.Time{}); !r.TooLarge || r.Total() != 0 || c.Len() != 0 {
				t.Errorf("got %+v and %d entries", r, c.Len())
			}
			c.Stage().Begin()
			add(c.Stage(), []byte("1"))
			if r := c.CommitFull(time.Time{}); r.TooLarge {
				t.Error("the message after it is too large as well")
			}
		})
	}
}

// The counters follow: what is replaced and removed is not counted any more.
func TestBytesAreThoseOfWhatIsHeld(t *testing.T) {
	c := New(Limits{})
	held := func() (n int) {
		for _, e := range c.entries {
			n += len(e.key) + len(e.id) + len(e.text)
		}
		return n
	}
	for round := range 50 {
		c.Stage().Begin()
		for n := range 20 {
			id := fmt.Sprint("id ", (round*7+n)%60)
			if n%5 == 4 {
				c.Stage().Remove([]byte(id))
			} else {
				stageOne(c, id, strings.Repeat("x", round*n), fmt.Sprint(n%3))
			}
		}
		if round%10 == 9 {
			c.CommitFull(time.Time{})
		} else {
			c.CommitDelta(time.Time{})
		}
		if c.bytes != held() {
			t.Fatalf("round %d: %d bytes are counted, %d held", round, c.bytes, held())
		}
	}
}

// BenchmarkNewGroups has ten thousand groups ask for a thousand places, half
// of which come free with every message.
func BenchmarkNewGroups(b *testing.B) {
	for _, limit := range []int{64, 1000} {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := New(Limits{Groups: limit})
				for round := range 2 {
					c.Stage().Begin()
					for n := range 10_000 {
						stageOne(c, fmt.Sprint(n), "", fmt.Sprint(round*5000+n))
					}
					c.CommitFull(time.Time{})
				}
				if got := c.DistinctGroups(); got != 10_000 || c.FoldedGroups() > 10_000-limit {
					b.Fatal(got, c.FoldedGroups())
				}
			}
		})
	}
}
