package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe/icws"
)

// explain says what an error is and what to do about it, both for people.
func explain(err error) (detail, what string) {
	var round *icws.RoundError
	var other *notICWSError
	switch {
	case errors.As(err, &round):
		return explainRound(round)
	case errors.As(err, &other):
		detail, what = explain(other.err)
		return "no ICWS, so the password was not sent: " + detail, what
	case icws.ReasonOf(err) == icws.FailTLS:
		return cause(err), adviseAlert(err)
	default:
		return cause(err), advice.Of(err).Line()
	}
}

// notICWSError is a host that a server listed and that is something else.
type notICWSError struct{ err error }

func (e *notICWSError) Error() string { return e.err.Error() }

// explainRound repeats what every host said, and gives the advice for the host
// that decided.
func explainRound(round *icws.RoundError) (detail, what string) {
	var answers []string
	decided := false
	for _, attempt := range round.Attempts {
		d, a := explain(attempt.Err)
		answers = append(answers, attempt.Host+": "+d)
		if !decided {
			what = a
		}
		var response *icws.ResponseError
		decided = decided || errors.As(attempt.Err, &response) && response.AuthenticationFailed
	}
	if len(answers) == 0 {
		return "no host could be asked", ""
	}
	return strings.Join(answers, "; "), what
}

// cause is the text of an error without what the step names anyway: the operation and
// the address.
func cause(err error) string {
	var response *icws.ResponseError
	var request *icws.RequestError
	var operation *net.OpError
	switch {
	case errors.As(err, &response):
		return describeResponse(response)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &operation) && operation.Err != nil:
		return operation.Op + ": " + operation.Err.Error()
	case errors.As(err, &request):
		return request.Err.Error()
	default:
		return err.Error()
	}
}

func describeResponse(e *icws.ResponseError) string {
	text := fmt.Sprintf("answered %d", e.Code)
	if name := http.StatusText(e.Code); name != "" {
		text += " (" + name + ")"
	}
	if e.ErrorID != "" {
		text += ", " + e.ErrorID
	}
	if e.ErrorCode != 0 {
		text += fmt.Sprintf(", errorCode %d", e.ErrorCode)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// advise is what to do about what a step has found, in a line. host is what it is
// about, where it is about a host or an authority.
func advise(r advice.Reason, host string) string { return advice.For(r, advice.About{Host: host}).Do }
