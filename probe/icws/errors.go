package icws

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ResponseError is an answer outside the success codes of its operation
// (protocol.md, 5). Its texts come from the server: they are cut, free of control
// characters, and never hold the password, the token or the cookie of the
// request.
type ResponseError struct {
	Operation Operation
	Code      int
	// ErrorID, ErrorCode and Message are those of the body; empty and 0 when it
	// had none, or was not JSON.
	ErrorID   string
	ErrorCode int
	Message   string
	// RetryAfter is what the header asked for; 0 without one.
	RetryAfter time.Duration
	// Location is the host that a 3xx points to. It is never followed.
	Location string
	// AlternateHosts are the hosts that the body lists, as they were written:
	// look at them with ValidHost before use (protocol.md, 1.4).
	AlternateHosts []string
	// AuthenticationFailed says that a log-on was refused because of the user or
	// the password, by the server (400) or a proxy (401, 403, 407).
	AuthenticationFailed bool
}

// Error says which operation got which answer, and what to do about it.
func (e *ResponseError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: the server answered %d", e.Operation, e.Code)
	if text := http.StatusText(e.Code); text != "" {
		fmt.Fprintf(&b, " (%s)", text)
	}
	if e.ErrorID != "" {
		fmt.Fprintf(&b, ", %s", e.ErrorID)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if a := e.advice(); a != "" {
		fmt.Fprintf(&b, "; %s", a)
	}
	return b.String()
}

func (e *ResponseError) advice() string {
	switch {
	case e.AuthenticationFailed:
		return "check the user and the password"
	case e.Code >= 300 && e.Code < 400 && e.Location != "":
		return fmt.Sprintf("redirects are not followed, set the URL to the host %q if it is right", e.Location)
	case e.Code >= 300 && e.Code < 400:
		return "redirects are not followed, check the URL"
	case e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed:
		return "check that the URL leads to ICWS"
	case e.Code == http.StatusGone:
		return "this version of the server no longer has the resource"
	case len(e.AlternateHosts) > 0:
		return fmt.Sprintf("it names %d other hosts to connect to", len(e.AlternateHosts))
	default:
		return ""
	}
}

// RequestError is a request without a usable answer: none came, or its body was
// cut, too large, or made no sense.
type RequestError struct {
	Operation Operation
	Reason    FailureReason
	// Code is the HTTP code when the headers arrived, else 0.
	Code int
	Err  error
}

// Error says what went wrong with which operation, and what to do about it.
func (e *RequestError) Error() string {
	text := fmt.Sprintf("%s failed (%s): %v", e.Operation, e.Reason, e.Err)
	if a := advice[e.Reason]; a != "" {
		text += "; " + a
	}
	return text
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }
