package advice

const (
	redirects = "redirects are not followed, because the password would go there"
	notICWS   = "check that the url leads to ICWS and not to the pages of another web server; behind a proxy it ends before /icws"
)

// The reasons of one request: what a server answered, or why there was no usable answer
// (docs/protocol.md, 1.4, 1.5 and 5).
var (
	Redirected         = declare("redirected", entry{redirects, "put the final address into the url", nil, runbookDown})
	RedirectedTo       = declare("redirected_to", entry{redirects, "if {host} is right, put it into the url", nil, runbookDown})
	NotICWS            = declare("not_icws", entry{"", notICWS, nil, runbookDown})
	RightMissing       = declare("right_missing", entry{"the user lacks the right", "in Interaction Administrator look at the user's security rights, or ask who runs the proxy", nil, runbookDown})
	TooManyRequests    = declare("too_many_requests", entry{"something in front limits the number of requests", "try later, and ask who runs it", nil, runbookDown})
	NothingBehindProxy = declare("nothing_behind_proxy", entry{"a proxy has no server behind it, or the server is starting", "ask who runs it", nil, runbookDown})
	NotAccepted        = declare("not_accepted", entry{"the server did not accept the request", "look at the message and at the server's Session Manager trace", nil, runbookDown})
	OtherLogOn         = declare("other_log_on", entry{"ICWS tells its version to everybody", "a proxy or web server in front wants a log-on of its own, or is not ICWS at all", nil, runbookDown})
	ProxyLogOn         = declare("proxy_log_on", entry{"ICWS refuses a user with 400", "a {code} comes from a proxy or web server in front that wants a log-on of its own", nil, runbookDown})
	LicenceMissing     = declare("licence_missing", entry{"a licence is missing", "the IC server needs the feature licence I3_FEATURE_ICWS_SDK (Interaction Administrator, licence management)",
		nil, runbookDown})
	LogOnNotAllowed = declare("log_on_not_allowed", entry{"if the message does not say why", "the feature licence I3_FEATURE_ICWS_SDK may be missing, or the server may not allow log-on by password",
		nil, runbookDown})
	NoLogOns    = declare("no_log_ons", entry{"this host takes no log-ons", "it is the backup of a pair, or starting; add the other host of the pair to hosts", nil, runbookDown})
	NamesOthers = declare("names_others", entry{"this host takes no log-ons and names others ({host})",
		"it is the backup of a pair, or they are off-server Session Managers; add them to hosts, or to allowed_hosts", nil, runbookDown})
	CookieChanged = declare("cookie_changed", entry{"the session's cookie came back changed",
		"a proxy rewrites cookies, or sends requests of one session to different servers; it must be sticky and leave the cookie alone", nil, runbookDown})
	CookieLost     = declare("cookie_lost", entry{"the session's cookie was lost", "a proxy drops the headers Set-Cookie or Cookie", nil, runbookDown})
	TokenLost      = declare("token_lost", entry{"the session's token was lost", "a proxy drops the header ININ-ICWS-CSRF-Token", nil, runbookDown})
	SessionUnknown = declare("session_unknown", entry{"the server does not know the session",
		"it has ended there (another log-on of the same user, or it expired), or a proxy changes the path so that its id is lost; give the exporter a user of its own, and look at the proxy",
		nil, runbookDown})
	SessionEnded = declare("session_ended", entry{"the session ended", "another log-on of the same user, or a proxy that is not sticky; give the exporter a user of its own", nil, runbookDown})
	ResourceGone = declare("resource_gone", entry{"this version of the server no longer has the resource", "compare the versions", nil, runbookDown})

	Interrupted = declare("interrupted", entry{"", "run the check again", nil, ""})
	Timeout     = declare("timeout", entry{"no answer in time", "look for a firewall that drops packets, a wrong port, or an overloaded server; " + Ports, nil, runbookDown})
	Refused     = declare("refused", entry{"nothing listens on this port", "check the port (" + Ports + "), and that the Session Manager is running", nil, runbookDown})
	Reset       = declare("reset", entry{"the connection was cut", "look for a firewall, a proxy, or https and http mixed up (" + Ports + ")", nil, runbookDown})
	Undecodable = declare("undecodable", entry{"the answer is not from ICWS", "check that the url does not lead to a page of a proxy or web server", nil, runbookDown})
	NoAnswer    = declare("no_answer", entry{"", "check the url, the network and a proxy in between", nil, runbookDown})
)
