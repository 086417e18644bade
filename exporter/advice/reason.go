package advice

// Reason is something that is wrong, or will soon be.
type Reason string

// The reasons of a server as a whole, as the pages, the API and the log have them.
// Those that icws_down_reason has are called so there.
const (
	Hung                Reason = "hung"
	Starting            Reason = "starting"
	Network             Reason = "network"
	TLS                 Reason = "tls"
	DNS                 Reason = "dns"
	RefusedLogOn        Reason = "refused_log_on"
	Unauthorized        Reason = "unauthorized"
	Displaced           Reason = "displaced"
	Gone                Reason = "gone"
	BreakerOpen         Reason = "breaker_open"
	NotDelivering       Reason = "not_delivering"
	PolledInVain        Reason = "polled_in_vain" // not delivering, where it is polled
	ServerError         Reason = "server_error"
	Protocol            Reason = "protocol"
	TooLarge            Reason = "too_large"
	Stale               Reason = "stale"
	Drift               Reason = "drift"
	PasswordExpiring    Reason = "password_expiring"
	CertificateExpiring Reason = "certificate_expiring"
	StandbyDown         Reason = "standby_down"
)

// The reasons of one request: what a server answered.
const (
	Redirected         Reason = "redirected"
	RedirectedTo       Reason = "redirected_to"
	NotICWS            Reason = "not_icws"
	RightMissing       Reason = "right_missing"
	TooManyRequests    Reason = "too_many_requests"
	NothingBehindProxy Reason = "nothing_behind_proxy"
	NotAccepted        Reason = "not_accepted"
	OtherLogOn         Reason = "other_log_on"
	ProxyLogOn         Reason = "proxy_log_on"
	LicenceMissing     Reason = "licence_missing"
	LogOnNotAllowed    Reason = "log_on_not_allowed"
	NoLogOns           Reason = "no_log_ons"
	NamesOthers        Reason = "names_others"
	CookieChanged      Reason = "cookie_changed"
	CookieLost         Reason = "cookie_lost"
	TokenLost          Reason = "token_lost"
	SessionUnknown     Reason = "session_unknown"
	SessionEnded       Reason = "session_ended"
	ResourceGone       Reason = "resource_gone"
)

// The reasons of one request: why there was no usable answer.
const (
	Interrupted Reason = "interrupted"
	Timeout     Reason = "timeout"
	Refused     Reason = "refused"
	Reset       Reason = "reset"
	Undecodable Reason = "undecodable"
	NoAnswer    Reason = "no_answer"
)

// The reasons of a configuration that works, but will not do so for long.
const (
	SameAccount    Reason = "same_account"
	FewDescriptors Reason = "few_descriptors"
)

// The reasons of what is watched besides the status messages. None of them is a failure
// of the server.
const (
	LicencesNone      Reason = "licences_none"
	LicencesRefused   Reason = "licences_refused"
	LicencesNoFeature Reason = "licences_no_feature"
	LicencesGone      Reason = "licences_gone"
	LicencesFailed    Reason = "licences_failed"

	UsersIncomplete    Reason = "users_incomplete"
	UsersNobody        Reason = "users_nobody"
	UsersNoList        Reason = "users_no_list"
	UsersUnknown       Reason = "users_unknown_user"
	UsersForbidden     Reason = "users_forbidden"
	UsersRefused       Reason = "users_refused"
	UsersGone          Reason = "users_gone"
	UsersFailing       Reason = "users_failing"
	UsersNotDelivering Reason = "users_not_delivering"
)

// The reasons that only a check finds: of a certificate and a connection, and of a
// session.
const (
	NoSubjectName Reason = "no_subject_name"
	OtherName     Reason = "other_name"
	Expired       Reason = "expired"
	NotForServers Reason = "not_for_servers"
	NotValid      Reason = "not_valid"
	NoAuthority   Reason = "no_authority"
	WeakSignature Reason = "weak_signature"
	UnknownSigner Reason = "unknown_signer"
	SelfSigned    Reason = "self_signed"
	NoTLS         Reason = "no_tls"
	WantsOurs     Reason = "wants_our_certificate"
	OldCiphers    Reason = "old_ciphers"
	OldTLS        Reason = "old_tls"
	SpeaksTLS     Reason = "speaks_tls"
	PlainHTTP     Reason = "plain_http"
	TLSFiles      Reason = "tls_files"
	ProxyClosed   Reason = "proxy_closed"
	ProxyWants    Reason = "proxy_wants_log_on"

	NotPermitted       Reason = "not_permitted"
	NotMovable         Reason = "not_movable"
	NoFeatures         Reason = "no_features"
	NoStatusFeature    Reason = "no_status_feature"
	NoStreaming        Reason = "no_streaming"
	StreamRefused      Reason = "stream_refused"
	StreamSilent       Reason = "stream_silent"
	PollsSilent        Reason = "polls_silent"
	Suspended          Reason = "suspended"
	EmptyList          Reason = "empty_list"
	ListMayBeMissing   Reason = "list_may_be_missing"
	ListsDiffer        Reason = "lists_differ"
	SwitchoverUnderWay Reason = "switchover_under_way"
	SubsystemsDown     Reason = "subsystems_down"
	SessionLeft        Reason = "session_left"
	SessionMayBeLeft   Reason = "session_may_be_left"
)
