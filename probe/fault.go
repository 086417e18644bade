package probe

import (
	"context"
	"errors"
	"time"

	"icws_exporter/probe/icws"
)

// fault is what an error asks the probe to do: the rows of the fault table of
// the architecture, by cause.
type fault uint8

const (
	faultTransient    fault = iota // 5xx, 429, no usable answer: backoff
	faultUndecodable               // an answer that makes no sense: backoff, resync
	faultRefused                   // 400, 403, 404, 405 …: backoff at its maximum
	faultRedirect                  // 3xx: backoff, never followed
	faultUnauthorized              // 401 with a session: a new session
	faultAuth                      // the log-on was refused: hold, the user is at risk
	faultGone                      // 410: the resource is removed from this server
	faultBreaker                   // not tried: the breaker is open
	faultCanceled                  // we are stopping
)

func faultOf(err error) fault {
	if errors.Is(err, context.Canceled) {
		return faultCanceled
	}
	if rejectedByBreaker(err) {
		return faultBreaker
	}
	var round *icws.RoundError
	if errors.As(err, &round) {
		return faultOfRound(round)
	}
	var response *icws.ResponseError
	if errors.As(err, &response) {
		return faultOfResponse(response)
	}
	var owed *owedError
	if errors.As(err, &owed) && lastCode(owed.err) != 0 {
		return faultRefused
	}
	if icws.ReasonOf(err) == icws.FailDecode {
		return faultUndecodable
	}
	return faultTransient
}

// faultOfRound is the fault of the attempt that ended the round, or else of the
// last host that answered at all, or else of the last host.
func faultOfRound(round *icws.RoundError) fault {
	worst := faultTransient
	for _, a := range round.Attempts {
		switch f := faultOf(a.Err); f {
		case faultAuth, faultGone, faultCanceled:
			return f
		case faultRefused, faultRedirect, faultUndecodable:
			worst = f
		}
	}
	return worst
}

func faultOfResponse(r *icws.ResponseError) fault {
	switch {
	case r.AuthenticationFailed:
		return faultAuth
	case r.Code == 401:
		return faultUnauthorized
	case r.Code == 410:
		return faultGone
	case r.Code == 429 || r.Code >= 500:
		return faultTransient
	case r.Code >= 300 && r.Code < 400:
		return faultRedirect
	default:
		return faultRefused
	}
}

// openFailureOf is the reason under which a failed log-on is counted.
func openFailureOf(err error) OpenFailure {
	switch faultOf(err) {
	case faultAuth:
		return OpenFailureAuth
	case faultGone:
		return OpenFailureGone
	case faultRefused, faultRedirect, faultUndecodable:
		return OpenFailureProtocol
	}
	switch code := lastCode(err); {
	case code == 503:
		return OpenFailureUnavailable
	case code != 0:
		return OpenFailureServerError
	default:
		return OpenFailureNetwork
	}
}

// onlyAwaited reports whether err is a round that asked no host, because log-ons to all
// of them are under way.
func onlyAwaited(err error) bool {
	for _, e := range attemptsOf(err) {
		var awaited *awaitedError
		if !errors.As(e, &awaited) {
			return false
		}
	}
	return err != nil
}

// lastCode is the HTTP code of the last host that answered, or 0.
func lastCode(err error) int {
	code := 0
	for _, e := range attemptsOf(err) {
		var response *icws.ResponseError
		if errors.As(e, &response) {
			code = response.Code
		}
	}
	return code
}

// retryAfterOf is the longest Retry-After that the answers asked for.
func retryAfterOf(err error) time.Duration {
	var longest time.Duration
	for _, e := range attemptsOf(err) {
		var response *icws.ResponseError
		if errors.As(e, &response) {
			longest = max(longest, response.RetryAfter)
		}
	}
	return longest
}

func attemptsOf(err error) []error {
	var round *icws.RoundError
	if !errors.As(err, &round) {
		return []error{err}
	}
	errs := make([]error, len(round.Attempts))
	for i, a := range round.Attempts {
		errs[i] = a.Err
	}
	return errs
}

// mayHaveLostMessages reports whether a poll that failed with err may have
// emptied the server's queue without our seeing what was in it.
func mayHaveLostMessages(err error) bool {
	var response *icws.ResponseError
	if errors.As(err, &response) {
		return response.Code >= 500
	}
	switch icws.ReasonOf(err) {
	case icws.FailRefused, icws.FailDNS, icws.FailTLS:
		return false
	default:
		return !rejectedByBreaker(err)
	}
}

// errSessionEnded is the server's word that the session is over.
var errSessionEnded = errors.New("the server ended the session")

// errFaulted is the server's word that a subscription does not work.
var errFaulted = errors.New("the server says that the subscription is faulted")

// errNotDelivering ends a session whose subscription carries no messages.
var errNotDelivering = errors.New("the subscription was accepted but delivers nothing")

// streamTimeout ends a stream on which nothing came for too long, or on which an event
// began and did not end in time.
type streamTimeout struct {
	what  string
	after time.Duration
}

func (e streamTimeout) Error() string { return e.what + e.after.String() }

const (
	silentFor    = "no byte on the stream for "
	stalledAfter = "the stream stalled inside an event, which was not whole after "
)

// streamFailure is why a stream broke; one that the server ended between two
// events did not break.
func streamFailure(err error) (reason icws.FailureReason, broke bool) {
	var timeout streamTimeout
	if errors.As(err, &timeout) {
		return icws.FailTimeout, true
	}
	var request *icws.RequestError
	if errors.As(err, &request) {
		return request.Reason, true
	}
	return 0, false
}

// sessionEnd says why a session has to be left and what comes after it.
type sessionEnd struct {
	err   error // in the operator's words
	close CloseReason
	loss  LossReason
	state State // the waiting state, or StateConnecting for a new session
	until time.Time
}

func (e *sessionEnd) Error() string { return e.err.Error() }
func (e *sessionEnd) Unwrap() error { return e.err }
