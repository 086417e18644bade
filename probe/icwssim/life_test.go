package icwssim

import (
	"maps"
	"slices"
	"testing"
)

func TestLifeReplaysToTheTruth(t *testing.T) {
	s, c := serve(t, Options{Life: Life{Seed: 7}})
	poller := c.mustSubscribe()
	streamer := c.other().mustSubscribe()
	stream := streamer.stream()
	polled, streamed := replica{}, replica{}
	kinds := map[string]int{}
	for range 60 {
		s.Step(100)
		for _, m := range poller.poll() {
			polled.apply(m)
			kinds["added"] += len(m.Added)
			kinds["changed"] += len(m.Changed)
			kinds["removed"] += len(m.Removed)
		}
		if n := len(polled); n < 12 || n > 48 {
			t.Fatalf("%d statuses, want about 24", n)
		}
	}
	s.Send(`{"__type":"end"}`)
	for m := stream.message(); m.Type != "end"; m = stream.message() {
		streamed.apply(m)
	}
	want := replicaOf(s.Truth())
	if !maps.Equal(polled, want) || !maps.Equal(streamed, want) {
		t.Error("replayed deltas differ from the truth")
	}
	for _, kind := range []string{"added", "changed", "removed"} {
		if kinds[kind] < 500 {
			t.Errorf("%d %s in 6000 edits", kinds[kind], kind)
		}
	}
}

func TestLifeFollowsFromItsSeed(t *testing.T) {
	run := func(seed uint64) []Status {
		s := New(Options{Life: Life{Seed: seed}})
		defer s.Close()
		s.Step(500)
		return s.Truth().Statuses
	}
	if !slices.Equal(run(1), run(1)) {
		t.Error("the same seed lives differently")
	}
	if slices.Equal(run(1), run(2)) {
		t.Error("two seeds live alike")
	}
}

func TestLifeKeepsTheStatusesOfUsers(t *testing.T) {
	s := New(Options{Users: InventUsers(60, 1)})
	defer s.Close()
	for range 200 {
		s.Step(20)
		s.StepShifts(20)
		known := map[string]bool{}
		for _, st := range s.Truth().Statuses {
			known[fold(st.ID)] = true
		}
		for _, u := range s.Users() {
			if !known[fold(u.Status)] {
				t.Fatalf("%s is in %q, which was removed", u.ID, u.Status)
			}
		}
	}
}

func TestLifeOfAnEmptyCatalogue(t *testing.T) {
	s := New(Options{Statuses: []Status{}})
	defer s.Close()
	s.Step(1000)
	if n := len(s.Truth().Statuses); n == 0 || n > 20 {
		t.Errorf("%d statuses", n)
	}
}

func TestCatalogueIsPlausible(t *testing.T) {
	list := Catalogue(500, 3)
	if !slices.Equal(list, Catalogue(500, 3)) || slices.Equal(list, Catalogue(500, 4)) {
		t.Error("the catalogue does not follow from its seed")
	}
	if got := Catalogue(5, 1); len(got) != 5 {
		t.Errorf("%d statuses, want 5", len(got))
	}
	numbers, texts := map[string]bool{}, replica{}
	for _, st := range list {
		if st.ID == "" || st.Text == "" || st.Icon == "" || numbers[st.SystemID] {
			t.Errorf("%+v", st)
		}
		numbers[st.SystemID] = true
		texts[fold(st.ID)] = st
	}
	if len(texts) != 500 {
		t.Errorf("%d distinct ids, want 500", len(texts))
	}
	if st := texts["acdagentnotanswering"]; st.Text != "ACD - Agent Not Answering" || st.IsSelectableStatus {
		t.Errorf("%+v", st)
	}
}
