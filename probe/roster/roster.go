// Package roster keeps a copy of what the watched users of one server do: it
// stages the entries of a message while they are decoded, commits them when the
// message is whole, and keeps counts per status as it goes. It holds nobody but the
// users whom it is told to watch.
//
// It does no I/O and reads no clock. A Roster belongs to one goroutine.
package roster

import (
	"math"

	"icws_exporter/probe/catalogue"
)

// LoggedIn says whether a user is logged in. A status outlives the log-on, so that it
// means nothing without.
type LoggedIn uint8

// The values of LoggedIn.
const (
	Unknown LoggedIn = iota // the server does not say
	No
	Yes
)

var loggedInNames = [...]string{Unknown: "unknown", No: "no", Yes: "yes"}

// NumLoggedIn is how many values there are.
const NumLoggedIn = len(loggedInNames)

// String returns the label value of v.
func (v LoggedIn) String() string { return loggedInNames[v] }

// Said is a boolean of an entry, which a change may leave out.
type Said uint8

// The values of Said, in the order of LoggedIn.
const (
	Absent Said = iota // unchanged in a change, unknown else
	False
	True
)

// Entry is what a message says of one user. Its slices are valid only during the call
// that receives it.
type Entry struct {
	UserID, StatusID  []byte
	LoggedIn, OnPhone Said
	// StatusChanged is a Unix time in seconds; 0: not said.
	StatusChanged int64
}

// Roster is the live copy. Messages enter through its Stage.
type Roster struct {
	index    map[string]int32 // folded id to the place in users
	users    []user
	statuses []status
	byStatus map[string]int32
	reported int
	moved    []Move // reused from commit to commit
	stage    Stage
}

// user is all that is known of one user. It is small: there are thousands.
type user struct {
	since    int64 // Unix seconds; 0: not known
	status   int32 // place in Roster.statuses; nobody: not reported
	loggedIn LoggedIn
	onPhone  bool
	named    bool // by the message that is committed, and while users are replaced: kept
	heard    bool // since Ask
}

// nobody is the status of a user of whom the server says nothing.
const nobody = -1

// status counts the users in one status.
type status struct {
	id      string // folded
	users   [NumLoggedIn]int
	onPhone int // of those who are logged in
	// earliest is the least since of those who are logged in, noTime without one.
	// It is looked for again once it may be wrong.
	earliest      int64
	earliestStale bool
}

const noTime = math.MaxInt64

// New returns a roster that watches nobody.
func New() *Roster {
	r := &Roster{}
	r.stage.roster = r
	r.Watch(nil)
	return r
}

// Watch makes the users called ids those who are watched. What is known of those who
// were watched already stays. It returns the ids without those that fold to one
// before them, in their order.
func (r *Roster) Watch(ids []string) []string {
	former, users := r.index, r.users
	r.index, r.users = make(map[string]int32, len(ids)), make([]user, 0, len(ids))
	kept := make([]string, 0, len(ids))
	for _, id := range ids {
		key := catalogue.Fold(id)
		if _, twice := r.index[key]; twice || key == "" {
			continue
		}
		u := user{status: nobody}
		if i, known := former[key]; known {
			u = users[i]
			users[i].named = true
		}
		u.named = false
		if key == id {
			key = id // one string for both
		}
		r.index[key] = int32(len(r.users))
		r.users = append(r.users, u)
		kept = append(kept, id)
	}
	for i := range users {
		if !users[i].named {
			r.leave(&users[i])
		}
	}
	r.stage.reset()
	return kept
}

// Ask takes note that the server is asked for everybody: nobody has been heard of since.
func (r *Roster) Ask() {
	for i := range r.users {
		r.users[i].heard = false
	}
}

// Heard returns of how many users the server has said something since Ask.
func (r *Roster) Heard() int {
	n := 0
	for i := range r.users {
		n += one(r.users[i].heard)
	}
	return n
}

// Unheard returns the places of the users who are reported, and of whom the server has
// said nothing since Ask.
func (r *Roster) Unheard() []int32 {
	var places []int32
	for i := range r.users {
		if u := &r.users[i]; u.status != nobody && !u.heard {
			places = append(places, int32(i))
		}
	}
	return places
}

// Drop takes the user called id for not reported, and reports whether that is news.
func (r *Roster) Drop(id string) bool {
	i, watched := r.index[catalogue.Fold(id)]
	return watched && r.drop(i)
}

func (r *Roster) drop(place int32) bool {
	u := &r.users[place]
	if u.status == nobody {
		return false
	}
	r.leave(u)
	*u = user{status: nobody}
	return true
}

// DropUnheard takes the users of Unheard for not reported, and returns how many.
func (r *Roster) DropUnheard() int {
	places := r.Unheard()
	for _, place := range places {
		r.drop(place)
	}
	return len(places)
}

// Watched returns how many users are watched.
func (r *Roster) Watched() int { return len(r.users) }

// Reported returns of how many of them the server has said what they do.
func (r *Roster) Reported() int { return r.reported }

// Place returns the place of the user called id among those who are watched, for
// Counts of some of them; false when the user is not watched.
func (r *Roster) Place(id string) (int32, bool) {
	i, watched := r.index[catalogue.Fold(id)]
	return i, watched
}

// Reports reports whether the server has said what the user at a place does.
func (r *Roster) Reports(place int32) bool { return r.users[place].status != nobody }

// enter counts a user in a status, and leave counts the user out.
func (r *Roster) enter(u *user) {
	if u.status == nobody {
		return
	}
	s := &r.statuses[u.status]
	s.users[u.loggedIn]++
	if u.loggedIn == Yes {
		s.onPhone += one(u.onPhone)
		if u.since != 0 {
			s.earliest = min(s.earliest, u.since)
		}
	}
	r.reported++
}

func (r *Roster) leave(u *user) {
	if u.status == nobody {
		return
	}
	s := &r.statuses[u.status]
	s.users[u.loggedIn]--
	if u.loggedIn == Yes {
		s.onPhone -= one(u.onPhone)
		s.earliestStale = s.earliestStale || u.since != 0 && u.since == s.earliest
	}
	r.reported--
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// maxSpareStatuses is how many statuses without users are kept. A server that names
// ever new ones must not make us grow.
const maxSpareStatuses = 64

// intern returns the place of a status.
func (r *Roster) intern(folded []byte) int32 {
	if i, known := r.byStatus[string(folded)]; known {
		return i
	}
	if r.byStatus == nil {
		r.byStatus = make(map[string]int32)
	}
	i := int32(len(r.statuses))
	s := status{id: string(folded), earliest: noTime}
	r.statuses = append(r.statuses, s)
	r.byStatus[s.id] = i
	return i
}

// tidy forgets statuses that nobody is in, when there are many.
func (r *Roster) tidy() {
	if len(r.statuses) <= maxSpareStatuses {
		return
	}
	used := 0
	for i := range r.statuses {
		if r.statuses[i].users != [NumLoggedIn]int{} {
			used++
		}
	}
	if len(r.statuses)-used <= maxSpareStatuses {
		return
	}
	place := make([]int32, len(r.statuses))
	statuses := make([]status, 0, used)
	r.byStatus = make(map[string]int32, used)
	for i, s := range r.statuses {
		if s.users == [NumLoggedIn]int{} {
			continue
		}
		place[i] = int32(len(statuses))
		r.byStatus[s.id] = place[i]
		statuses = append(statuses, s)
	}
	r.statuses = statuses
	for i := range r.users {
		if u := &r.users[i]; u.status != nobody {
			u.status = place[u.status]
		}
	}
}
