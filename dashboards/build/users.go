package main

import "icws_exporter/exporter/collect"

// The rows about users. They are empty where nobody asked for it.

const (
	usersOff    = "No server here counts users: the key users of the configuration is not set"
	licencesOff = "No server here reads licences: the key licences of the configuration is not set"
	notACD      = " A status is not ACD availability: nothing here says that a user is available for a call."
)

// loggedIn are the users of whom the server says that they are logged in. A status
// outlives the log-on, so that others say nothing.
func loggedIn(by ...string) expr {
	return sum(once(collect.MetricUsers, is("logged_in", "yes")), by...)
}

// once is a metric of each server once, however many exporters watch it.
func once(f *collect.Family, with ...matcher) expr {
	return maximum(series(f, with...), onceBy(f)...)
}

func onceBy(f *collect.Family) []string {
	by := []string{"server"}
	for _, l := range f.Labels {
		by = append(by, l.Name)
	}
	return by
}

func usersByGroup() *panel {
	return timeseries("Users logged in by group", "Users who are logged in, by the group of their status."+notACD, "none",
		line(loggedIn("group"), "{{group}}")).stacked(40).whole().colored(groupColors...).optional(usersOff)
}

func usersByFlag() *panel {
	return timeseries("Users logged in by flag", "Users who are logged in and in a status that has the flag; a status can have several."+notACD, "none",
		line(sum(once(collect.MetricUsersFlagged), "flag"), "{{flag}}")).stepped().whole().byFlag().optional(usersOff)
}

func usersOnPhone() *panel {
	return timeseries("Users on the phone", "Users who are logged in and on the phone, by the group of their status.", "none",
		line(sum(once(collect.MetricUsersOnPhone), "group"), "{{group}}")).stacked(40).whole().colored(groupColors...).optional(usersOff)
}

func userChanges() *panel {
	changes := collect.MetricUserStatusChanges
	return timeseries("Changes of status", "How often users changed their status in a minute, by the group that they came into.", unitPerMinute,
		line(perMinute(sum(maximum(lately(changes), onceBy(changes)...), "group")), "{{group}}")).colored(groupColors...).optional(usersOff)
}

func groupsOfUsers() *panel {
	return table("Users by group", "Users who are logged in and those on the phone, and since when the one who is longest in a status of the group is in it.",
		[]sortBy{{DisplayName: "Logged in", Desc: true}},
		[]key{{label: "group", name: "Group"}},
		number("Logged in", 90, loggedIn("group")),
		number("On the phone", 105, sum(once(collect.MetricUsersOnPhone), "group")),
		when("Longest since", minimum(series(collect.MetricUsersEarliest), "group")),
	).optional(usersOff)
}

func usersOfServers() *panel {
	return table("Users by server", "Fewer reported than watched: the exporter lacks rights, or users do not exist any more. Withheld: the counts could be wrong."+notACD,
		[]sortBy{{DisplayName: "Server"}},
		[]key{serverKey(130), exporterKey},
		number("Logged in", 100, sum(series(collect.MetricUsers, is("logged_in", "yes")), byServer...)),
		number("On the phone", 120, sum(series(collect.MetricUsersOnPhone), byServer...)),
		number("Watched", 100, maximum(series(collect.MetricUsersWatched), byServer...)),
		number("Reported", 100, maximum(series(collect.MetricUsersReported), byServer...)),
		words("Numbers", 130, numbered(0, staleLooks), maximum(series(collect.MetricUsersStale), byServer...)),
	).optional(usersOff)
}

func usersByServer() *panel {
	return timeseries("Users logged in by server", "Users who are logged in. A gap: the number is withheld, because it could be wrong.", "none",
		line(loggedIn("server"), "{{server}}")).stepped().whole().optional(usersOff)
}

func licences() *panel {
	inUse, allowed := sum(once(collect.MetricLicenceInUse), "licence"), sum(once(collect.MetricLicenceAllowed), "licence")
	return table("Licences", "Concurrent licences in use and allowed, read every five minutes.",
		[]sortBy{{DisplayName: "Used", Desc: true}},
		[]key{{label: "licence", name: "Licence"}},
		number("In use", 100, inUse),
		number("Allowed", 100, allowed),
		column{name: "Used", unit: "percentunit", width: 100, query: share(inUse, allowed)}.
			steps("text", from(0.9, "orange"), from(1, "red")),
	).optional(licencesOff)
}
