package collect

import (
	"maps"
	"slices"
	"sync"

	"icws_exporter/probe"
	"icws_exporter/probe/roster"
)

// usersKey is the key of the configuration without which no users are counted.
const usersKey = "users:"

var (
	labelLoggedIn  = Label{Name: "logged_in", Values: valuesOf[roster.LoggedIn](roster.NumLoggedIn)}
	labelUserGroup = Label{Name: "group", Grows: PerUserGroup}
)

// notACD is said where somebody could take a status for more than it is.
const notACD = "A status is not ACD availability: nothing here says that a user is available for a call."

// Users, counted; never one of them.
var (
	MetricUsers = define(Family{
		Name:   "icws_users",
		Help:   "Users by the group of their status and by whether they are logged in; a status outlives the log-on, so never add the values of logged_in. (unknown) has statuses that the catalogue does not have. No series while stale. " + notACD,
		Labels: []Label{labelLoggedIn, labelUserGroup},
		OptIn:  usersKey,
		server: eachUserGroup(func(out *samples, c *roster.Counts, g *roster.GroupCount) {
			for v, n := range g.Users {
				if isUnknown := roster.LoggedIn(v) == roster.Unknown; isUnknown && n > 0 || isUnknown != c.LoggedInKnown {
					out.add(v, float64(n), g.Group)
				}
			}
		}),
	})
	MetricUsersFlagged = define(Family{
		Name:   "icws_users_flagged",
		Help:   "Users who are logged in and in a status that has the flag set; by group too with --metrics.detail=full. No series while stale, or when the server does not say who is logged in. " + notACD,
		Labels: []Label{labelFlag, {Name: "group", GrowsFull: PerUserGroup}},
		OptIn:  usersKey,
		server: whenLoggedInKnown(func(r *reading, out *samples, c *roster.Counts) {
			var sum roster.GroupCount
			for i := range c.Groups {
				g := &c.Groups[i]
				for flag, n := range g.Flagged {
					sum.Flagged[flag] += n
					if r.full {
						out.add(flag, float64(n), g.Group)
					}
				}
			}
			for flag, n := range sum.Flagged {
				if !r.full {
					out.add(flag, float64(n), "")
				}
			}
		}),
	})
	MetricUsersOnPhone = define(Family{
		Name:   "icws_users_on_phone",
		Help:   "Users who are logged in and on the phone, by the group of their status; no series while stale, or when the server does not say who is logged in.",
		Labels: []Label{labelUserGroup},
		OptIn:  usersKey,
		server: whenLoggedInKnown(func(_ *reading, out *samples, c *roster.Counts) {
			for i := range c.Groups {
				out.add(0, float64(c.Groups[i].OnPhone), c.Groups[i].Group)
			}
		}),
	})
	MetricUsersEarliest = define(Family{
		Name:   "icws_users_earliest_status_change_timestamp_seconds",
		Help:   "Unix time in seconds since which the user is in their status who is in it longest, of those who are logged in, by group; no series for a group without one, or while stale.",
		Labels: []Label{labelUserGroup},
		OptIn:  usersKey,
		server: whenLoggedInKnown(func(_ *reading, out *samples, c *roster.Counts) {
			for i := range c.Groups {
				if at := c.Groups[i].Earliest; !at.IsZero() {
					out.add(0, seconds(at), c.Groups[i].Group)
				}
			}
		}),
	})
	MetricUserStatusChanges = define(Family{
		Name:   "icws_user_status_changes_total",
		Type:   Counter,
		Help:   "Changes of the status of watched users, by the group of the status that they came into.",
		Labels: []Label{labelUserGroup},
		OptIn:  usersKey,
		server: func(r *reading, out *samples) {
			if u := r.snapshot.Users; u != nil {
				r.userMoves.emit(u.Counts, out)
			}
		},
	})
	MetricUsersWatched = define(Family{
		Name:   "icws_users_watched",
		Help:   "Users whom the exporter watches, after the limit users.max_users.",
		OptIn:  usersKey,
		server: ofUsers(func(u *probe.UsersReport) float64 { return float64(u.Watched) }),
	})
	MetricUsersReported = define(Family{
		Name:   "icws_users_reported",
		Help:   "Watched users of whom the server says what they do: fewer than icws_users_watched when the exporter lacks rights, or when users do not exist any more.",
		OptIn:  usersKey,
		server: ofUsers(func(u *probe.UsersReport) float64 { return float64(u.Reported) }),
	})
	MetricUsersStale = define(Family{
		Name:  "icws_users_stale",
		Help:  "1 when the counts of users were never verified or not for too long, so that they are withheld; else 0.",
		OptIn: usersKey,
		server: func(r *reading, out *samples) {
			if u := r.snapshot.Users; u != nil {
				out.add(0, number(!u.Fresh(r.now)))
			}
		},
	})
	MetricUsersInStatus = define(Family{
		Name:      "icws_users_in_status",
		Help:      "Users who are logged in and in the status; only with users.per_status. At most limits.statuses per server; no series while stale. " + notACD,
		Labels:    []Label{{Name: "status_id", Grows: PerStatus}},
		Stability: Experimental,
		OptIn:     usersKey,
		server: whenLoggedInKnown(func(r *reading, out *samples, c *roster.Counts) {
			for i, s := range c.Statuses {
				if i < r.maxStatuses {
					out.add(0, float64(s.Users), s.ID)
				}
			}
		}),
	})
	MetricWorkgroupUsers = define(Family{
		Name:      "icws_workgroup_users",
		Help:      "Members of a workgroup who are logged in, by the group of their status; only with users.by_workgroup. (small) has the members of all workgroups with fewer than users.min_cohort, and is absent while these are fewer together too; no series while stale.",
		Labels:    []Label{{Name: "workgroup", Grows: PerWorkgroup}, {Name: "group"}},
		Stability: Experimental,
		OptIn:     usersKey,
		server: whenLoggedInKnown(func(_ *reading, out *samples, c *roster.Counts) {
			for _, w := range c.Workgroups {
				out.add(0, float64(w.Users), w.Workgroup, w.Group)
			}
		}),
	})
)

// ofUsers has one sample where users are counted.
func ofUsers(get func(*probe.UsersReport) float64) emit {
	return func(r *reading, out *samples) {
		if u := r.snapshot.Users; u != nil {
			out.add(0, get(u))
		}
	}
}

// whenUsersFresh withholds counts that may be wrong.
func whenUsersFresh(next func(*reading, *samples, *roster.Counts)) emit {
	return func(r *reading, out *samples) {
		if u := r.snapshot.Users; u != nil && u.Fresh(r.now) {
			next(r, out, u.Counts)
		}
	}
}

// whenLoggedInKnown withholds what is about users who are logged in where the server
// does not say who is: 0 would be wrong.
func whenLoggedInKnown(next func(*reading, *samples, *roster.Counts)) emit {
	return whenUsersFresh(func(r *reading, out *samples, c *roster.Counts) {
		if c.LoggedInKnown {
			next(r, out, c)
		}
	})
}

func eachUserGroup(show func(*samples, *roster.Counts, *roster.GroupCount)) emit {
	return whenUsersFresh(func(_ *reading, out *samples, c *roster.Counts) {
		for i := range c.Groups {
			show(out, c, &c.Groups[i])
		}
	})
}

// maxMoveGroups is of how many groups changes are counted: as many as the largest
// limits.groups allows would be, and the rest is one more.
const maxMoveGroups = 10_000

// userMoves counts changes of the status of users, by group.
type userMoves struct {
	mu      sync.Mutex
	byGroup map[string]uint64 // nil before the first
}

func (m *userMoves) count(group string, n int) {
	if n <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byGroup == nil {
		m.byGroup = map[string]uint64{}
	}
	if _, known := m.byGroup[group]; !known && len(m.byGroup) >= maxMoveGroups {
		group = roster.UnknownGroup
	}
	m.byGroup[group] += uint64(n)
}

// emit has a sample for each group that has had a change or may have one: a rate over
// a series that begins with its first event misses that.
func (m *userMoves) emit(c *roster.Counts, out *samples) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := slices.Collect(maps.Keys(m.byGroup))
	if c != nil {
		for i := range c.Groups {
			if _, there := m.byGroup[c.Groups[i].Group]; !there {
				names = append(names, c.Groups[i].Group)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		out.add(0, float64(m.byGroup[name]), name)
	}
}

// UsersMoved counts users who came into a status of the group.
func (m *ServerMetrics) UsersMoved(group string, n int) { m.userMoves.count(group, n) }
