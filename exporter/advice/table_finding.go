package advice

const (
	reissue     = "; no setting of the exporter replaces that"
	ours        = "set http.tls_config.cert_file and key_file"
	asAuthority = " as a PEM file, and name that as http.tls_config.ca_file; if nobody has it at hand, " +
		"openssl s_client -showcerts -connect {host} prints what the server sends, and the details of the padlock in a browser can save it: " +
		"compare its SHA-256 fingerprint with who runs the server before you trust it"
	kept = "the session stays on the server until it expires there, and costs it a slot until then"
)

// The reasons that only a check finds: it says what is wrong itself, in detail.
var (
	NoSubjectName = declare("no_subject_name", entry{do: "give the server a certificate with {host} as a subject alternative name" + reissue})
	OtherName     = declare("other_name", entry{do: "name the host as the certificate does, or set http.tls_config.server_name to a name of the certificate"})
	Expired       = declare("expired", entry{do: "renew the certificate of the server; if it is new, check the clock of this machine", runbook: runbookExpiring})
	NotForServers = declare("not_for_servers", entry{do: "give the server a certificate whose extended key usage has serverAuth" + reissue})
	NotValid      = declare("not_valid", entry{do: "the server needs another certificate"})
	NoAuthority   = declare("no_authority", entry{do: "issue a CA certificate and let that sign the server's, or name the server's own certificate as http.tls_config.ca_file"})
	WeakSignature = declare("weak_signature", entry{do: "have the certificate issued anew, with a SHA-256 signature" + reissue})
	UnknownSigner = declare("unknown_signer", entry{do: "get the certificate of this authority, or the server's own," + asAuthority})
	SelfSigned    = declare("self_signed", entry{do: "get this certificate from who runs the server" + asAuthority})
	NoTLS         = declare("no_tls", entry{do: "the port speaks plain HTTP or something else: " + Ports})
	WantsOurs     = declare("wants_our_certificate", entry{do: "the server wants a certificate of ours: " + ours})
	OldCiphers    = declare("old_ciphers", entry{do: "the server has only ciphers that are no longer offered: if it knows only the RSA key exchange, GODEBUG=tlsrsakex=1 in the exporter's environment " +
		"(and with this check) brings that back, for 3DES it is tls3des=1, until the server has newer ones; or it wants a certificate of ours (" + ours + ")"})
	OldTLS      = declare("old_tls", entry{do: "the server has only old versions of TLS; if it cannot be updated set http.tls_config.min_version"})
	SpeaksTLS   = declare("speaks_tls", entry{do: "the port speaks TLS: write https:// into the url (" + Ports + ")"})
	PlainHTTP   = declare("plain_http", entry{do: "the password and the session travel in the clear; use https and port 8019"})
	TLSFiles    = declare("tls_files", entry{do: "put the file back, or change http.tls_config"})
	ProxyClosed = declare("proxy_closed", entry{do: "the proxy must allow CONNECT to this host and port, and may want a user and a password in proxy_url"})
	ProxyWants  = declare("proxy_wants_log_on", entry{do: "the proxy wants a log-on: put the user and the password into proxy_url"})

	NotPermitted       = declare("not_permitted", entry{do: "allowed_hosts does not permit that; add them to hosts or to allowed_hosts"})
	NotMovable         = declare("not_movable", entry{do: "the url has no {host}; write {host} where the host stands, and all of them into hosts"})
	NoFeatures         = declare("no_features", entry{do: "an old server: the exporter polls it, and cannot see its switchover status"})
	NoStatusFeature    = declare("no_status_feature", entry{do: "status messages are not among the features; the subscription may be refused"})
	NoStreaming        = declare("no_streaming", entry{do: "set transport to auto"})
	StreamRefused      = declare("stream_refused", entry{do: "a proxy may not let event streams through: the exporter polls then, and so do the next steps"})
	StreamSilent       = declare("stream_silent", entry{do: "the subscription was accepted, but the event stream carries nothing: does a proxy buffer it? Try transport: poll", runbook: runbookDown})
	PollsSilent        = declare("polls_silent", entry{do: "the subscription was accepted, but polling brings nothing; look at the server's Session Manager trace", runbook: runbookDown})
	Suspended          = declare("suspended", entry{do: "it may hold changes back; look at the load of the IC server and at its Session Manager trace"})
	EmptyList          = declare("empty_list", entry{do: "the user may not see any status message: look at the user's access rights in Interaction Administrator"})
	ListMayBeMissing   = declare("list_may_be_missing", entry{do: "the exporter reads the list at every fifth check, and at each one if the server does not send everything again at a second subscribe"})
	ListsDiffer        = declare("lists_differ", entry{do: "if nobody has changed a status message in this second, the user's view of the list and of the subscription differ"})
	SwitchoverUnderWay = declare("switchover_under_way", entry{do: "wait until it has ended, then check again"})
	SubsystemsDown     = declare("subsystems_down", entry{do: "look at them on the IC server"})
	SessionLeft        = declare("session_left", entry{do: kept})
	SessionMayBeLeft   = declare("session_may_be_left", entry{do: "the server had ended the session itself; or a proxy lost its cookie, and " + kept})
)
