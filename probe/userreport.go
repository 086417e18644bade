package probe

import (
	"fmt"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

// UsersState is how the counting of users goes. None of its values is a failure of
// the server.
type UsersState uint8

// The values of UsersState.
const (
	UsersStarting      UsersState = iota // nothing has come yet
	UsersLive                            // counted, all of them
	UsersIncomplete                      // counted, but the server says of fewer than it was asked
	UsersNobody                          // the list of users is empty
	UsersNoList                          // the list of users cannot be read
	UsersUnknown                         // 404: the server does not know one of them
	UsersForbidden                       // 403: the session's user may not view one of them
	UsersRefused                         // 400 or another code: the server refuses the list
	UsersGone                            // 410: the server counts no users any more
	UsersFailing                         // no usable answer
	UsersNotDelivering                   // accepted, and no message comes
)

var usersStateNames = [...]string{
	UsersStarting:      "starting",
	UsersLive:          "live",
	UsersIncomplete:    "incomplete",
	UsersNobody:        "nobody",
	UsersNoList:        "no_list",
	UsersUnknown:       "unknown_user",
	UsersForbidden:     "forbidden",
	UsersRefused:       "refused",
	UsersGone:          "gone",
	UsersFailing:       "failing",
	UsersNotDelivering: "not_delivering",
}

// NumUsersStates is how many values there are.
const NumUsersStates = len(usersStateNames)

// String returns the name of v.
func (v UsersState) String() string { return usersStateNames[v] }

// UsersReport is what a probe knows of the users that it counts, at one moment. It is
// immutable, and names no user.
type UsersReport struct {
	State UsersState
	// Since is when it came into the state.
	Since time.Time
	// Reason says in our own words why the state is what it is; empty when live. It
	// never has a text of the server, which could name a user.
	Reason string
	// LeftOut is how many users of the list are not watched since there are more than
	// Users.Max, and Refused how many since the server refuses them.
	LeftOut, Refused int
	// Watched is whose statuses the server was, or is to be, asked for; Reported of how
	// many of them it has said what they do.
	Watched, Reported int
	// Counts is nil until users were counted.
	Counts *roster.Counts
	// FreshUntil is when the counts turn stale unless they are verified before; zero
	// when they never were.
	FreshUntil     time.Time
	freshUntilWall time.Time
}

// Verified has the counts shown for a time after they were proven.
func (u *UsersReport) Verified(at time.Time, staleAfter time.Duration) {
	u.until(moment{at, at.Round(0)}.add(staleAfter))
}

func (u *UsersReport) until(m moment) { u.FreshUntil, u.freshUntilWall = m.at, m.wall }

// Fresh reports whether the counts may be shown at now. Both clocks count.
func (u *UsersReport) Fresh(now time.Time) bool { return u.freshAt(moment{now, now.Round(0)}) }

func (u *UsersReport) freshAt(now moment) bool {
	return u.Counts != nil && now.at.Before(u.FreshUntil) && now.wall.Before(u.freshUntilWall)
}

// publish shows the users in a snapshot.
func (u *userFeed) publish(s *Snapshot) {
	if u.cfg == nil {
		return
	}
	s.Feeds[UserStatuses] = u.FeedState
	r := &UsersReport{State: u.state, Since: u.stateSince, Reason: u.reason, LeftOut: u.leftOut, Refused: len(u.refused)}
	r.Watched, r.Reported = u.roster.Watched(), u.roster.Reported()
	if u.LastFull.IsZero() {
		s.Users = r
		return
	}
	catalogue := u.l.statuses()
	changes := u.l.feeds[StatusMessages].Changes
	if u.counts == nil || u.changed || u.joined != changes {
		u.counts = u.roster.Join(catalogue, roster.Wanted{PerStatus: u.cfg.PerStatus, Workgroups: u.workgroups})
		u.changed, u.joined = false, changes
	}
	r.Counts = u.counts
	if !u.verifiedAt.at.IsZero() {
		r.until(u.verifiedAt.add(u.cfg.StaleAfter))
	}
	s.Users = r
}

// setState moves to a state, and logs the move once.
func (u *userFeed) setState(state UsersState, reason string) {
	u.reason = reason
	if state == u.state {
		return
	}
	from := u.state
	u.state, u.stateSince = state, time.Now()
	attrs := []any{"users_from", from.String(), "users_state", state.String(), "watched", u.roster.Watched(), "reported", u.roster.Reported()}
	if reason == "" {
		u.l.log.Info("counting users", attrs...)
		return
	}
	u.l.log.Warn("counting users does not go as it should; nothing else depends on it", append(attrs, "reason", reason)...)
}

// refusal is what an error means for users: a state, what to say of it, and when to
// try again.
func (u *userFeed) refusal(err error, what string) (UsersState, string, time.Duration) {
	code := lastCode(err)
	pause := max(u.pace.next(), min(retryAfterOf(err), maxRetryAfter))
	said := fmt.Sprintf("%s is answered %d", what, code)
	switch {
	case code == 404:
		return UsersUnknown, said, u.cfg.RefreshInterval
	case code == 403:
		return UsersForbidden, said, u.cfg.RefreshInterval
	case code == 410 || code == 405:
		return UsersGone, said, goneHold
	case code >= 400 && code < 500 && code != 401 && code != 408 && code != 429:
		return UsersRefused, said, u.cfg.RefreshInterval
	case code != 0 && icws.ReasonOf(err) != icws.FailDecode:
		return UsersFailing, said, pause
	default:
		return UsersFailing, what + " has no usable answer: " + icws.ReasonOf(err).String(), pause
	}
}
