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

	UsersIncomplete = declare("users_incomplete", entry{is: "the server reports fewer users than it was asked for", do: viewUsers + " if it may not view all of them, and take those who were deleted or renamed out of users.ids; if neither helps, the server watches only so many: count fewer"})
	UsersNobody     = declare("users_nobody", entry{is: "the user sees no users", do: viewUsers + " (and the workgroups), or name the users by users.ids, which needs no list"})
	UsersNoList     = declare("users_no_list", entry{is: "the list of users cannot be read", do: "if the answer is 403 or 404, " + viewUsers + " and the workgroups, look at the spelling of users.workgroups, or name the users by users.ids, which needs no list; after another answer, " + againByItself})
	UsersUnknown    = declare("users_unknown_user", entry{is: "the server does not know some of the users", do: "take those who were deleted or renamed out of users.ids; if all are there, " + viewUsers + ". With users.all or users.workgroups nothing has to be done, the list is read again"})
	UsersForbidden  = declare("users_forbidden", entry{is: "the user may not view some of the users", do: viewUsers + ", or take them out of users.ids"})
	UsersRefused    = declare("users_refused", entry{is: "the server refuses to report these users", do: "take those who were deleted or renamed out of users.ids; if all are there, try a smaller users.max_users: the server, or a proxy before it, may not take so long a list"})
	UsersGone       = declare("users_gone", entry{is: "the server has removed the statuses of users", do: "remove users: for this server, or set users.all: false where the defaults have it: its version reports no users"})
	UsersFailing    = declare("users_failing", entry{is: "the statuses of users cannot be read", do: "nothing: " + againByItself})
	// What only a check says of users who are counted.
	UsersInUnlisted  = declare("users_in_unlisted_status", entry{do: "their status was removed, or the user may not see it: look at the rights to status messages of {user} in Interaction Administrator; they are in no group of the server"})
	UsersLogOnUnsaid = declare("users_log_on_unsaid", entry{do: "an old server: users are counted by group, without saying who is logged in, and there is no alert when they become few"})

	UsersNotDelivering = declare("users_not_delivering", entry{is: "the server reports no users although it accepted to", do: "look at the load of the IC server and at its Session Manager trace; " + againByItself})
)
