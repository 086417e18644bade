package icws

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ResponseError is an answer outside the success codes of its operation
// (protocol.md, 5). Its texts come from the server and are only cut: show none of
// them, and no Error, but through the secret.Screen that the client has.
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

// Error says which operation got which answer. What to do about it is not its to say.
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
	if e.Location != "" {
		fmt.Fprintf(&b, ", to the host %q", e.Location)
	}
	if e.Code >= 300 && e.Code < 400 {
		b.WriteString("; redirects are not followed")
	}
	if len(e.AlternateHosts) > 0 {
		fmt.Fprintf(&b, "; it names %d other hosts to connect to", len(e.AlternateHosts))
	}
	return b.String()
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

// Error says what went wrong with which operation.
func (e *RequestError) Error() string {
	return fmt.Sprintf("%s failed (%s): %v", e.Operation, e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }
