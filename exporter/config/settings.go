package config

import (
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// setting is a key and what may stand there. What it means is in the reference.
type setting[T any] struct {
	key string
	value[T]
}

const (
	millisecond = Duration(time.Millisecond)
	second      = Duration(time.Second)
	minute      = Duration(time.Minute)
	hour        = Duration(time.Hour)
)

var (
	languageTag     = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
	variableName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	credentialName  = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`)
	passwordKeys    = []string{"password_file", "password_env", "password_credential"}
	rootKeys        = append(keysOf(rootSettings), "defaults", "servers")
	serverKeys      = keysOf(serverSettings)
	defaultableKeys = slices.DeleteFunc(keysOf(serverSettings), func(key string) bool { return key == "name" })
)

// rootSettings are the keys at the top, without defaults and servers.
var rootSettings = []setting[effective]{
	{"ready_when", choice(func(e *effective) *ReadyWhen { return &e.ReadyWhen }, ReadyAttempted, ReadyAny, ReadyAll)},
	{"limits.groups", number(func(e *effective) *int { return &e.Limits.Groups }, 1, 10_000)},
	{"limits.statuses", number(func(e *effective) *int { return &e.Limits.Statuses }, 0, 100_000)},
	{"limits.response_bytes", bounded(func(e *effective) *Bytes { return &e.Limits.ResponseBytes }, 64*KiB, GiB)},
}

// serverSettings are the keys of a server. All but the name may stand under
// defaults.
var serverSettings = []setting[Server]{
	{"name", text(func(s *Server) *string { return &s.Name }, 128,
		"a name of at most 128 bytes without control characters, unlike . and ..", isServerName)},
	{"site", text(func(s *Server) *string { return &s.Site }, 128,
		"a name of at most 128 bytes without control characters", nil)},
	{"url", value[Server]{"URL", wantURL, readURL}},
	{"hosts", list(func(s *Server) *[]string { return &s.Hosts }, 16,
		"a host name or an address, with or without a port", icws.ValidHost)},
	{"allowed_hosts", list(func(s *Server) *[]string { return &s.AllowedHosts }, 64,
		"a glob for host names without port, such as *.example.com", isHostGlob)},
	{"user", user()},
	{"password_file", filePath(func(s *Server) *string { return &s.PasswordFile },
		"the path of a file that holds the password and nothing else")},
	{"password_env", text(func(s *Server) *string { return &s.PasswordEnv }, 256,
		"the name of the environment variable that holds the password", variableName.MatchString)},
	{"password_credential", text(func(s *Server) *string { return &s.PasswordCredential }, 255,
		"the name of a systemd credential that holds the password", credentialName.MatchString)},
	{"language", text(func(s *Server) *string { return &s.Language }, 35,
		"a language tag such as en-US", languageTag.MatchString)},
	{"transport", choice(func(s *Server) *probe.TransportMode { return &s.Transport },
		probe.ModeAuto, probe.ModeSSE, probe.ModePoll)},
	{"poll_interval", bounded(func(s *Server) *Duration { return &s.PollInterval }, 200*millisecond, minute)},
	{"check_interval", bounded(func(s *Server) *Duration { return &s.CheckInterval }, 10*second, hour)},
	{"resubscribe_interval", boundedOrZero(func(s *Server) *Duration { return &s.ResubscribeInterval }, minute, 7*day)},
	{"delivery_timeout", bounded(func(s *Server) *Duration { return &s.DeliveryTimeout }, second, 5*minute)},
	// The loop shows no sign of life during a request: see the fleet's health.
	{"request_timeout", bounded(func(s *Server) *Duration { return &s.RequestTimeout }, second, minute)},
	{"stream_timeout", streamTimeout()},
	{"stale_after", bounded(func(s *Server) *Duration { return &s.StaleAfter }, 20*second, day)},
	{"backoff.min", bounded(func(s *Server) *Duration { return &s.Backoff.Min }, 100*millisecond, hour)},
	{"backoff.max", bounded(func(s *Server) *Duration { return &s.Backoff.Max }, second, hour)},
	{"auth_hold.min", bounded(func(s *Server) *Duration { return &s.AuthHold.Min }, minute, day)},
	{"auth_hold.max", bounded(func(s *Server) *Duration { return &s.AuthHold.Max }, minute, 7*day)},
	{"breaker.failures", number(func(s *Server) *uint32 { return &s.Breaker.Failures }, 1, 1000)},
	{"breaker.open_for", bounded(func(s *Server) *Duration { return &s.Breaker.OpenFor }, second, hour)},
	{"http.tls_config.ca_file", filePath(func(s *Server) *string { return &s.HTTP.TLS.CAFile },
		"the path of a PEM file with CA certificates")},
	{"http.tls_config.cert_file", filePath(func(s *Server) *string { return &s.HTTP.TLS.CertFile },
		"the path of a PEM file with our certificate")},
	{"http.tls_config.key_file", filePath(func(s *Server) *string { return &s.HTTP.TLS.KeyFile },
		"the path of a PEM file with the key of our certificate")},
	{"http.tls_config.server_name", text(func(s *Server) *string { return &s.HTTP.TLS.ServerName }, 253,
		"the name in the server's certificate", isCertificateName)},
	{"http.tls_config.min_version", choice(func(s *Server) *string { return &s.HTTP.TLS.MinVersion },
		"TLS10", "TLS11", "TLS12", "TLS13")},
	{"http.proxy_url", value[Server]{"URL", wantProxyURL, readProxyURL}},
}

func keysOf[T any](settings []setting[T]) []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.key
	}
	return keys
}

// streamTimeout reads auto, or a time well above a usual ping period.
func streamTimeout() value[Server] {
	or := boundedOr(func(s *Server) *AutoDuration { return &s.StreamTimeout }, AutoDuration(10*second), AutoDuration(hour), "auto")
	return value[Server]{or.kind, or.want, func(r *resolver, into *Server, f field) bool {
		if f.value.Value == "auto" {
			into.StreamTimeout = 0
			return true
		}
		return or.read(r, into, f)
	}}
}

// user reads a user, and refuses a template that nobody filled in: the log-on would
// be refused.
func user() value[Server] {
	any := text(func(s *Server) *string { return &s.User }, 256, "the ICWS user to log on as", nil)
	return value[Server]{any.kind, any.want, func(r *resolver, into *Server, f field) bool {
		if f.value.Kind == yaml.ScalarNode && isPlaceholder(f.value.Value) {
			r.add(f.at, "the name of a variable, which nothing puts in; expected %s", any.want)
			return false
		}
		return any.read(r, into, f)
	}}
}

const wantProxyURL = "a URL such as http://proxy:3128, with http, https, socks5 or socks5h, or nothing for no proxy"

// readProxyURL reads the URL of a proxy; empty undoes that of the defaults.
func readProxyURL(r *resolver, into *Server, f field) bool {
	value, ok := r.word(f, wantProxyURL)
	if !ok {
		return false
	}
	into.HTTP.ProxyURL = ProxyURL{}
	if value == "" {
		return true
	}
	if into.HTTP.ProxyURL, ok = parseProxyURL(value); !ok || len(value) > 2048 {
		r.add(f.at, "not the URL of a proxy; expected %s", wantProxyURL)
		return false
	}
	return true
}
