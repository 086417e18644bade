package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"icws_exporter/probe/icws"
)

// Users says whose statuses are counted, and how. Exactly one of IDs, Workgroups and
// All says whose. Nobody changes it once a probe has it.
type Users struct {
	IDs        []string // user ids, in any case
	Workgroups []string // the members of these
	All        bool     // everybody whom the session's user may view
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
	// refused are the workgroups that the server does not have, or not for the user.
	refused []string
}

// problem says that some of the workgroups are not in the list, or nothing.
func (l userList) problem(of int) string {
	if len(l.refused) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d workgroups cannot be read: the server does not have %s, or not for the user; the members of the others are counted", len(l.refused), of, workgroupNames(l.refused))
}

// maxNamed is how many workgroups a text names.
const maxNamed = 5

// workgroupNames names workgroups of the configuration.
func workgroupNames(names []string) string {
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == maxNamed:
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			return b.String()
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}

// workgroupError says that the members of workgroups cannot be read.
type workgroupError struct {
	names []string // of the configuration; the last is that of err
	err   error
}

func (e *workgroupError) Error() string { return "reading " + e.what() + ": " + e.err.Error() }
func (e *workgroupError) Unwrap() error { return e.err }
func (e *workgroupError) what() string  { return "the members of " + workgroupNames(e.names) }

// userSource finds out whose statuses are to be counted. It belongs to one goroutine
// at a time.
type userSource interface {
	// step makes one request at most. done says that the list is whole; then the next
	// step begins anew. An error ends the list, and the next step begins anew too.
	step(ctx context.Context, s *icws.Session) (list userList, done bool, err error)
}

// source returns the source that u names.
func (u *Users) source() userSource {
	switch {
	case u.All:
		return allUsers{}
	case len(u.Workgroups) > 0:
		return &workgroupUsers{names: u.Workgroups}
	default:
		return givenUsers(u.IDs)
	}
}

// givenUsers is the list of the configuration.
type givenUsers []string

func (g givenUsers) step(context.Context, *icws.Session) (userList, bool, error) {
	return userList{ids: g}, true, nil
}

// errNoLists says that the server has no lists of the configuration: it is very old,
// or something before it leaves them out (protocol-users.md, 5).
var errNoLists = errors.New("the server has no lists of users (feature configuration 1)")

// allUsers are all whom the session's user may view.
type allUsers struct{}

func (allUsers) step(ctx context.Context, s *icws.Session) (userList, bool, error) {
	if s.Feature(icws.FeatureConfiguration) < 1 {
		return userList{}, false, errNoLists
	}
	ids, err := s.UserIDs(ctx)
	if err != nil {
		return userList{}, false, fmt.Errorf("reading the list of users: %w", err)
	}
	return userList{ids: ids}, true, nil
}

// workgroupUsers are the members of workgroups, one workgroup a step.
type workgroupUsers struct {
	names []string
	next  int
	list  userList
}

func (w *workgroupUsers) step(ctx context.Context, s *icws.Session) (userList, bool, error) {
	if s.Feature(icws.FeatureConfiguration) < 1 {
		w.begin()
		return userList{}, false, errNoLists
	}
	if w.next == 0 {
		w.begin()
	}
	name := w.names[w.next]
	ids, err := s.Members(ctx, name)
	if err != nil {
		// One that is gone, or not for us, does not keep us from the others.
		isRefused, refused := faultOf(err) == faultRefused, w.list.refused
		switch {
		case !isRefused:
			w.begin()
			return userList{}, false, &workgroupError{[]string{name}, err}
		case len(refused) == len(w.names)-1:
			w.begin()
			return userList{}, false, &workgroupError{append(refused, name), err}
		}
		w.list.refused = append(w.list.refused, name)
	} else {
		w.list.ids = append(w.list.ids, ids...)
		w.list.members[name] = ids
	}
	if w.next++; w.next < len(w.names) {
		return userList{}, false, nil
	}
	list := w.list
	w.begin()
	return list, true, nil
}

// begin starts with the first workgroup, and an empty list.
func (w *workgroupUsers) begin() { w.next, w.list = 0, userList{members: map[string][]string{}} }
