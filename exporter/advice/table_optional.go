package advice

const (
	viewUsers     = "give {user} the right to view the users in Interaction Administrator"
	againByItself = "it is tried again by itself; status messages are watched as before"
)

// The reasons of licences and users. None of them is a failure of the server, which is
// watched as before.
var (
	LicencesNone      = declare("licences_none", entry{is: "the user sees no licences", do: "give {user} the right to view the licence allocations in Interaction Administrator, or take licences out of the configuration"})
	LicencesRefused   = declare("licences_refused", entry{is: "the user may not see the licences", do: "give {user} the right to view the licence allocations in Interaction Administrator; or remove licences: true"})
	LicencesNoFeature = declare("licences_no_feature", entry{is: "the server has no list of licences", do: "remove licences: true for this server: it is too old, or a proxy leaves the list out"})
	LicencesGone      = declare("licences_gone", entry{is: "the server has removed its list of licences", do: "remove licences: true for this server; it is tried again with the next session"})
	LicencesFailed    = declare("licences_failed", entry{is: "the licences cannot be read", do: "nothing here: " + againByItself})

	UsersIncomplete    = declare("users_incomplete", entry{is: "the server reports fewer users than it was asked for", do: "normal where the user may not view all of them: " + viewUsers + " to count them too"})
	UsersNobody        = declare("users_nobody", entry{is: "the user sees no users", do: viewUsers + " (and the workgroups), or name the users by users.ids, which needs no list"})
	UsersNoList        = declare("users_no_list", entry{is: "the list of users cannot be read", do: viewUsers + " and the workgroups, or name the users by users.ids, which needs no list"})
	UsersUnknown       = declare("users_unknown_user", entry{is: "the server does not know some of the users", do: "take those who were deleted or renamed out of users.ids; with users.all or users.workgroups nothing has to be done, the list is read again"})
	UsersForbidden     = declare("users_forbidden", entry{is: "the user may not view some of the users", do: viewUsers + ", or take them out of users.ids"})
	UsersRefused       = declare("users_refused", entry{is: "the server refuses to report these users", do: "try a smaller users.max_users: the server, or a proxy before it, may not take so long a list"})
	UsersGone          = declare("users_gone", entry{is: "the server has removed the statuses of users", do: "set users.all: false for this server: its version reports no users"})
	UsersFailing       = declare("users_failing", entry{is: "the statuses of users cannot be read", do: "nothing: " + againByItself})
	UsersNotDelivering = declare("users_not_delivering", entry{is: "the server reports no users although it accepted to", do: "look at the load of the IC server and at its Session Manager trace; " + againByItself})
)
