package advice

// Ports is where ICWS listens (docs/protocol.md, 1.1).
const Ports = "ICWS listens on 8019 for https and on 8018 for http"

// The runbooks, by the names of their alerts.
const (
	runbookDown     = "IcwsServerDown"
	runbookHung     = "IcwsNotWatched"
	runbookDrift    = "IcwsMessagesMissed"
	runbookExpiring = "IcwsExpiring"
	runbookStandby  = "IcwsStandbyDown"
	runbookUnusable = "IcwsCatalogueUnusable"
)

// entry is an Advice before it is about something: {server}, {user}, {host},
// {password} and {code} stand for that.
type entry struct {
	is, do  string
	more    []string
	runbook string
}

const (
	check     = "To see which step fails, run icws_exporter check --server {server} with the same --config.file. It logs on once."
	back      = "Once the server is back, the exporter notices by itself."
	triesWhen = "The exporter tries again by itself when the wait is over."
)

// table has every reason that is declared.
var table = map[Reason]entry{}

// declare notes what there is to say of a reason.
func declare(r Reason, e entry) Reason {
	table[r] = e
	return r
}

// The reasons of a server as a whole, as the pages, the API and the log have them, and
// of a configuration that works, but will not do so for long. Those that
// icws_down_reason has are called so there.
var (
	Hung = declare("hung", entry{"the probe has stopped moving", "restart the exporter, because nothing else helps", []string{
		"Keep the log from before the restart. A probe must never hang; please report it.",
	}, runbookHung})
	RefusedLogOn = declare("refused_log_on", entry{
		"the user or the password is wrong, the password has expired, or the user is locked",
		"look at {user} in Interaction Administrator; every refused log-on counts towards locking the user, so fix it before the next one",
		[]string{
			"Put the right password into {password}.",
			"The exporter sends a changed password at once, and a refused one never again by itself. If the user was locked and now is not, the button on the page of the server or a restart sends it once more.",
		}, runbookDown})
	Unauthorized = declare("unauthorized", entry{
		"the log-on works, and then its own session is answered 401",
		"look for a proxy or load balancer between the exporter and the server that drops the cookie, or sends each request to another server",
		[]string{check, triesWhen + " Each try costs a log-on, so the waits grow."}, runbookDown})
	Displaced = declare("displaced", entry{
		"another log-on of the same user, or an administrator, ended the session",
		"find out who else logs on as {user}: a second exporter, a person, another program; each needs a user of its own",
		[]string{
			"If an administrator ended the session, ask why before it comes back.",
			triesWhen + " To try at once, restart it, or change and reload the configuration of this server.",
		}, runbookDown})
	Gone = declare("gone", entry{
		"the server answers 410, so what we need is not there any more",
		"ask whether the server was upgraded, or ICWS was switched off on it",
		[]string{"Check that the URL leads to an ICWS of version 2015 R3 or newer.", triesWhen}, runbookDown})
	BreakerOpen = declare("breaker_open", entry{
		"the server failed so often that it is spared for a while",
		"find out whether the machine of the IC server is overloaded, and whether its Session Manager runs",
		[]string{"The failed requests have the error ids.", triesWhen, check}, runbookDown})
	NotDelivering = declare("not_delivering", entry{
		"the server accepted the subscription and delivers nothing",
		"look for a proxy between the two that buffers the event stream, or set transport: poll for this server and reload",
		[]string{
			"The exporter replaces the session by itself. Once can be chance.",
			"If it is polled already, restart the Session Manager of the IC server: other clients of this server miss their messages as well.",
		}, runbookDown})
	PolledInVain = declare("polled_in_vain", entry{
		"the server accepted the subscription and delivers nothing, although it is polled",
		"look at the load and the Session Manager trace of the IC server, and restart its Session Manager: its other clients miss their messages as well",
		[]string{"The exporter replaces the session by itself. Once can be chance."}, runbookDown})
	Starting = declare("starting", entry{
		"the first log-on takes longer than it should",
		"see from its requests whether the server is slow or does not answer at all",
		[]string{check}, runbookDown})
	Network = declare("network", entry{
		"no host of the server answers: nothing listens there, or something on the way drops or cuts the connection",
		"start the IC server or its Session Manager, or open the port; " + Ports,
		[]string{back, check}, runbookDown})
	DNS = declare("dns", entry{
		"the name of the host is not known here",
		"check the spelling, the domain, and the DNS servers of this machine",
		[]string{back, check}, runbookDown})
	TLS = declare("tls", entry{
		"the handshake fails: the certificate is not trusted, has expired or is of another name, or the port speaks no TLS",
		"check the scheme and port of the url, and http.tls_config",
		[]string{"The check names what is wrong with the certificate.", check}, runbookDown})
	ServerError = declare("server_error", entry{
		"the server failed",
		"look at its Session Manager trace",
		[]string{"The failed requests have the error ids.", back, check}, runbookDown})
	Protocol = declare("protocol", entry{
		"the server refuses what we ask, redirects it, or its answer makes no sense",
		"check that the url leads to ICWS and not to the pages of another web server",
		[]string{"The failed requests have the codes and the error ids.", check}, runbookDown})
	TooLarge = declare("too_large", entry{
		"an answer is larger than the limit",
		"raise limits.response_bytes if the server really has that many status messages",
		[]string{"If it has not, ask what the user's list of status messages is full of."}, runbookDown})
	Stale = declare("stale", entry{
		"the numbers were not compared with the server for too long and are withheld",
		"look at its delivery checks",
		[]string{"Do not rely on older numbers: changes may be missing from them."}, runbookDown})
	Drift = declare("drift", entry{
		"messages of the server were lost or never sent",
		"look for a proxy that drops parts of the stream, and for restarts of the IC server, if it comes back within the hour",
		[]string{"The delivery checks found it and corrected it. Once can be chance."}, runbookDrift})
	Unusable = declare("unusable", entry{
		"the list of status messages is complete, but agents cannot work with it: it is empty, no status can be chosen, or none takes ACD calls",
		"ask who edited the status messages in Interaction Administrator, and restore them or their flags there",
		nil, runbookUnusable})
	PasswordExpiring = declare("password_expiring", entry{
		"the password expires soon",
		"set a new password for {user} in Interaction Administrator, and give it to the exporter in the same minute",
		[]string{"Better: give the user a password that does not expire."}, runbookExpiring})
	CertificateExpiring = declare("certificate_expiring", entry{
		"the certificate expires soon",
		"renew the certificate of {host} before it expires: then nothing can connect any more",
		nil, runbookExpiring})
	StandbyDown = declare("standby_down", entry{
		"a host that does not serve the session does not answer, or only with errors",
		"fix {host} now: until then there is nothing to switch over to",
		nil, runbookStandby})

	SameUser = declare("same_user", entry{
		"servers with the same host and the same user: each log-on may end the session of the other",
		"remove one or give it another user", nil, ""})
	FewDescriptors = declare("few_descriptors", entry{
		"the limit on open files is too low for so many servers, so that connections may fail",
		"raise it with LimitNOFILE= in the systemd unit or ulimit -n in the shell, and restart", nil, ""})
)
