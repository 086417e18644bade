package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

// usersPatience is how long the users may take to be counted.
const usersPatience = 30 * time.Second

// users says which of the three ways to users the session's user has, how many it sees, and
// how many are reported by the way that is configured. It names nobody. The server can
// be watched without.
func (v *sessionCheck) users(ctx context.Context) finding {
	if !v.delivered {
		return skipped("the first message did not come")
	}
	ways := v.waysToUsers(ctx)
	within, cancel := context.WithTimeout(ctx, usersPatience+v.server.DeliveryTimeout)
	defer cancel()
	report, err := v.visit.Users(within)
	late := within.Err() != nil
	switch {
	case ctx.Err() != nil:
		return interrupted()
	case err != nil && !late:
		return broken(err)
	case report == nil:
		return warned(ways+"; nobody is counted", v.adviseUsers(advice.UsersNobody))
	}
	text := fmt.Sprintf("%s; %d watched, %d reported", ways, report.Watched, report.Reported)
	if report.LeftOut > 0 {
		text += fmt.Sprintf(", %d more left out by users.max_users", report.LeftOut)
	}
	if late {
		text += ", and not all that was to come has come in time"
	}
	switch {
	case report.Reason != "":
		return warned(text+": "+report.Reason, v.adviseUsers(advice.Reason("users_"+report.State.String())))
	case late:
		return warned(text, v.adviseUsers(advice.UsersNotDelivering))
	}
	return v.countedUsers(text, report.Counts)
}

// countedUsers says what is odd about users who are all counted.
func (v *sessionCheck) countedUsers(text string, counts *roster.Counts) finding {
	if !counts.LoggedInKnown {
		return warned(text+"; the server does not say who is logged in", v.adviseUsers(advice.UsersLogOnUnsaid))
	}
	for i := range counts.Groups {
		if g := &counts.Groups[i]; g.Group == roster.UnknownGroup && g.Users[roster.Yes] > 0 {
			return warned(fmt.Sprintf("%s; %s logged in and in a status that is not in the list", text, counted(g.Users[roster.Yes], "user")), v.adviseUsers(advice.UsersInUnlisted))
		}
	}
	return good("%s", text)
}

func (v *sessionCheck) adviseUsers(reason advice.Reason) string {
	return advice.For(reason, advice.About{User: v.server.User}).Do
}

// waysToUsers says of each way whether the session's user may use it, and how many users it
// sees there.
func (v *sessionCheck) waysToUsers(ctx context.Context) string {
	if v.noLists() {
		return "only users.ids can be used: the server does not list the feature configuration"
	}
	all, err := v.session.UserIDs(ctx)
	ways := []string{"users.all " + sees(len(all), "user", err)}
	names, others := v.server.Users.Workgroups, 0
	if len(names) == 0 {
		if names, err = v.session.Workgroups(ctx); err == nil && len(names) > 0 {
			names, others = names[:1], len(names)-1
		}
	}
	members := map[string]bool{}
	refused := 0
	for _, name := range names {
		var ids []string
		if ids, err = v.session.Members(ctx, name); err != nil {
			refused++
			continue
		}
		for _, id := range ids {
			members[strings.ToLower(id)] = true
		}
	}
	switch {
	case len(names) == 0:
		ways = append(ways, "users.workgroups "+sees(0, "workgroup", err))
	case refused == len(names):
		ways = append(ways, "users.workgroups "+sees(0, "member", err))
	case others > 0:
		ways = append(ways, fmt.Sprintf("users.workgroups sees %d workgroups, the first of %s", others+1, counted(len(members), "member")))
	default:
		ways = append(ways, fmt.Sprintf("users.workgroups sees %s of %s", counted(len(members), "member"), counted(len(names)-refused, "workgroup")))
	}
	return strings.Join(append(ways, "users.ids needs no right to a list"), ", ")
}

// sees says how many there are, or how the question was answered.
func sees(n int, what string, err error) string {
	var response *icws.ResponseError
	switch {
	case errors.As(err, &response):
		return fmt.Sprintf("is answered %d", response.Code)
	case err != nil:
		return "has no usable answer (" + icws.ReasonOf(err).String() + ")"
	default:
		return "sees " + counted(n, what)
	}
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

// noLists reports whether the server has no lists of the configuration.
func (v *sessionCheck) noLists() bool { return v.session.Feature(icws.FeatureConfiguration) < 1 }

// licences reads the concurrent licences once. The server can be watched without them.
func (v *sessionCheck) licences(ctx context.Context) finding {
	if v.noLists() {
		return warned("the server does not list the feature configuration", advise(advice.LicencesNoFeature, ""))
	}
	list, _, err := v.session.Licences(ctx)
	var refused *icws.ResponseError
	switch {
	case errors.As(err, &refused) && refused.Code >= 400 && refused.Code < 500:
		detail, _ := explain(err)
		return warned(detail, advise(advice.LicencesRefused, ""))
	case err != nil:
		return tolerated(err)
	case len(list) == 0:
		return warned("the list is empty", advise(advice.LicencesNone, ""))
	}
	most := list[0]
	for _, l := range list {
		if float64(l.InUse)*float64(most.Allowed) > float64(most.InUse)*float64(l.Allowed) {
			most = l
		}
	}
	return good("%d kinds; the scarcest is %s", len(list), fmt.Sprintf("%s, %d of %d in use", most.ID, most.InUse, most.Allowed))
}
