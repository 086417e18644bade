package probe

import (
	"errors"
	"time"

	"icws_exporter/probe/icws"
)

// DownReason is why a server is not up (icws_down_reason).
type DownReason uint8

// The values of DownReason. NotDown is none of those that the metric has.
const (
	DownStarting DownReason = iota // nothing has failed yet
	DownNetwork
	DownTLS
	DownDNS
	DownRefusedLogOn
	DownUnauthorized
	DownDisplaced
	DownGone
	DownServerError
	DownNotDelivering
	DownStale
	DownProtocol
	DownTooLarge

	NotDown
)

var downReasonNames = [...]string{
	DownStarting:      "starting",
	DownNetwork:       "network",
	DownTLS:           "tls",
	DownDNS:           "dns",
	DownRefusedLogOn:  "refused_log_on",
	DownUnauthorized:  "unauthorized",
	DownDisplaced:     "displaced",
	DownGone:          "gone",
	DownServerError:   "server_error",
	DownNotDelivering: "not_delivering",
	DownStale:         "stale",
	DownProtocol:      "protocol",
	DownTooLarge:      "too_large",
	NotDown:           "",
}

// NumDownReasons is how many reasons there are, without NotDown.
const NumDownReasons = int(NotDown)

// String returns the label value of v, and nothing for NotDown.
func (v DownReason) String() string { return downReasonNames[v] }

// DownAt returns why the server is not up at now, or NotDown.
func (s *Snapshot) DownAt(now time.Time) DownReason {
	switch {
	case s.Up(now):
		return NotDown
	case s.Down == NotDown:
		return DownStale // since the snapshot was made
	default:
		return s.Down
	}
}

// downReason is why the server is not up, by the state or by the last error.
func (l *loop) downReason() DownReason {
	switch l.state {
	case StateAuthHold:
		return DownRefusedLogOn
	case StateUnauthorizedHold:
		return DownUnauthorized
	case StateDisplacedHold:
		return DownDisplaced
	case StateGoneHold:
		return DownGone
	case StateLive:
		if l.feeds[StatusMessages].Up {
			return DownStale
		}
		return DownNotDelivering
	}
	if l.cause == nil {
		return DownStarting
	}
	return downReasonOf(l.cause)
}

func downReasonOf(err error) DownReason {
	switch {
	case errors.Is(err, errTooLarge), icws.ReasonOf(err) == icws.FailTooLarge:
		return DownTooLarge
	case errors.Is(err, errNotDelivering), errors.Is(err, errFaulted):
		return DownNotDelivering
	case errors.Is(err, errSessionEnded):
		return DownServerError
	}
	var owed *owedError
	if errors.As(err, &owed) {
		return downReasonOf(owed.err)
	}
	var unreadable *passwordError
	if errors.As(err, &unreadable) {
		return DownRefusedLogOn
	}
	switch faultOf(err) {
	case faultAuth:
		return DownRefusedLogOn
	case faultUnauthorized:
		return DownUnauthorized
	case faultGone:
		return DownGone
	case faultRefused, faultRedirect, faultUndecodable:
		return DownProtocol
	}
	if lastCode(err) != 0 {
		return DownServerError
	}
	reason := DownNetwork
	for _, e := range attemptsOf(err) {
		switch icws.ReasonOf(e) {
		case icws.FailDNS:
			reason = DownDNS
		case icws.FailTLS:
			reason = DownTLS
		}
	}
	return reason
}
