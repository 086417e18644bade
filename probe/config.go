package probe

import (
	"time"

	"icws_exporter/probe/secret"
)

// TransportMode is the configured choice of transport.
type TransportMode string

// The transport modes.
const (
	ModeAuto TransportMode = "auto" // SSE where the server can, else polling
	ModeSSE  TransportMode = "sse"
	ModePoll TransportMode = "poll"
)

// Config is what one probe needs to watch one server. exporter/config makes and
// validates it; the probe trusts it.
type Config struct {
	Name string // label server=
	// URL is the template of the server's base URL; {host} stands for the host.
	URL string
	// Hosts are the configured hosts in order of preference, never empty. For a
	// URL without {host} it is the URL's own host.
	Hosts        []string
	AllowedHosts []string // globs; empty: names without a dot and the parent domains of Hosts

	User string
	// Password reads the password anew; called before every log-on.
	Password func() (string, error)
	Language string
	// ProxyPassword is what the RoundTripper sends to a proxy; it is never shown.
	ProxyPassword secret.Text

	Transport TransportMode

	PollInterval        time.Duration
	CheckInterval       time.Duration
	ResubscribeInterval time.Duration // 0: never
	DeliveryTimeout     time.Duration
	RequestTimeout      time.Duration
	StreamTimeout       time.Duration // 0: auto
	StaleAfter          time.Duration

	BackoffMin, BackoffMax   time.Duration
	AuthHoldMin, AuthHoldMax time.Duration
	BreakerFailures          uint32
	BreakerOpenFor           time.Duration

	MaxGroups        int
	MaxResponseBytes int64
}
