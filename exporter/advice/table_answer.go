package advice

const (
	redirects = "redirects are not followed, because the password would go there"
	notICWS   = "check that the url leads to ICWS and not to the pages of another web server; behind a proxy it ends before /icws"
)

// answers are about one answer, or about none (docs/protocol.md, 1.4, 1.5 and 5).
var answers = map[Reason]entry{
	Redirected:         {redirects, "put the final address into the url", nil, runbookDown},
	RedirectedTo:       {redirects, "if {host} is right, put it into the url", nil, runbookDown},
	NotICWS:            {"", notICWS, nil, runbookDown},
	RightMissing:       {"the user lacks the right", "in Interaction Administrator look at the user's security rights, or ask who runs the proxy", nil, runbookDown},
	TooManyRequests:    {"something in front limits the number of requests", "try later, and ask who runs it", nil, runbookDown},
	NothingBehindProxy: {"a proxy has no server behind it, or the server is starting", "ask who runs it", nil, runbookDown},
	NotAccepted:        {"the server did not accept the request", "look at the message and at the server's Session Manager trace", nil, runbookDown},
	OtherLogOn:         {"ICWS tells its version to everybody", "a proxy or web server in front wants a log-on of its own, or is not ICWS at all", nil, runbookDown},
	ProxyLogOn:         {"ICWS refuses a user with 400", "a {code} comes from a proxy or web server in front that wants a log-on of its own", nil, runbookDown},
	LicenceMissing: {"a licence is missing", "the IC server needs the feature licence I3_FEATURE_ICWS_SDK (Interaction Administrator, licence management)",
		nil, runbookDown},
	LogOnNotAllowed: {"if the message does not say why", "the feature licence I3_FEATURE_ICWS_SDK may be missing, or the server may not allow log-on by password",
		nil, runbookDown},
	NoLogOns: {"this host takes no log-ons", "it is the backup of a pair, or starting; add the other host of the pair to hosts", nil, runbookDown},
	NamesOthers: {"this host takes no log-ons and names others ({host})",
		"it is the backup of a pair, or they are off-server Session Managers; add them to hosts, or to allowed_hosts", nil, runbookDown},
	CookieChanged: {"the session's cookie came back changed",
		"a proxy rewrites cookies, or sends requests of one session to different servers; it must be sticky and leave the cookie alone", nil, runbookDown},
	CookieLost: {"the session's cookie was lost", "a proxy drops the headers Set-Cookie or Cookie", nil, runbookDown},
	TokenLost:  {"the session's token was lost", "a proxy drops the header ININ-ICWS-CSRF-Token", nil, runbookDown},
	SessionUnknown: {"the server does not know the session",
		"it has ended there (another log-on of the same user, or it expired), or a proxy changes the path so that its id is lost; give the exporter a user of its own, and look at the proxy",
		nil, runbookDown},
	SessionEnded: {"the session ended", "another log-on of the same user, or a proxy that is not sticky; give the exporter a user of its own", nil, runbookDown},
	ResourceGone: {"this version of the server no longer has the resource", "compare the versions", nil, runbookDown},

	Interrupted: {"", "run the check again", nil, ""},
	Timeout:     {"no answer in time", "look for a firewall that drops packets, a wrong port, or an overloaded server; " + Ports, nil, runbookDown},
	Refused:     {"nothing listens on this port", "check the port (" + Ports + "), and that the Session Manager is running", nil, runbookDown},
	Reset:       {"the connection was cut", "look for a firewall, a proxy, or https and http mixed up (" + Ports + ")", nil, runbookDown},
	Undecodable: {"the answer is not from ICWS", "check that the url does not lead to a page of a proxy or web server", nil, runbookDown},
	NoAnswer:    {"", "check the url, the network and a proxy in between", nil, runbookDown},
}
