package pages

import (
	"fmt"
	"html/template"
	"strconv"

	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
	"icws_exporter/probe/roster"
)

// usersView is what the page says of users; nothing unless they are counted. It has
// numbers only: no user is in it.
type usersView struct {
	On      bool
	Problem string // why the numbers are not there
	Reason  string // why the counting does not go as it should
	Since   moment
	Advice  advice.Advice
	Summary string
	Rows    []userGroupRow
	// Unsaid says that the server does not say who is logged in.
	Unsaid bool
	// Workgroups has a table for each of them: its groups, without zeros.
	Workgroups []workgroupRow
}

type userGroupRow struct {
	Group                 string
	LoggedIn, Not, Unsaid int
	OnPhone               int
	Earliest              moment
	Bar                   template.HTML
}

type workgroupRow struct {
	Workgroup, Group string
	Users            int
}

func usersOf(server exporter.Server, c clock) usersView {
	u := server.Snapshot.Users
	if u == nil {
		return usersView{}
	}
	v := usersView{On: true, Advice: server.UsersAdvice(), Summary: usersSummary(u), Reason: u.Reason, Since: c.moment(u.Since)}
	switch {
	case u.Counts == nil:
		v.Problem = "Nobody has been counted yet."
		return v
	case !u.Fresh(c.now):
		v.Problem = "The numbers are withheld: they were not compared with the server for too long, and a wrong number is worse than none."
		return v
	}
	v.Unsaid = !u.Counts.LoggedInKnown
	most := 1
	for i := range u.Counts.Groups {
		g := &u.Counts.Groups[i]
		most = max(most, g.Users[roster.Yes]+g.Users[roster.No]+g.Users[roster.Unknown])
	}
	for i := range u.Counts.Groups {
		g := &u.Counts.Groups[i]
		v.Rows = append(v.Rows, userGroupRow{
			server.ShowGroup(g.Group), g.Users[roster.Yes], g.Users[roster.No], g.Users[roster.Unknown],
			g.OnPhone, c.moment(g.Earliest), usersBar(g.Users, most),
		})
	}
	for _, w := range u.Counts.Workgroups {
		if w.Users > 0 {
			v.Workgroups = append(v.Workgroups, workgroupRow{server.Show(w.Workgroup), server.ShowGroup(w.Group), w.Users})
		}
	}
	return v
}

// usersSummary says how many are counted, and how many not.
func usersSummary(u *probe.UsersReport) string {
	text := count(u.Watched, "user") + " watched, " + strconv.Itoa(u.Reported) + " reported by the server"
	if u.LeftOut > 0 {
		text += ", " + strconv.Itoa(u.LeftOut) + " more left out (users.max_users)"
	}
	if u.Refused > 0 {
		text += ", " + strconv.Itoa(u.Refused) + " refused"
	}
	return text
}

// usersBar is a picture of a group beside the largest: those who are logged in, those
// of whom it is not known, and those who are not.
func usersBar(users [roster.NumLoggedIn]int, most int) template.HTML {
	in, unsaid, not := users[roster.Yes], users[roster.Unknown], users[roster.No]
	return template.HTML(fmt.Sprintf(`<svg class="bar" viewBox="0 0 %d 1" preserveAspectRatio="none" aria-hidden="true">`+
		`<rect class="is-in" width="%d" height="1"/><rect class="is-unsaid" x="%d" width="%d" height="1"/><rect class="is-out" x="%d" width="%d" height="1"/></svg>`,
		most, in, in, unsaid, in+unsaid, not))
}
