package probe

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"time"

	"icws_exporter/probe/icws"
)

// userSearch finds the users whom the server refuses, by halves.
type userSearch struct {
	good []string
	open [][]string // not tried yet, the next one last
	left int        // tries
	bad  []string
}

func newUserSearch(ids []string) *userSearch {
	s := &userSearch{left: 2*bits.Len(uint(len(ids))) + 2}
	s.halve(ids)
	return s
}

func (s *userSearch) halve(ids []string) {
	s.open = append(s.open, ids[len(ids)/2:], ids[:len(ids)/2])
}

// searchOn tries the next part of the list.
func (u *userFeed) searchOn(ctx context.Context, _ time.Time) {
	part := u.search.open[len(u.search.open)-1]
	ids := append(append([]string(nil), u.search.good...), part...)
	wire, limit := u.s.wire, u.putLimit(len(ids))
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		err := wire.SubscribeWithin(ctx, limit, userStatusesWire, icws.UserStatusBody{UserIDs: ids})
		return func(now time.Time) { u.searched(part, err, now) }
	})
}

// searched takes note of what the server says of a part.
func (u *userFeed) searched(part []string, err error, now time.Time) {
	s := u.search
	if s == nil {
		return
	}
	code := lastCode(err)
	switch {
	case err == nil:
		u.subscribed = true
		s.good = append(s.good, part...)
		s.open = s.open[:len(s.open)-1]
	case code != 404 && code != 403 && (code < 400 || code >= 500 || code == 401 || code == 410 || code == 429):
		state, said, pause := u.refusal(err, "the list of users")
		u.setState(state, said)
		u.search, u.retryAt = nil, now.Add(pause)
		return
	default:
		s.open = s.open[:len(s.open)-1]
		if len(part) > 1 {
			s.halve(part)
		} else {
			s.bad = append(s.bad, part...)
		}
	}
	if s.left--; s.left <= 0 {
		for _, rest := range s.open {
			s.bad = append(s.bad, rest...)
		}
		s.open = nil
	}
	if len(s.open) > 0 {
		return
	}
	u.search, u.proven, u.renew, u.putAt = nil, nil, true, time.Time{}
	u.refuse(s.bad)
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
	if len(u.refused) == len(u.ids) {
		u.withhold()
	}
}

func (u *userFeed) refusedReason() string {
	return fmt.Sprintf("the server refuses %d of %d users, who are left out", len(u.refused), len(u.ids))
}

// forgiveEvery is how often all are tried again when all were refused.
const forgiveEvery = time.Hour

// known takes note that the server knows a user whom it refused.
func (u *userFeed) known(id string, now time.Time) {
	if len(u.refused) == len(u.ids) && (u.forgivenAt.IsZero() || now.Sub(u.forgivenAt) >= forgiveEvery) {
		u.refused, u.proven, u.forgivenAt, u.retryAt = nil, nil, now, now
		u.need(ResyncCheck)
		return
	}
	if len(u.proven) == 0 {
		u.proven, u.unproven = map[string]bool{}, len(u.ids)
	}
	u.proven[id] = true
}

// forgive tries those again whom the server knows by now, once all have been sampled.
func (u *userFeed) forgive(now time.Time) {
	if len(u.proven) == 0 {
		return
	}
	if u.unproven--; u.unproven > 0 {
		return
	}
	u.refused = maps.Clone(u.refused)
	maps.DeleteFunc(u.refused, func(id string, _ bool) bool { return u.proven[id] })
	u.proven, u.retryAt = nil, now
	u.need(ResyncCheck)
}

// showState says how the counting goes while messages come.
func (u *userFeed) showState() {
	watched, reported := u.roster.Watched(), u.roster.Reported()
	switch {
	case u.listProblem != "":
		u.setState(UsersNoList, u.listProblem)
	case len(u.refused) > 0 && (u.state == UsersUnknown || u.state == UsersForbidden || u.state == UsersRefused):
		u.setState(u.state, u.refusedReason())
	case len(u.refused) > 0:
		u.setState(UsersRefused, u.refusedReason())
	case reported < watched:
		u.setState(UsersIncomplete, fmt.Sprintf("the server says of %d users of %d what they do", reported, watched))
	default:
		u.setState(UsersLive, "")
	}
}
