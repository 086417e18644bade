package icwssim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// User is one user and what is going on with them. The name is invented.
type User struct {
	ID, Name   string
	Workgroups []string
	NoRight    bool // the session's user has no right on the user

	Status            string // a statusId, in any case
	LoggedIn, OnPhone bool
	StatusChanged     time.Time
	OnPhoneChanged    time.Time
	// Sent for clients that must drop them.
	Station, Notes, ForwardedNumber string
}

// Shifts are what users do all day: log on, wait, take calls, work after them, have
// breaks, log off. It follows from Seed alone.
type Shifts struct {
	// Interval is the mean time between two changes of anybody; 0: nothing happens.
	Interval time.Duration
	Seed     uint64
}

// Licence is one kind of licence and its use.
type Licence struct {
	ID             string
	Allowed, InUse int
}

// InventUsers returns n users that follow from seed, in some workgroups; two of
// three are logged on.
func InventUsers(n int, seed uint64) []User {
	r := rand.New(rand.NewPCG(seed, 2))
	first := []string{"ann", "bo", "cleo", "dan", "eve", "finn", "gül", "hal", "ida", "jo"}
	last := []string{"able", "baker", "chung", "diaz", "egger", "fox", "grau", "holm", "ito", "jones"}
	list := make([]User, n)
	for i := range list {
		f, l := first[r.IntN(len(first))], last[r.IntN(len(last))]
		u := &list[i]
		u.ID, u.Name = fmt.Sprintf("%s.%s%d", f, l, i+1), strings.ToUpper(l[:1])+l[1:]+", "+strings.ToUpper(f[:1])+f[1:]
		u.Workgroups = []string{places[1+r.IntN(4)]}
		u.Status, u.LoggedIn = "Available", r.IntN(3) > 0
		if !u.LoggedIn {
			u.Status = []string{"Gone Home", "available", "On Vacation"}[r.IntN(3)]
		}
		u.Station, u.Notes = fmt.Sprintf("ws-%d", i+1), "private note "+u.ID
		u.ForwardedNumber = fmt.Sprintf("+1555%07d", r.IntN(1e7))
	}
	return list
}

// people are the users of a server. They belong to the holder of Server.mu.
type people struct {
	list   []*User
	byID   map[string]*User // folded
	random *rand.Rand
}

func newPeople(users []User, seed uint64) *people {
	p := &people{byID: map[string]*User{}, random: rand.New(rand.NewPCG(seed, 3))}
	for _, u := range users {
		p.put(u, time.Now())
	}
	return p
}

func (p *people) put(u User, now time.Time) {
	u.Workgroups = slices.Clone(u.Workgroups)
	u.StatusChanged, u.OnPhoneChanged = cmp.Or(u.StatusChanged, now), cmp.Or(u.OnPhoneChanged, now)
	if known := p.byID[fold(u.ID)]; known != nil {
		*known = u
		return
	}
	p.byID[fold(u.ID)] = &u
	p.list = append(p.list, &u)
}

// anyIn says whether a user is in the status, logged in or not.
func (p *people) anyIn(status string) bool {
	return slices.ContainsFunc(p.list, func(u *User) bool { return fold(u.Status) == fold(status) })
}

// Users returns the users, with and without rights on them.
func (s *Server) Users() []User {
	return told(s, func() []User {
		list := make([]User, len(s.people.list))
		for i, u := range s.people.list {
			list[i] = *u
			list[i].Workgroups = slices.Clone(u.Workgroups)
		}
		return list
	})
}

// PutUser adds a user, or changes the one of the same id, and tells who watches.
func (s *Server) PutUser(u User) {
	s.locked(func() {
		known := s.people.byID[fold(u.ID)]
		if known == nil {
			s.people.put(u, time.Now())
			s.configurationChanged("added", u.ID)
			return
		}
		before := *known
		s.people.put(u, time.Now())
		s.sendUserDelta(before, known)
	})
}

// RemoveUser removes a user. Who watches them is told as UserQuirks.UserDeleted says.
func (s *Server) RemoveUser(id string) {
	s.locked(func() {
		u := s.people.byID[fold(id)]
		if u == nil {
			return
		}
		delete(s.people.byID, fold(id))
		s.people.list = slices.DeleteFunc(s.people.list, func(o *User) bool { return o == u })
		for _, x := range s.watchers(u.ID) {
			switch s.quirks.UserDeleted {
			case "empty-status":
				s.enqueue(x, SwallowDeltas, s.userMessage(true, []object{{{"userId", u.ID}, {"statusId", ""}}}))
			case "state":
				s.announceState(x, SubscriptionFaulted)
			}
		}
		s.configurationChanged("removed", u.ID)
	})
}

// StepShifts makes n changes of users now.
func (s *Server) StepShifts(n int) {
	for range n {
		s.locked(s.stepShift)
	}
}

func (s *Server) stepShift() {
	p := s.people
	if len(p.list) == 0 {
		return
	}
	u := p.list[p.random.IntN(len(p.list))]
	before := *u
	status := u.Status
	switch chance := p.random.IntN(10); {
	case !u.LoggedIn:
		u.LoggedIn, status = true, "Available"
	case u.OnPhone:
		u.OnPhone, status = false, "Follow Up"
	case fold(u.Status) != "available":
		status = "Available"
	case chance < 6:
		u.OnPhone = true
	case chance < 9:
		status = []string{"At Lunch", "On Break", "Team Meeting", "at lunch"}[p.random.IntN(4)]
	default:
		u.LoggedIn, status = false, "Gone Home"
	}
	if _, known := s.catalogue.place[fold(status)]; known {
		u.Status = status
	}
	now := time.Now()
	if u.Status != before.Status {
		u.StatusChanged = now
	}
	if u.OnPhone != before.OnPhone {
		u.OnPhoneChanged = now
	}
	s.sendUserDelta(before, u)
}

// visible are the users on whom the session's user has a right, or all.
func (s *Server) visible() []*User {
	return slices.DeleteFunc(slices.Clone(s.people.list), func(u *User) bool { return u.NoRight })
}

// userStatus answers GET status/user-statuses/{id}.
func (s *Server) userStatus(c *call) answer {
	u := s.people.byID[fold(c.id)]
	switch {
	case u == nil:
		return refusal(http.StatusNotFound, "There is no such user.")
	case u.NoRight && s.quirks.NoUserRight != "include":
		return refusal(http.StatusForbidden, "The user may not be viewed.")
	}
	return ok(s.userEntry(u))
}

func (s *Server) userEntry(u *User) object {
	o := object{{"userId", u.ID}, {"statusId", u.Status}, {"statusChanged", compact(u.StatusChanged)}}
	if u.LoggedIn {
		o = append(o, property{"icServers", []string{s.opts.Name}}, property{"stations", []string{u.Station}})
	} else {
		o = append(o, property{"icServers", []string{}}, property{"stations", []string{}})
	}
	if u.Notes != "" {
		o = append(o, property{"notes", u.Notes}, property{"forwardNumber", u.ForwardedNumber})
	}
	if !s.quirks.LoggedInAbsent {
		o = append(o, property{"loggedIn", u.LoggedIn})
	}
	return append(o, property{"onPhone", u.OnPhone}, property{"onPhoneChanged", compact(u.OnPhoneChanged)})
}

func compact(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
