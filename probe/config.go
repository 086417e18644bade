package probe

import (
	"errors"
	"fmt"
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

// Config is what one probe needs to watch one server: see Validate.
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

	MaxGroups int
	// MaxEntries and MaxCopyBytes bound the live copy; 0: as the catalogue does.
	MaxEntries, MaxCopyBytes int
	MaxResponseBytes         int64

	// Users says whose statuses are counted; nil: nobody's.
	Users *Users
	// Licences says that their use is read.
	Licences bool
}

// Validate returns every reason why no probe can be made of c, or nil. A forgotten
// duration would make a probe ask without a pause.
func (c Config) Validate() error {
	var problems []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"PollInterval", c.PollInterval}, {"CheckInterval", c.CheckInterval},
		{"DeliveryTimeout", c.DeliveryTimeout}, {"RequestTimeout", c.RequestTimeout}, {"StaleAfter", c.StaleAfter},
		{"BackoffMin", c.BackoffMin}, {"BackoffMax", c.BackoffMax},
		{"AuthHoldMin", c.AuthHoldMin}, {"AuthHoldMax", c.AuthHoldMax}, {"BreakerOpenFor", c.BreakerOpenFor},
	} {
		refuse(d.value <= 0, "%s is %s, want more than 0", d.name, d.value)
	}
	refuse(c.ResubscribeInterval < 0, "ResubscribeInterval is %s, want 0 for never, or more", c.ResubscribeInterval)
	refuse(c.StreamTimeout < 0, "StreamTimeout is %s, want 0 for automatic, or more", c.StreamTimeout)
	refuse(c.BackoffMin > c.BackoffMax, "BackoffMin is more than BackoffMax")
	refuse(c.AuthHoldMin > c.AuthHoldMax, "AuthHoldMin is more than AuthHoldMax")
	refuse(c.BreakerFailures == 0, "BreakerFailures is 0, want more")
	refuse(c.MaxGroups < 0 || c.MaxResponseBytes < 0, "MaxGroups and MaxResponseBytes are limits, want 0 or more")
	refuse(len(c.Hosts) == 0, "Hosts is empty")
	refuse(c.URL == "" || c.User == "" || c.Password == nil, "URL, User and Password are needed")
	switch c.Transport {
	case ModeAuto, ModeSSE, ModePoll:
	default:
		refuse(true, "Transport is %q, want %s, %s or %s", c.Transport, ModeAuto, ModeSSE, ModePoll)
	}
	if len(problems) > 0 {
		return fmt.Errorf("the configuration of the probe is not valid: %w", errors.Join(problems...))
	}
	return nil
}
