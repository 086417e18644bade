package roster_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/roster"
)

// person is what the model knows of a user.
type person struct {
	status   string // folded; "": not reported
	loggedIn roster.LoggedIn
	onPhone  bool
	since    int64
	heard    bool // since the server was asked
}

// model is the roster as one would write it without any thought of speed.
type model struct {
	people map[string]person // by folded id: all who are watched
}

func (m *model) watch(ids []string) {
	former := m.people
	m.people = map[string]person{}
	for _, id := range ids {
		m.people[catalogue.Fold(id)] = former[catalogue.Fold(id)]
	}
}

func (m *model) apply(full bool, entries []said) {
	named := map[string]bool{}
	for _, e := range entries {
		id := catalogue.Fold(e.user)
		p, watched := m.people[id]
		if e.user == "" || !watched {
			continue
		}
		p.heard = true
		if full && !named[id] {
			p.loggedIn, p.onPhone, p.since = roster.Unknown, false, 0
		}
		named[id] = true
		if e.status == "" {
			m.people[id] = person{heard: true}
			continue
		}
		if status := catalogue.Fold(e.status); status != p.status {
			p.status, p.since = status, 0
		}
		if e.since != 0 {
			p.since = e.since
		}
		if e.loggedIn != roster.Absent {
			p.loggedIn = roster.LoggedIn(e.loggedIn)
		}
		if e.onPhone != roster.Absent {
			p.onPhone = e.onPhone == roster.True
		}
		m.people[id] = p
	}
}

func (m *model) ask() {
	for id, p := range m.people {
		p.heard = false
		m.people[id] = p
	}
}

func (m *model) unheard() (n int) {
	for _, p := range m.people {
		if p.status != "" && !p.heard {
			n++
		}
	}
	return n
}

func (m *model) dropUnheard() {
	for id, p := range m.people {
		if !p.heard {
			m.people[id] = person{}
		}
	}
}

// counts recounts everything.
func (m *model) counts(statuses map[string]catalogue.Found, w map[string][]string) *roster.Counts {
	groups := map[string]*roster.GroupCount{}
	for _, s := range statuses {
		groups[s.Group] = &roster.GroupCount{Group: s.Group}
	}
	counts := &roster.Counts{Watched: len(m.people)}
	perStatus := map[string]int{}
	said := 0
	groupOf := func(p person) string {
		if s, known := statuses[p.status]; known {
			return s.Group
		}
		return roster.UnknownGroup
	}
	for _, p := range m.people {
		if p.status == "" {
			continue
		}
		counts.Reported++
		g := groups[groupOf(p)]
		if g == nil {
			g = &roster.GroupCount{Group: groupOf(p)}
			groups[g.Group] = g
		}
		g.Users[p.loggedIn]++
		if p.loggedIn != roster.Unknown {
			said++
		}
		if p.loggedIn != roster.Yes {
			continue
		}
		if p.onPhone {
			g.OnPhone++
		}
		if at := time.Unix(p.since, 0); p.since != 0 && (g.Earliest.IsZero() || at.Before(g.Earliest)) {
			g.Earliest = at
		}
		s, known := statuses[p.status]
		for f := range g.Flagged {
			if known && s.Flags.Has(catalogue.Flag(f)) {
				g.Flagged[f]++
			}
		}
		if known {
			perStatus[s.ID]++
		}
	}
	counts.LoggedInKnown = said > 0 || counts.Reported == 0
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		counts.Groups = append(counts.Groups, *groups[name])
	}
	for _, id := range slices.Sorted(maps.Keys(perStatus)) {
		counts.Statuses = append(counts.Statuses, roster.StatusCount{ID: id, Users: perStatus[id]})
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		for _, g := range counts.Groups {
			n := 0
			for _, id := range w[name] {
				if p := m.people[catalogue.Fold(id)]; p.status != "" && p.loggedIn == roster.Yes && groupOf(p) == g.Group {
					n++
				}
			}
			if n > 0 || g.Group != roster.UnknownGroup {
				counts.Workgroups = append(counts.Workgroups, roster.WorkgroupCount{Workgroup: name, Group: g.Group, Users: n})
			}
		}
	}
	slices.SortFunc(counts.Workgroups, func(a, b roster.WorkgroupCount) int {
		return cmp.Or(cmp.Compare(a.Workgroup, b.Workgroup), cmp.Compare(a.Group, b.Group))
	})
	return counts
}

// said is what a message says of one user.
type said struct {
	user, status      string
	loggedIn, onPhone roster.Said
	since             int64
}

func stage(r *roster.Roster, entries []said) {
	s := r.Stage()
	s.Begin()
	for _, e := range entries {
		user, status := []byte(e.user), []byte(e.status)
		s.Add(roster.Entry{UserID: user, StatusID: status, LoggedIn: e.loggedIn, OnPhone: e.onPhone, StatusChanged: e.since})
		for i := range user { // they are only lent
			user[i] = '?'
		}
		for i := range status {
			status[i] = '?'
		}
	}
}

var (
	someUsers    = []string{"ann", "bo", "Cleo", "dan", "EVE", "finn"}
	someStatuses = []string{"Available", "available", "At Lunch", "Gone Home", "Follow Up", "nowhere", ""}
	someGroups   = []string{"Work", "Break", "(none)"}
)

func drawEntries(t *rapid.T) []said {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) said {
		return said{
			user:     rapid.SampledFrom([]string{"ann", "ANN", "bo", "cleo", "Dan", "eve", "Finn", "stranger", ""}).Draw(t, "user"),
			status:   rapid.SampledFrom(someStatuses).Draw(t, "status"),
			loggedIn: roster.Said(rapid.IntRange(0, 2).Draw(t, "logged in")),
			onPhone:  roster.Said(rapid.IntRange(0, 2).Draw(t, "on phone")),
			since:    rapid.Int64Range(0, 5).Draw(t, "since"),
		}
	}), 0, 8).Draw(t, "entries")
}

// Whatever comes in whatever order, of the users or of the catalogue, the counts are
// those of a recount.
func TestCountsAreThoseOfARecount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, r, m := catalogue.New(catalogue.Limits{Groups: 2}), roster.New(), &model{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0:
				ids := rapid.SliceOfDistinct(rapid.SampledFrom(someUsers), rapid.ID).Draw(t, "ids")
				r.Watch(append(ids, strings.ToUpper(strings.Join(ids, "")))[:len(ids)])
				m.watch(ids)
			case 1, 2:
				entries, full := drawEntries(t), rapid.Bool().Draw(t, "full")
				stage(r, entries)
				if full {
					r.CommitFull()
				} else {
					r.CommitDelta()
				}
				m.apply(full, entries)
			case 3:
				stage(r, drawEntries(t)) // and it is never whole
				r.Stage().Begin()
			case 4:
				r.Ask()
				m.ask()
			case 5:
				if got, want := r.DropUnheard(), m.unheard(); got != want {
					t.Fatalf("%d dropped, want %d", got, want)
				}
				m.dropUnheard()
			default:
				changeCatalogue(t, c)
			}
			checkCounts(t, c, r, m)
		}
	})
}

func changeCatalogue(t *rapid.T, c *catalogue.Catalogue) {
	s := c.Stage()
	s.Begin()
	for _, id := range rapid.SliceOf(rapid.SampledFrom(someStatuses[:5])).Draw(t, "statuses") {
		s.Add(catalogue.Status{
			ID: []byte(id), Group: []byte(rapid.SampledFrom(someGroups).Draw(t, "group")),
			Flags: catalogue.Flags(rapid.IntRange(0, 511).Draw(t, "flags")),
		})
	}
	if rapid.Bool().Draw(t, "full") {
		c.CommitFull(time.Time{})
	} else {
		c.CommitDelta(time.Time{})
	}
}

type failer interface{ Fatalf(string, ...any) }

func checkCounts(t failer, c *catalogue.Catalogue, r *roster.Roster, m *model) {
	statuses := map[string]catalogue.Found{}
	for _, e := range c.Entries() {
		statuses[catalogue.Fold(e.ID)], _ = c.Find(catalogue.Fold(e.ID))
	}
	members := map[string][]string{"all": nil}
	workgroup := roster.Workgroup{Name: "all"}
	for _, id := range someUsers {
		if place, watched := r.Place(id); watched {
			workgroup.Members = append(workgroup.Members, place)
			members["all"] = append(members["all"], id)
		}
	}
	got := r.Join(c, roster.Wanted{PerStatus: true, Workgroups: []roster.Workgroup{workgroup}})
	want := m.counts(statuses, members)
	// A group at zero may still have its place in the catalogue.
	for _, g := range c.Groups() {
		if !slices.ContainsFunc(want.Groups, func(w roster.GroupCount) bool { return w.Group == g.Group }) {
			want.Groups = append(want.Groups, roster.GroupCount{Group: g.Group})
			want.Workgroups = append(want.Workgroups, roster.WorkgroupCount{Workgroup: "all", Group: g.Group})
		}
	}
	byGroup := func(a, b roster.GroupCount) int { return cmp.Compare(a.Group, b.Group) }
	slices.SortFunc(want.Groups, byGroup)
	byWorkgroup := func(a, b roster.WorkgroupCount) int { return cmp.Compare(a.Group, b.Group) }
	slices.SortFunc(want.Workgroups, byWorkgroup)
	slices.SortFunc(got.Workgroups, byWorkgroup)
	if d := gocmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("counts (-recount +got):\n%s", d)
	}
	if got, want := len(r.Unheard()), m.unheard(); got != want {
		t.Fatalf("%d were not heard of, want %d", got, want)
	}
	if got.Reported != r.Reported() || got.Watched != r.Watched() {
		t.Fatalf("%d of %d, counted %d of %d", r.Reported(), r.Watched(), got.Reported, got.Watched)
	}
}

// script reads messages out of fuzzed bytes; past its end it reads zeros.
type script []byte

func (s *script) next() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *script) text() string {
	n := min(int(s.next()%6), len(*s))
	text := string((*s)[:n])
	*s = (*s)[n:]
	return text
}

// FuzzRoster runs a byte script of messages and lists on a roster and on the model.
func FuzzRoster(f *testing.F) {
	f.Add([]byte("\x00\x03ann\x02bo\x00\x01\x03ann\x03lun\x02\x01\x05\x03"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data[:min(len(data), 1<<10)])
		c, r, m := catalogue.New(catalogue.Limits{}), roster.New(), &model{}
		var entries []said
		for len(s) > 0 {
			switch s.next() % 6 {
			case 0:
				var ids []string
				for id := s.text(); id != ""; id = s.text() {
					ids = append(ids, id)
				}
				kept := r.Watch(ids)
				m.watch(kept)
				if len(kept) != r.Watched() || len(kept) != len(m.people) {
					t.Fatalf("%d kept, %d watched, %d in the model", len(kept), r.Watched(), len(m.people))
				}
				entries = nil
			case 1, 2:
				entries = append(entries, said{
					user: s.text(), status: s.text(), loggedIn: roster.Said(s.next() % 3), onPhone: roster.Said(s.next() % 3), since: int64(s.next()),
				})
				continue
			case 3:
				stage(r, entries)
				r.CommitFull()
				m.apply(true, entries)
				entries = nil
			case 4:
				stage(r, entries)
				r.CommitDelta()
				m.apply(false, entries)
				entries = nil
			case 5:
				r.DropUnheard()
				m.dropUnheard()
				r.Ask()
				m.ask()
			}
			checkCounts(t, c, r, m)
		}
	})
}

// A server may name ever new statuses: what nobody is in is forgotten.
func TestStatusesDoNotPileUp(t *testing.T) {
	r := roster.New()
	r.Watch([]string{"ann"})
	before := ""
	for i := range 10_000 {
		before = fmt.Sprint("status ", i)
		stage(r, []said{{user: "ann", status: before, loggedIn: roster.True}})
		if got := r.CommitDelta(); i > 0 && (len(got.Moved) != 1 || got.Moved[0] != (roster.Move{Status: before, Users: 1})) {
			if got.Moved[0].Status != before || got.Moved[0].Users != 1 {
				t.Fatalf("moved %v", got.Moved)
			}
		}
	}
	if kept := r.KeptStatuses(); kept > 70 {
		t.Errorf("%d statuses are kept for one user", kept)
	}
}

func TestResultSaysWhatWasOdd(t *testing.T) {
	r := roster.New()
	r.Watch([]string{"ann", "bo", "ANN"})
	if r.Watched() != 2 {
		t.Fatalf("%d watched", r.Watched())
	}
	stage(r, []said{{user: "ann", status: "a"}, {user: "bo", status: "b"}, {user: "who", status: "a"}, {status: "a"}})
	if got := r.CommitFull(); got.Changed != 2 || got.Strangers != 1 || got.MissingID != 1 || len(got.Moved) != 0 {
		t.Errorf("first: %+v", got)
	}
	r.Ask()
	stage(r, []said{{user: "Ann", status: "A"}, {user: "ann", status: "b"}})
	if got := r.CommitDelta(); got.Changed != 1 || len(got.Moved) != 1 || got.Moved[0].Status != "b" || got.Moved[0].Users != 1 {
		t.Errorf("moved: %+v", got)
	}
	if bo, _ := r.Place("bo"); r.Heard() != 1 || !slices.Equal(r.Unheard(), []int32{bo}) {
		t.Errorf("%d heard of, not of %d, want bo", r.Heard(), r.Unheard())
	}
	if !r.Drop("BO") || r.Drop("bo") || r.Reported() != 1 {
		t.Errorf("dropped: %d reported", r.Reported())
	}
	r.Ask()
	if n := r.DropUnheard(); n != 1 || r.Reported() != 0 || r.Watched() != 2 {
		t.Errorf("%d dropped: %d of %d", n, r.Reported(), r.Watched())
	}
}
