package probe

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/roster"
)

// readList takes a step towards the list of users.
func (u *userFeed) readList(ctx context.Context, _ time.Time) {
	source, wire := u.source, u.s.wire
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		list, done, err := source.step(ctx, wire)
		return func(now time.Time) {
			switch {
			case err != nil:
				u.listFailed(err, now)
			case !done:
				u.listAt = now
			default:
				u.listAt = now.Add(jittered(u.l.rand, u.cfg.RefreshInterval))
				u.takeList(list)
			}
		}
	})
}

// listFailed tries again later. Whoever was counted already still is.
func (u *userFeed) listFailed(err error, now time.Time) {
	what := "the list of users"
	if workgroup := (*workgroupError)(nil); errors.As(err, &workgroup) {
		what = workgroup.what()
	}
	state, said, _ := u.refusal(err, "the request for "+what)
	pause := u.listPace.next()
	if state != UsersFailing {
		pause = u.cfg.RefreshInterval
	}
	u.listAt = now.Add(max(pause, min(retryAfterOf(err), maxRetryAfter)))
	u.listProblem = said
	u.setState(UsersNoList, said)
}

// takeList makes the users of a list those who are watched: sorted, without our own
// user unless the configuration names it, and no more than may be.
func (u *userFeed) takeList(list userList) {
	u.listed, u.listProblem = true, list.problem(len(u.cfg.Workgroups))
	u.listPace.reset()
	ids := u.sorted(list.ids)
	leftOut := max(0, len(ids)-u.cfg.Max)
	if leftOut != u.leftOut && leftOut > 0 {
		u.l.log.Warn("there are more users than users.max_users; the last by their ids are not counted", "left_out", leftOut)
	}
	u.leftOut, ids = leftOut, ids[:len(ids)-leftOut]
	if !slices.Equal(ids, u.ids) {
		if slices.ContainsFunc(ids, func(id string) bool { return !u.watches(id) }) {
			u.withhold() // the counts are of fewer
		}
		u.ids = u.roster.Watch(ids)
		u.changed, u.refused, u.untried, u.search, u.listRetry = true, nil, nil, nil, false
		u.proven, u.forgiven = nil, nil
		u.need(ResyncInitial)
	}
	u.workgroups = u.groupMembers(list.members)
	u.changed = true
	switch {
	case len(u.ids) == 0:
		u.withhold()
		u.setState(UsersNobody, "the list of users is empty")
	case u.listProblem != "":
		u.setState(UsersNoList, u.listProblem)
	case u.state == UsersNoList || u.state == UsersNobody:
		u.setState(UsersStarting, "")
	}
}

func (u *userFeed) watches(id string) bool {
	_, watched := u.roster.Place(id)
	return watched
}

// sorted returns the ids in the order of their folded forms, each once.
func (u *userFeed) sorted(ids []string) []string {
	type keyed struct{ key, id string }
	own, isGiven := catalogue.Fold(u.l.cfg.User), len(u.cfg.IDs) > 0
	all := make([]keyed, 0, len(ids))
	for _, id := range ids {
		if key := catalogue.Fold(id); key != "" && (isGiven || key != own) {
			all = append(all, keyed{key, id})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id)) })
	all = slices.CompactFunc(all, func(a, b keyed) bool { return a.key == b.key })
	sorted := make([]string, len(all))
	for i := range all {
		sorted[i] = all[i].id
	}
	return sorted
}

// groupMembers finds the places of the members of the workgroups. Those with too few
// are one, and none when they have too few together.
func (u *userFeed) groupMembers(members map[string][]string) []roster.Workgroup {
	if !u.cfg.ByWorkgroup {
		return nil
	}
	var all []roster.Workgroup
	var small []int32
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var places []int32
		for _, id := range members[name] {
			if place, watched := u.roster.Place(id); watched {
				places = append(places, place)
			}
		}
		slices.Sort(places)
		if places = slices.Compact(places); len(places) >= max(u.cfg.MinCohort, 1) {
			all = append(all, roster.Workgroup{Name: name, Members: places})
		} else {
			small = append(small, places...)
		}
	}
	slices.Sort(small)
	if small = slices.Compact(small); len(small) >= max(u.cfg.MinCohort, 1) {
		all = append(all, roster.Workgroup{Name: roster.SmallWorkgroups, Members: small})
	}
	return all
}
