package roster

import "icws_exporter/probe/catalogue"

// Result says what a commit did.
type Result struct {
	// Changed counts the changes of users.
	Changed int
	// Moved counts the users who came from one status into another, by the latter. It
	// is valid until the next commit.
	Moved []Move
	Anomalies
}

// Move is how many users came into a status.
type Move struct {
	Status string // folded id
	Users  int
	place  int32
}

// CommitFull applies a staged message that is not of changes: what it leaves out of an
// entry is unknown. Users of whom it says nothing stay as they were: a message that looks
// full need not be about all, see Unheard. It empties the stage.
func (r *Roster) CommitFull() Result {
	result := r.begin()
	for _, d := range r.stage.drafts {
		u := &r.users[d.user]
		isFirst := !u.named
		r.set(u, d, isFirst, &result)
		u.named = true
	}
	for _, d := range r.stage.drafts {
		r.users[d.user].named = false
	}
	return r.end(result)
}

// CommitDelta applies the staged message, in which what an entry leaves out stays as
// it was. It empties the stage.
func (r *Roster) CommitDelta() Result {
	result := r.begin()
	for _, d := range r.stage.drafts {
		r.set(&r.users[d.user], d, false, &result)
	}
	return r.end(result)
}

func (r *Roster) begin() Result {
	return Result{Moved: r.moved[:0], Anomalies: r.stage.Anomalies}
}

func (r *Roster) end(result Result) Result {
	for i := range result.Moved {
		result.Moved[i].Status = r.statuses[result.Moved[i].place].id
	}
	r.moved = result.Moved
	r.stage.reset()
	r.tidy()
	return result
}

// set applies an entry to its user, of whom nothing stays as it was when the entry is
// the first of a full message. An empty status is how some servers say that they have
// no such user.
func (r *Roster) set(u *user, d draft, anew bool, result *Result) {
	u.named, u.heard = false, true
	before, next := *u, *u
	if anew {
		next.loggedIn, next.onPhone, next.since = Unknown, false, 0
	}
	if d.from == d.to {
		next = user{status: nobody, heard: true}
	} else {
		next.status = r.intern(r.stage.statuses[d.from:d.to])
		switch {
		case d.since != 0:
			next.since = d.since
		case next.status != before.status:
			next.since = 0 // it is another one's
		}
		if d.loggedIn != Absent {
			next.loggedIn = LoggedIn(d.loggedIn)
		}
		if d.onPhone != Absent {
			next.onPhone = d.onPhone == True
		}
	}
	if next == before {
		return
	}
	r.leave(&before)
	*u = next
	r.enter(u)
	result.Changed++
	if before.status != nobody && next.status != nobody && next.status != before.status {
		result.move(next.status)
	}
}

func (r *Result) move(to int32) {
	for i := range r.Moved {
		if r.Moved[i].place == to {
			r.Moved[i].Users++
			return
		}
	}
	r.Moved = append(r.Moved, Move{Users: 1, place: to})
}

// Agrees reports whether an entry says what is known already, and whether its user is
// reported at all.
func (r *Roster) Agrees(e Entry) (same, reported bool) {
	i, watched := r.index[catalogue.Fold(string(e.UserID))]
	if !watched || r.users[i].status == nobody {
		return false, false
	}
	u := &r.users[i]
	return r.statuses[u.status].id == catalogue.Fold(string(e.StatusID)) &&
		(e.LoggedIn == Absent || LoggedIn(e.LoggedIn) == u.loggedIn) &&
		(e.OnPhone == Absent || (e.OnPhone == True) == u.onPhone), true
}
