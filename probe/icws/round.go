package icws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// maxListedHosts is how many hosts that servers listed a round tries, besides every
// configured one.
const maxListedHosts = 8

// Round is one try to log on, at one host after the other (protocol.md, 1.4).
type Round struct {
	// Hosts are the configured hosts, in order of preference.
	Hosts []string
	// LogOn logs on to a host.
	LogOn func(ctx context.Context, host string) (*Session, error)
	// Permit says whether a host that a server listed may get the password; nil
	// permits none. It is asked only for what ValidHost accepts.
	Permit func(host string) bool
	// Rejected is called with each listed entry that is not valid or not permitted.
	Rejected func(host string)
}

// Attempt is what one host answered.
type Attempt struct {
	Host string
	Err  error
}

// RoundError is a round that made no session.
type RoundError struct{ Attempts []Attempt }

// Error lists what every host answered.
func (e *RoundError) Error() string {
	if len(e.Attempts) == 0 {
		return "no host to log on to"
	}
	answers := make([]string, len(e.Attempts))
	for i, a := range e.Attempts {
		answers[i] = a.Host + ": " + a.Err.Error()
	}
	return strings.Join(answers, "; ")
}

// Unwrap returns the error of every host.
func (e *RoundError) Unwrap() []error {
	errs := make([]error, len(e.Attempts))
	for i, a := range e.Attempts {
		errs[i] = a.Err
	}
	return errs
}

// Connect tries the hosts until one makes a session, and returns it with its
// host. A host that names others with a 503 is followed by those, then the other
// configured ones come, every one of them. No host is tried twice. A refused user, a removed
// resource, a 400 (which may be a refusal in other words; each costs a try toward
// a locked user) and the end of ctx end the round. The error is a *RoundError.
func (r Round) Connect(ctx context.Context) (string, *Session, error) {
	hops := maxListedHosts
	queue := append([]string(nil), r.Hosts...)
	visited := make(map[string]bool)
	failed := &RoundError{}
	for len(queue) > 0 {
		host := queue[0]
		queue = queue[1:]
		if visited[strings.ToLower(host)] {
			continue
		}
		if !r.configured(host) {
			if hops == 0 {
				continue
			}
			hops--
		}
		visited[strings.ToLower(host)] = true
		s, err := r.LogOn(ctx, host)
		if err == nil {
			return host, s, nil
		}
		failed.Attempts = append(failed.Attempts, Attempt{host, err})
		if ctx.Err() != nil || endsRound(err) {
			break
		}
		queue = append(r.listed(err), queue...)
	}
	return "", nil, failed
}

// endsRound reports whether another host would answer the same.
func endsRound(err error) bool {
	var response *ResponseError
	if !errors.As(err, &response) {
		return false
	}
	return response.AuthenticationFailed || response.Code == http.StatusGone || response.Code == http.StatusBadRequest
}

// listed returns the hosts of a 503 that may get the password.
func (r Round) listed(err error) []string {
	var response *ResponseError
	if !errors.As(err, &response) || response.Code != http.StatusServiceUnavailable {
		return nil
	}
	var hosts []string
	for _, entry := range response.AlternateHosts {
		switch {
		case ValidHost(entry) && r.permits(entry):
			hosts = append(hosts, entry)
		case r.Rejected != nil:
			r.Rejected(entry)
		}
	}
	return hosts
}

func (r Round) permits(host string) bool {
	return r.configured(host) || r.Permit != nil && r.Permit(host)
}

func (r Round) configured(host string) bool {
	return slices.ContainsFunc(r.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}
