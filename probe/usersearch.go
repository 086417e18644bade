package probe

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"time"

	"icws_exporter/probe/icws"
)

// userSearch finds the users whom the server refuses, by halves.
type userSearch struct {
	good []string
	open [][]string // not tried yet, the next one last
	cost int        // tries that finding one user takes at most
	left int        // tries, unless more are found
	bad  []string
}

// What a search leaves open, another one tries later.
const (
	// maxFound is how many users one search finds at most.
	maxFound = 8
	// searchAgainAfter is how long after a search the next one begins.
	searchAgainAfter = time.Hour
)

// newUserSearch looks for those whom the server refuses in parts of a list, when it is
// known to accept good.
func newUserSearch(good []string, parts ...[]string) *userSearch {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	cost := 2*bits.Len(uint(n)) + 2
	return &userSearch{good: slices.Clone(good), open: parts, cost: cost, left: cost}
}

// found takes note of a user whom the server refuses.
func (s *userSearch) found(id string) {
	s.bad = append(s.bad, id)
	if s.left += s.cost; len(s.bad) == maxFound {
		s.left = 0
	}
}

func (s *userSearch) halve(ids []string) {
	s.open = append(s.open, ids[len(ids)/2:], ids[:len(ids)/2])
}

// searchIn begins to look for those whom the server refuses in parts of the list.
func (u *userFeed) searchIn(good []string, now time.Time, parts ...[]string) {
	u.search, u.retryAt = newUserSearch(good, parts...), now
	u.omitted = omission{}
	u.need(ResyncCheck) // the messages of the search are not counted
}

// searchesAgain reports whether it is time to try those whom no search has tried yet, and
// those whom the server refused and knows by now.
func (u *userFeed) searchesAgain(now time.Time) bool {
	return len(u.untried)+len(u.forgiven) > 0 && (u.due == nil || u.nobodyLeft()) && !now.Before(later(u.searchAt, u.retryAt))
}

// triedAgain ranges over those whom the next search tries.
func (u *userFeed) triedAgain(yield func(id string) bool) {
	for _, ids := range []map[string]bool{u.untried, u.forgiven} {
		for id := range ids {
			if !yield(id) {
				return
			}
		}
	}
}

// searchOn tries the next part of the list.
func (u *userFeed) searchOn(ctx context.Context, _ time.Time) {
	part := u.search.open[len(u.search.open)-1]
	ids := append(append([]string(nil), u.search.good...), part...)
	wire, limit, was := u.s.wire, u.putLimit(len(ids)), u.subscribed
	u.subscribed = true // the answer may be given up
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		err := wire.SubscribeWithin(ctx, limit, userStatusesWire, icws.UserStatusBody{UserIDs: ids})
		return func(now time.Time) {
			u.subscribed = was || err == nil
			u.searched(part, err, now)
		}
	})
}

// searched takes note of what the server says of a part.
func (u *userFeed) searched(part []string, err error, now time.Time) {
	s := u.search
	if s == nil {
		return
	}
	u.searchAt = now.Add(searchAgainAfter)
	code := lastCode(err)
	switch {
	case err == nil:
		s.good = append(s.good, part...)
		s.open = s.open[:len(s.open)-1]
	case code != 404 && code != 403 && (code < 400 || code >= 500 || code == 401 || code == 410 || code == 429):
		state, said, pause := u.refusal(err, "the list of users")
		u.setState(state, said)
		u.search, u.retryAt = nil, now.Add(pause)
		return
	default:
		u.refusedBy = code
		s.open = s.open[:len(s.open)-1]
		if len(part) > 1 {
			s.halve(part)
		} else {
			s.found(part[0])
		}
	}
	if s.left--; s.left > 0 && len(s.open) > 0 {
		return
	}
	u.search, u.proven, u.renew, u.putAt = nil, nil, true, time.Time{}
	u.leaveOpen(s)
	u.refuse(s.bad)
}

// leaveOpen keeps those whom a search that is over has not tried for another one, and takes
// back those whom the server accepts by now.
func (u *userFeed) leaveOpen(s *userSearch) {
	untried, refused := make(map[string]bool), make(map[string]bool)
	maps.Copy(untried, u.untried)
	maps.Copy(refused, u.refused)
	for _, part := range s.open {
		for _, id := range part {
			untried[id] = !refused[id]
		}
	}
	for _, id := range slices.Concat(s.good, s.bad) {
		delete(untried, id)
	}
	for _, id := range s.good {
		delete(refused, id)
	}
	maps.DeleteFunc(untried, func(_ string, isUntried bool) bool { return !isUntried })
	u.untried, u.refused, u.forgiven = untried, refused, nil
}

// refuse leaves users out whom the server refuses. Their samples show when it does so
// no more.
func (u *userFeed) refuse(ids []string) {
	if u.refused == nil {
		u.refused = map[string]bool{}
	}
	for _, id := range ids {
		u.refused[id] = true
		if u.roster.Drop(id) {
			u.changed = true
		}
	}
	u.setState(u.state, u.refusedReason())
	if u.nobodyLeft() {
		u.withhold()
	}
}

// nobodyLeft reports whether there is nobody to subscribe to.
func (u *userFeed) nobodyLeft() bool { return len(u.refused)+len(u.untried) == len(u.ids) }

func (u *userFeed) refusedReason() string {
	said := fmt.Sprintf("the server refuses %d of %d users (%d), who are left out", len(u.refused), len(u.ids), u.refusedBy)
	if u.nobodyLeft() {
		said = fmt.Sprintf("the server refuses whoever it was asked for, %d of %d users (%d)", len(u.refused), len(u.ids), u.refusedBy)
	}
	if len(u.untried) > 0 {
		said += fmt.Sprintf("; %d more are tried later", len(u.untried))
	}
	return said
}

// forgiveEvery is how often all are tried again when all were refused.
const forgiveEvery = time.Hour

// known takes note that the server knows a user whom it refused.
func (u *userFeed) known(id string, now time.Time) {
	if u.nobodyLeft() && (u.forgivenAt.IsZero() || now.Sub(u.forgivenAt) >= forgiveEvery) {
		u.refused, u.untried, u.proven, u.forgiven, u.forgivenAt, u.retryAt = nil, nil, nil, nil, now, now
		u.need(ResyncCheck)
		return
	}
	if len(u.proven) == 0 {
		u.proven, u.unproven = map[string]bool{}, len(u.ids)-u.roster.Reported()
	}
	u.proven[id] = true
}

// forgive has the next search try those again whom the server knows by now, once all who
// are not reported have been sampled.
func (u *userFeed) forgive() {
	if len(u.proven) == 0 {
		return
	}
	if u.unproven--; u.unproven > 0 {
		return
	}
	u.forgiven, u.proven = u.proven, nil
}

// showState says how the counting goes while messages come.
func (u *userFeed) showState() {
	watched, reported := u.roster.Watched(), u.roster.Reported()
	switch {
	case u.listProblem != "":
		u.setState(UsersNoList, u.listProblem)
	case len(u.refused)+len(u.untried) > 0 && (u.state == UsersUnknown || u.state == UsersForbidden || u.state == UsersRefused):
		u.setState(u.state, u.refusedReason())
	case len(u.refused)+len(u.untried) > 0:
		u.setState(UsersRefused, u.refusedReason())
	case reported < watched:
		u.setState(UsersIncomplete, fmt.Sprintf("the server says of %d users of %d what they do", reported, watched))
	default:
		u.setState(UsersLive, "")
	}
}
