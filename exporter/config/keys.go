package config

import (
	"regexp"
	"slices"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

const (
	day      = 24 * time.Hour
	required = "required"
)

var (
	languageTag      = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
	variableName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	credentialName   = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`)
	passwordNames    = []string{"password_file", "password_env", "password_credential"}
	rootNames        = append(namesOf(rootKeys), "defaults", "servers")
	serverNames      = namesOf(serverKeys)
	defaultableNames = slices.DeleteFunc(namesOf(serverKeys), func(name string) bool { return name == "name" })
)

// rootKeys are the keys at the top, without defaults and servers.
var rootKeys = []key[effective]{
	{name: "ready_when", value: choice(func(e *effective) *ReadyWhen { return &e.readyWhen }, ReadyAttempted, ReadyAny, ReadyAll),
		preset: "attempted", example: "all",
		meaning: "When `/-/ready` answers 200: once every server was tried (`attempted`), one is up (`any`), or all are up (`all`). It stays so."},
	{name: "limits.groups", value: number(func(e *effective) *int { return &e.limits.Groups }, 1, 10_000),
		preset: "64", example: "128",
		meaning: "Groups of a server that have series of their own; further ones count as `(other)`."},
	{name: "limits.statuses", value: number(func(e *effective) *int { return &e.limits.Statuses }, 0, 100_000),
		preset: "500", example: "2000",
		meaning: "Status messages of a server that have series of their own, with `--metrics.status-series`; `0` is none."},
	{name: "limits.response_bytes", value: size(func(e *effective) *Bytes { return &e.limits.ResponseBytes }, 64*KiB, GiB),
		preset: "16MiB", example: "64MiB",
		meaning: "Size of an answer or of a message, above which it is given up, so that no server can fill the memory."},
}

// serverKeys are the keys of a server. All but the name may stand under defaults.
var serverKeys = []key[Server]{
	{name: "name", value: text(func(s *Server) *string { return &s.Name }, 128,
		"a name of at most 128 bytes without control characters, unlike . and ..", isServerName),
		unset: required, example: "chicago",
		meaning: "What the server is called in the label `server`, on the pages and in the log. No two servers may have the same name, in whatever case. The counters belong to the name."},
	{name: "site", value: text(func(s *Server) *string { return &s.Site }, 128,
		"a name of at most 128 bytes without control characters", nil),
		unset: "none", example: "us",
		meaning: "Servers of one site should have the same status messages: an alert compares them."},
	{name: "url", value: baseURL(),
		preset: "https://{host}:8019", example: "https://{host}:8019",
		meaning: "Base URL of ICWS. `{host}` stands for each of the hosts; a web proxy is `https://web.example.com/app/api/{host}`. A URL without `{host}` is one fixed server, and `hosts` is left out then. No user, password, query or fragment."},
	{name: "hosts", value: list(func(s *Server) *[]string { return &s.Hosts }, 16,
		"a host name or an address, with or without a port", icws.ValidHost),
		unset: "required, unless `url` has no `{host}`", example: "[cic-a.example.com, cic-b.example.com]",
		meaning: "Hosts of the server in the order in which they are tried: the two of a switchover pair, or one. A port here replaces that of `url`. A name may have several addresses: a session stays on the one that took its log-on."},
	{name: "allowed_hosts", value: list(func(s *Server) *[]string { return &s.AllowedHosts }, 64,
		"a glob for host names without port, such as *.example.com", isHostGlob),
		unset: "names without a dot, and names below the hosts' parent domains", example: `["cic-*.example.com"]`,
		meaning: "Globs of the hosts that may get the password when a server names them as its alternatives. The configured hosts always may; an address only when it is configured or matches a glob, and the exporter's own machine and link (`localhost`, 127.0.0.1, ::1, 169.254.0.0/16 and the like) only when it is configured or stands here without a wildcard. Others are ignored, logged and counted."},
	{name: "user", value: user(),
		unset: required, example: "svc-prom",
		meaning: "ICWS user to log on as. It needs no rights; do not share it."},
	{name: "password_file", value: filePath(func(s *Server) *string { return &s.PasswordFile },
		"the path of a file that holds the password and nothing else"),
		unset: "one of the three is required", example: "/run/secrets/icws",
		meaning: "File with the password and nothing else; one line end is taken off. Read at every log-on. Exactly one of the three places of a password is needed."},
	{name: "password_env", value: text(func(s *Server) *string { return &s.PasswordEnv }, 256,
		"the name of the environment variable that holds the password", variableName.MatchString),
		unset: "one of the three is required", example: "ICWS_PASSWORD",
		meaning: "Environment variable with the password. A change needs a restart."},
	{name: "password_credential", value: text(func(s *Server) *string { return &s.PasswordCredential }, 255,
		"the name of a systemd credential that holds the password", credentialName.MatchString),
		unset: "one of the three is required", example: "icws-password",
		meaning: "Credential of systemd (`LoadCredential=` in the unit) with the password."},
	{name: "language", value: text(func(s *Server) *string { return &s.Language }, 35,
		"a language tag such as en-US", languageTag.MatchString),
		preset: "en-US", example: "de-DE",
		meaning: "Language in which the server sends texts. The numbers do not depend on it."},
	{name: "transport", value: choice(func(s *Server) *probe.TransportMode { return &s.Transport }, probe.ModeAuto, probe.ModeSSE, probe.ModePoll),
		preset: "auto", example: "poll",
		meaning: "How messages come. `auto` is the event stream where the server has it, else polling; `sse` and `poll` insist. With `auto`, a proxy that holds the stream back makes the exporter poll for an hour."},
	{name: "poll_interval", value: duration(func(s *Server) *time.Duration { return &s.PollInterval }, 200*time.Millisecond, time.Minute),
		preset: "2s", example: "5s",
		meaning: "Time between two polls, where the transport is polling."},
	{name: "check_interval", value: duration(func(s *Server) *time.Duration { return &s.CheckInterval }, 10*time.Second, time.Hour),
		preset: "1m", example: "2m",
		meaning: "Time between two delivery checks, which ask for the whole list and compare it with the copy."},
	{name: "resubscribe_interval", value: duration(func(s *Server) *time.Duration { return &s.ResubscribeInterval }, time.Minute, 7*day, "0"),
		preset: "15m", example: "1h",
		meaning: "Only for servers that send nothing when they are subscribed to again: how often the subscription is removed and made anew, to see that it still delivers. `0` or at least `check_interval`."},
	{name: "delivery_timeout", value: duration(func(s *Server) *time.Duration { return &s.DeliveryTimeout }, time.Second, 5*time.Minute),
		preset: "10s", example: "20s",
		meaning: "How long the whole list may take after it was asked for. Less than `check_interval`."},
	{name: "request_timeout", value: duration(func(s *Server) *time.Duration { return &s.RequestTimeout }, time.Second, time.Minute),
		preset: "10s", example: "30s",
		meaning: "How long a connection, a TLS handshake or an answer may take."},
	{name: "stream_timeout", value: duration(func(s *Server) *time.Duration { return &s.StreamTimeout }, 10*time.Second, time.Hour, "auto"),
		preset: "auto", example: "2m",
		meaning: "How long the event stream may be silent before it is opened anew. `auto` is three times the longest time between two pings of the server, at least 45 s."},
	{name: "stale_after", value: duration(func(s *Server) *time.Duration { return &s.StaleAfter }, 20*time.Second, day),
		unset: "3 × `check_interval`", example: "5m",
		meaning: "How long the counts are served without having been compared with the server; then they are withheld. At least twice `check_interval`."},
	{name: "backoff.min", value: duration(func(s *Server) *time.Duration { return &s.BackoffMin }, 100*time.Millisecond, time.Hour),
		preset: "1s", example: "2s",
		meaning: "Shortest wait after a failure. Each is drawn at random between this and a bound that doubles from one failure to the next. At most the max beside it."},
	{name: "backoff.max", value: duration(func(s *Server) *time.Duration { return &s.BackoffMax }, time.Second, time.Hour),
		preset: "1m", example: "5m",
		meaning: "Where that bound ends."},
	{name: "auth_hold.min", value: duration(func(s *Server) *time.Duration { return &s.AuthHoldMin }, time.Minute, day),
		preset: "15m", example: "30m",
		meaning: "Wait after the server refused the user or the password, so that no policy locks the account; it doubles with each refusal. A changed password ends it. At most the max beside it."},
	{name: "auth_hold.max", value: duration(func(s *Server) *time.Duration { return &s.AuthHoldMax }, time.Minute, 7*day),
		preset: "1h", example: "4h",
		meaning: "Longest of these waits."},
	{name: "breaker.failures", value: number(func(s *Server) *uint32 { return &s.BreakerFailures }, 1, 1000),
		preset: "5", example: "10",
		meaning: "Failures within two minutes, or in a row, that open the circuit breaker: the server is then left alone."},
	{name: "breaker.open_for", value: duration(func(s *Server) *time.Duration { return &s.BreakerOpenFor }, time.Second, time.Hour),
		preset: "30s", example: "1m",
		meaning: "How long the breaker stays open before one request tries again."},
	{name: "http.tls_config.ca_file", value: filePath(func(s *Server) *string { return &s.HTTP.TLS.CAFile }, "the path of a PEM file with CA certificates"),
		unset: "the system's authorities", example: "lab-ca.pem",
		meaning: "Certificates of the authorities to trust instead of the system's, or the server's own certificate. Looked at before every request."},
	{name: "http.tls_config.cert_file", value: filePath(func(s *Server) *string { return &s.HTTP.TLS.CertFile }, "the path of a PEM file with our certificate"),
		unset: "none", example: "client.pem",
		meaning: "Client certificate, for servers or proxies that ask for one; with `key_file`."},
	{name: "http.tls_config.key_file", value: filePath(func(s *Server) *string { return &s.HTTP.TLS.KeyFile }, "the path of a PEM file with the key of our certificate"),
		unset: "none", example: "client.key",
		meaning: "Its private key."},
	{name: "http.tls_config.server_name", value: text(func(s *Server) *string { return &s.HTTP.TLS.ServerName }, 253,
		"the name in the server's certificate", isCertificateName),
		unset: "the host", example: "cic.example.com",
		meaning: "Name that the server's certificate must have, where it is not that of the host."},
	{name: "http.tls_config.min_version", value: choice(func(s *Server) *string { return &s.HTTP.TLS.MinVersion }, "TLS10", "TLS11", "TLS12", "TLS13"),
		unset: "`TLS12`", example: "TLS13",
		meaning: "Oldest version of TLS to accept. `TLS10` and `TLS11` are unsafe and only for servers that have nothing else."},
	{name: "http.proxy_url", value: proxyURL(),
		unset: "no proxy", example: "http://proxy.example.com:3128",
		meaning: "Proxy to go through. It looks the hosts up: where a name has several addresses, it has to keep to one of them for a whole session. It may hold a user and a password, which are never shown. `\"\"` undoes that of `defaults`. The environment (`HTTPS_PROXY`) is not looked at."},
}
