package roster

import (
	"iter"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/catalogue"
)

// Counts are how many users are where, at one moment. They are immutable.
type Counts struct {
	// Watched is of how many users the server was asked, Reported of how many of them
	// it has said what they do.
	Watched, Reported int
	// LoggedInKnown is false when the server says of nobody whether they are logged in.
	LoggedInKnown bool
	// Groups are sorted by name. All that the catalogue exports are there.
	Groups []GroupCount
	// Statuses and Workgroups are empty unless asked for.
	Statuses   []StatusCount
	Workgroups []WorkgroupCount
}

// GroupCount is how many users are in the statuses of a group. All but Users is about
// those who are logged in.
type GroupCount struct {
	// Group is a label value of the catalogue, or UnknownGroup.
	Group   string
	Users   [NumLoggedIn]int
	OnPhone int
	// Earliest is when the one came into their status who is in it longest; zero when
	// there is none, or the server does not say.
	Earliest time.Time
	// Flagged counts those in statuses that have the flag set.
	Flagged [catalogue.NumFlags]int
}

// StatusCount is how many users are logged in and in one status.
type StatusCount struct {
	ID    string // as the catalogue spells it
	Users int
}

// WorkgroupCount is how many members of a workgroup are logged in and in the statuses
// of a group.
type WorkgroupCount struct {
	Workgroup, Group string
	Users            int
}

const (
	// UnknownGroup has the users in statuses that the catalogue does not have.
	UnknownGroup = "(unknown)"
	// SmallWorkgroups has the members of the workgroups that are too small to be shown.
	SmallWorkgroups = "(small)"
)

// Statuses is the catalogue, as far as users are counted by it.
type Statuses interface {
	// Groups are all groups, sorted by name.
	Groups() []catalogue.GroupCount
	// Find returns what is known of the status with a folded id.
	Find(folded string) (catalogue.Found, bool)
}

// Workgroup is a workgroup whose members are counted.
type Workgroup struct {
	Name    string
	Members []int32 // places, see Roster.Place
}

// Wanted says what Join counts besides groups.
type Wanted struct {
	PerStatus  bool
	Workgroups []Workgroup
}

// Join counts the users by what the catalogue says of their statuses. It costs
// O(statuses), and O(members) for workgroups.
func (r *Roster) Join(c Statuses, w Wanted) *Counts {
	counts := &Counts{Watched: len(r.users), Reported: r.reported}
	known := c.Groups()
	counts.Groups = make([]GroupCount, len(known), len(known)+1)
	for i := range known {
		counts.Groups[i].Group = known[i].Group
	}
	groupOf := make([]int32, len(r.statuses))
	said := 0
	for i, s := range r.counted() {
		found, isKnown := c.Find(s.id)
		if !isKnown {
			found.Group = UnknownGroup
		}
		g := counts.group(found.Group)
		groupOf[i] = int32(g)
		counts.Groups[g].add(s, found.Flags)
		said += s.users[Yes] + s.users[No]
		if n := s.users[Yes]; w.PerStatus && isKnown && n > 0 {
			counts.Statuses = append(counts.Statuses, StatusCount{ID: found.ID, Users: n})
		}
	}
	counts.LoggedInKnown = said > 0 || r.reported == 0
	for _, workgroup := range w.Workgroups {
		counts.Workgroups = append(counts.Workgroups, r.membersByGroup(workgroup, groupOf, counts.Groups)...)
	}
	slices.SortFunc(counts.Groups, func(a, b GroupCount) int { return strings.Compare(a.Group, b.Group) })
	slices.SortFunc(counts.Statuses, func(a, b StatusCount) int { return strings.Compare(a.ID, b.ID) })
	return counts
}

// group returns the place of a group, which is added when it is not there. Only the
// last may be: UnknownGroup.
func (c *Counts) group(name string) int {
	for i := range c.Groups {
		if c.Groups[i].Group == name {
			return i
		}
	}
	c.Groups = append(c.Groups, GroupCount{Group: name})
	return len(c.Groups) - 1
}

func (g *GroupCount) add(s *status, flags catalogue.Flags) {
	for v, n := range s.users {
		g.Users[v] += n
	}
	g.OnPhone += s.onPhone
	if s.earliest != noTime {
		if at := time.Unix(s.earliest, 0); g.Earliest.IsZero() || at.Before(g.Earliest) {
			g.Earliest = at
		}
	}
	for f := range g.Flagged {
		if flags.Has(catalogue.Flag(f)) {
			g.Flagged[f] += s.users[Yes]
		}
	}
}

// counted ranges over the statuses that users are in, with their earliest set right.
func (r *Roster) counted() iter.Seq2[int, *status] {
	r.findEarliest()
	return func(yield func(int, *status) bool) {
		for i := range r.statuses {
			if s := &r.statuses[i]; s.users != [NumLoggedIn]int{} && !yield(i, s) {
				return
			}
		}
	}
}

// findEarliest looks again for the earliest user of each status whose earliest one has
// left it.
func (r *Roster) findEarliest() {
	isStale := false
	for i := range r.statuses {
		if s := &r.statuses[i]; s.earliestStale {
			isStale = true
			s.earliest = noTime
		}
	}
	if !isStale {
		return
	}
	for i := range r.users {
		u := &r.users[i]
		if u.status == nobody || u.loggedIn != Yes || u.since == 0 {
			continue
		}
		if s := &r.statuses[u.status]; s.earliestStale {
			s.earliest = min(s.earliest, u.since)
		}
	}
	for i := range r.statuses {
		r.statuses[i].earliestStale = false
	}
}

// membersByGroup counts the members of a workgroup who are logged in, by group.
func (r *Roster) membersByGroup(w Workgroup, groupOf []int32, groups []GroupCount) []WorkgroupCount {
	counts := make([]WorkgroupCount, len(groups))
	for i := range groups {
		counts[i] = WorkgroupCount{Workgroup: w.Name, Group: groups[i].Group}
	}
	for _, place := range w.Members {
		if u := &r.users[place]; u.status != nobody && u.loggedIn == Yes {
			counts[groupOf[u.status]].Users++
		}
	}
	return slices.DeleteFunc(counts, func(c WorkgroupCount) bool { return c.Users == 0 && c.Group == UnknownGroup })
}
