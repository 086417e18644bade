package probe

import (
	"context"
	"time"

	"icws_exporter/probe/icws"
)

// Users says whose statuses are counted, and how. Exactly one of IDs, Workgroups and
// All says whose. Nobody changes it once a probe has it.
type Users struct {
	IDs        []string // user ids, in any case
	Workgroups []string // the members of these
	All        bool     // everybody whom the account may view
	// Max is how many users are watched at most.
	Max int

	// RefreshInterval is how often the list of users is read again.
	RefreshInterval time.Duration
	// StaleAfter is how long counts are shown that nothing has proven since.
	StaleAfter time.Duration

	// ByWorkgroup asks for counts by workgroup, of those with MinCohort members or
	// more. PerStatus asks for counts by status.
	ByWorkgroup, PerStatus bool
	MinCohort              int
}

// userList is whose statuses are to be counted, as a source named them.
type userList struct {
	// ids may hold one twice, and in another case.
	ids []string
	// members has the ids of each workgroup by its name; nil when the source knows none.
	members map[string][]string
}

// userSource finds out whose statuses are to be counted. It belongs to one goroutine
// at a time.
type userSource interface {
	// step makes one request at most. done says that the list is whole; then the next
	// step begins anew. An error ends the list, and the next step begins anew too.
	step(ctx context.Context, s *icws.Session) (list userList, done bool, err error)
}

// source returns the source that u names.
func (u *Users) source() userSource {
	return givenUsers(u.IDs)
}

// givenUsers is the list of the configuration.
type givenUsers []string

func (g givenUsers) step(context.Context, *icws.Session) (userList, bool, error) {
	return userList{ids: g}, true, nil
}
