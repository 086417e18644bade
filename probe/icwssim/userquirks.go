package icwssim

// UserQuirks are the open points of docs/protocol-users.md, section 8, in its order.
// Number 17 is Quirks.DeleteMissingCode, and with number 18 nothing can be chosen.
type UserQuirks struct {
	UserListPut       UserListPut    `json:"user-list-put" values:"replace|add" does:"what a second PUT of user statuses does to the list of the first"`
	UserResend        UserResend     `json:"user-resend" values:"resend|only-new-users|none" does:"whom a second PUT of user statuses sends again"`
	UnknownUser       string         `json:"unknown-user" values:"404|ignore|400|empty-status" does:"a user in a PUT whom the server does not know"`
	NoUserRight       UserRight      `json:"no-user-right" values:"omit|403-all|404-all|include" does:"a user in a PUT on whom the account has no right"`
	UserMaximum       int            `json:"user-maximum" values:"0|N" does:"users in a PUT at most, 0 for any number"`
	UserMaximumAnswer string         `json:"user-maximum-answer" values:"400|first" does:"what becomes of more of them; first: the first ones are watched"`
	UserInitial       UserInitial    `json:"user-initial" values:"full|split|delta" does:"the first message: full, full and a delta, or a delta"`
	UserDelta         UserDelta      `json:"user-delta" values:"changed|whole" does:"what an entry of a delta has"`
	UserCoalescing    UserCoalescing `json:"user-coalescing" values:"one|several" does:"entries of one user in one message"`
	UserDeleted       UserDeleted    `json:"user-deleted" values:"silence|empty-status|state" does:"what is said of a watched user who is removed"`
	LoggedInAbsent    bool           `json:"logged-in-absent" does:"no entry says loggedIn, as an old server"`
	UserProperties    UserProperties `json:"user-properties" values:"ignored|entries|updates|400" does:"what userStatusProperties filters"`
	EmptyUserList     string         `json:"empty-user-list" values:"400|200" does:"a PUT without users; 200: nobody is watched"`
	ListWithoutRight  string         `json:"list-without-right" values:"empty|403|own" does:"a list of the configuration without the right to it"`
	ListLimit         string         `json:"list-limit" values:"on|off|206" does:"whether a list with select ends at 200 items, and with which code"`
	UsersMessageLists string         `json:"users-message-lists" values:"all|absent" does:"whether a usersMessage has its empty lists"`
	UserPutTime       Period         `json:"user-put-time" values:"0s|DURATION" does:"how long a PUT takes for each user"`
}

type (
	// UserListPut is what a second PUT of user statuses does to the list of the first.
	UserListPut string
	// UserResend is whom a second PUT of user statuses sends again.
	UserResend string
	// UserRight is what becomes of users on whom the account has no right.
	UserRight string
	// UserInitial is the first message of user statuses.
	UserInitial string
	// UserDelta is what an entry of a delta has.
	UserDelta string
	// UserCoalescing is how many entries of one user a message can have.
	UserCoalescing string
	// UserDeleted is what is said of a watched user who is removed.
	UserDeleted string
	// UserProperties is what userStatusProperties filters.
	UserProperties string
)

// The choices.
const (
	PutReplaces UserListPut = "replace"
	PutAdds     UserListPut = "add"

	ResendAll  UserResend = "resend"
	ResendNew  UserResend = "only-new-users"
	ResendNone UserResend = "none"

	RightOmit    UserRight = "omit"
	Right403     UserRight = "403-all"
	Right404     UserRight = "404-all"
	RightInclude UserRight = "include"

	InitialFull  UserInitial = "full"
	InitialSplit UserInitial = "split"
	InitialDelta UserInitial = "delta"

	DeltaChanged UserDelta = "changed"
	DeltaWhole   UserDelta = "whole"

	CoalesceOne     UserCoalescing = "one"
	CoalesceSeveral UserCoalescing = "several"

	DeletedSilently    UserDeleted = "silence"
	DeletedEmptyStatus UserDeleted = "empty-status"
	DeletedState       UserDeleted = "state"

	PropertiesIgnored UserProperties = "ignored"
	PropertiesFilter  UserProperties = "entries"
	PropertiesUpdates UserProperties = "updates"
	PropertiesRefused UserProperties = "400"
)
