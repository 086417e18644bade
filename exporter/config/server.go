package config

import (
	"reflect"
	"slices"
	"time"

	"icws_exporter/probe"
)

// Server is one server to watch, with every default filled in. The keys of the
// file have the names of the tags. It is a value: whoever gets one owns it.
type Server struct {
	Name string `yaml:"name"`
	Site string `yaml:"site,omitempty"`
	// URL is the template of the base URL; {host} stands for the host
	// (protocol.md, 5.4).
	URL string `yaml:"url"`
	// Hosts is never empty: without {host} in the URL it is the URL's own host.
	Hosts        []string `yaml:"hosts"`
	AllowedHosts []string `yaml:"allowed_hosts,omitempty"`

	User string `yaml:"user"`
	// Exactly one of the three says where the password is.
	PasswordFile       string `yaml:"password_file,omitempty"`
	PasswordEnv        string `yaml:"password_env,omitempty"`
	PasswordCredential string `yaml:"password_credential,omitempty"`

	Language  string              `yaml:"language"`
	Transport probe.TransportMode `yaml:"transport"`

	PollInterval        Duration     `yaml:"poll_interval"`
	CheckInterval       Duration     `yaml:"check_interval"`
	ResubscribeInterval Duration     `yaml:"resubscribe_interval"` // 0: never
	DeliveryTimeout     Duration     `yaml:"delivery_timeout"`
	RequestTimeout      Duration     `yaml:"request_timeout"`
	StreamTimeout       AutoDuration `yaml:"stream_timeout"`
	StaleAfter          Duration     `yaml:"stale_after"`

	Backoff  Span    `yaml:"backoff"`
	AuthHold Span    `yaml:"auth_hold"`
	Breaker  Breaker `yaml:"breaker"`
	HTTP     HTTP    `yaml:"http,omitempty"`
}

// Span is a waiting time that grows from Min to Max.
type Span struct {
	Min Duration `yaml:"min"`
	Max Duration `yaml:"max"`
}

// Breaker says when to leave a failing server alone, and for how long.
type Breaker struct {
	Failures uint32   `yaml:"failures"`
	OpenFor  Duration `yaml:"open_for"`
}

// HTTP says how to connect.
type HTTP struct {
	TLS      TLS      `yaml:"tls_config,omitempty"`
	ProxyURL ProxyURL `yaml:"proxy_url,omitempty"`
}

// TLS says whom to trust and how to identify ourselves. The files are PEM.
type TLS struct {
	CAFile     string `yaml:"ca_file,omitempty"`
	CertFile   string `yaml:"cert_file,omitempty"`
	KeyFile    string `yaml:"key_file,omitempty"`
	ServerName string `yaml:"server_name,omitempty"`
	MinVersion string `yaml:"min_version,omitempty"` // TLS10 to TLS13
}

// Limits bound what a server can make the exporter keep and show.
type Limits struct {
	Groups        int   `yaml:"groups"`   // groups with series of their own
	Statuses      int   `yaml:"statuses"` // statuses with series of their own
	ResponseBytes Bytes `yaml:"response_bytes"`
}

// ReadyWhen says when /-/ready answers 200.
type ReadyWhen string

// The conditions of readiness.
const (
	ReadyAttempted ReadyWhen = "attempted" // every server was tried once
	ReadyAny       ReadyWhen = "any"       // one server is up
	ReadyAll       ReadyWhen = "all"       // every server is up
)

func defaultLimits() Limits { return Limits{Groups: 64, Statuses: 500, ResponseBytes: 16 * MiB} }

func defaultServer() Server {
	return Server{
		URL:                 "https://{host}:8019",
		Language:            "en-US",
		Transport:           probe.ModeAuto,
		PollInterval:        Duration(2 * time.Second),
		CheckInterval:       Duration(time.Minute),
		ResubscribeInterval: Duration(15 * time.Minute),
		DeliveryTimeout:     Duration(10 * time.Second),
		RequestTimeout:      Duration(10 * time.Second),
		Backoff:             Span{Duration(time.Second), Duration(time.Minute)},
		AuthHold:            Span{Duration(15 * time.Minute), Duration(time.Hour)},
		Breaker:             Breaker{5, Duration(30 * time.Second)},
	}
}

// Probe returns what the probe of this server needs.
func (s Server) Probe(limits Limits) probe.Config {
	return probe.Config{
		Name: s.Name,
		URL:  s.URL, Hosts: slices.Clone(s.Hosts), AllowedHosts: slices.Clone(s.AllowedHosts),
		User: s.User, Password: s.revealPassword, ProxyPassword: s.HTTP.ProxyURL.password(), Language: s.Language,
		Transport:           s.Transport,
		PollInterval:        time.Duration(s.PollInterval),
		CheckInterval:       time.Duration(s.CheckInterval),
		ResubscribeInterval: time.Duration(s.ResubscribeInterval),
		DeliveryTimeout:     time.Duration(s.DeliveryTimeout),
		RequestTimeout:      time.Duration(s.RequestTimeout),
		StreamTimeout:       time.Duration(s.StreamTimeout),
		StaleAfter:          time.Duration(s.StaleAfter),
		BackoffMin:          time.Duration(s.Backoff.Min),
		BackoffMax:          time.Duration(s.Backoff.Max),
		AuthHoldMin:         time.Duration(s.AuthHold.Min),
		AuthHoldMax:         time.Duration(s.AuthHold.Max),
		BreakerFailures:     s.Breaker.Failures,
		BreakerOpenFor:      time.Duration(s.Breaker.OpenFor),
		MaxGroups:           limits.Groups,
		MaxResponseBytes:    int64(limits.ResponseBytes),
	}
}

func (s Server) revealPassword() (string, error) {
	password, err := s.Password()
	return password.Reveal(), err
}

// Equal reports whether a running probe of s may go on for other: all settings and
// the proxy's password are the same. Not compared are the site, which is only a
// label, and what is read anew when it is needed: the ICWS password and the files
// of http.tls_config.
func (s Server) Equal(other Server) bool {
	s.Site = other.Site
	return reflect.DeepEqual(s, other)
}

func (s Server) clone() Server {
	s.Hosts, s.AllowedHosts = slices.Clone(s.Hosts), slices.Clone(s.AllowedHosts)
	return s
}
