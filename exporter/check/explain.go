package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"icws_exporter/probe/icws"
)

const ports = "ICWS listens on 8019 for https and on 8018 for http"

// explain says what an error is and what to do about it, both for people.
func explain(err error) (detail, advice string) {
	var round *icws.RoundError
	var other *notICWSError
	var response *icws.ResponseError
	var request *icws.RequestError
	switch {
	case errors.As(err, &round):
		return explainRound(round)
	case errors.As(err, &other):
		detail, advice = explain(other.err)
		return "no ICWS, so the password was not sent: " + detail, advice
	case errors.As(err, &response):
		return describeResponse(response), adviseResponse(response)
	case errors.Is(err, context.Canceled):
		return "interrupted", "run the check again"
	case errors.As(err, &request):
		err = request.Err
	}
	reason := icws.ReasonOf(err)
	if request != nil {
		reason = request.Reason
	}
	if reason == icws.FailTLS {
		return cause(err), adviseAlert(err)
	}
	return cause(err), reasonAdvice[reason]
}

// notICWSError is a host that a server listed and that is something else.
type notICWSError struct{ err error }

func (e *notICWSError) Error() string { return e.err.Error() }

// explainRound repeats what every host said, and gives the advice for the host
// that decided.
func explainRound(round *icws.RoundError) (detail, advice string) {
	var answers []string
	decided := false
	for _, attempt := range round.Attempts {
		d, a := explain(attempt.Err)
		answers = append(answers, attempt.Host+": "+d)
		if !decided {
			advice = a
		}
		var response *icws.ResponseError
		decided = decided || errors.As(attempt.Err, &response) && response.AuthenticationFailed
	}
	if len(answers) == 0 {
		return "no host could be asked", ""
	}
	return strings.Join(answers, "; "), advice
}

// cause is the text of an error without the address in front that the step names
// anyway.
func cause(err error) string {
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Err != nil {
		return operation.Op + ": " + operation.Err.Error()
	}
	return err.Error()
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

// adviseResponse knows what is known of ICWS errors (protocol.md, 1.4, 1.5 and 5).
func adviseResponse(e *icws.ResponseError) string {
	id := strings.ToLower(e.ErrorID)
	switch {
	case e.Code >= 300 && e.Code < 400:
		return adviseRedirect(e)
	case e.Operation == icws.OpConnect:
		return adviseLogOn(e, id)
	case e.Operation == icws.OpVersion && (e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden):
		return "ICWS tells its version to everybody: a proxy or web server in front wants a log-on of its own, or is not ICWS at all"
	case e.Code == http.StatusUnauthorized:
		return adviseUnauthorized(e, id)
	case e.Code == http.StatusForbidden:
		return "the user lacks the right: in Interaction Administrator look at the user's security rights, or ask who runs the proxy"
	case e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed:
		return "check that the url leads to ICWS and not to the pages of another web server; behind a proxy it ends before /icws"
	case e.Code == http.StatusGone:
		return "this version of the server no longer has the resource; compare the versions"
	case e.Code == http.StatusTooManyRequests:
		return "something in front limits the number of requests; try later, and ask who runs it"
	case e.Code == http.StatusBadGateway || e.Code == http.StatusServiceUnavailable || e.Code == http.StatusGatewayTimeout:
		return "a proxy has no server behind it, or the server is starting; ask who runs it"
	case e.Code >= 500:
		return "the server failed; look at its Session Manager trace, and try again"
	default:
		return "the server did not accept the request; look at the message and at the server's Session Manager trace"
	}
}

func adviseRedirect(e *icws.ResponseError) string {
	if e.Location != "" {
		return fmt.Sprintf("redirects are not followed, because the password would go there; if %s is right, put it into the url", e.Location)
	}
	return "redirects are not followed, because the password would go there; put the final address into the url"
}

// adviceOnRefusal has words that are passwords of some.
const adviceOnRefusal = "the user or the password is wrong, the password has expired, or the account is locked: look at the user in Interaction Administrator; every refused log-on counts towards locking it, so mend it before the next one"

func adviseLogOn(e *icws.ResponseError, id string) string {
	switch {
	case e.AuthenticationFailed && e.Code == http.StatusBadRequest:
		return adviceOnRefusal
	case e.AuthenticationFailed:
		return fmt.Sprintf("ICWS refuses a user with 400; a %d comes from a proxy or web server in front that wants a log-on of its own", e.Code)
	case strings.Contains(id, "licen"):
		return "a licence is missing: the IC server needs the feature licence I3_FEATURE_ICWS_SDK (Interaction Administrator, licence management)"
	case e.Code == http.StatusBadRequest:
		return "if the message does not say why: the feature licence I3_FEATURE_ICWS_SDK may be missing, or the server may not allow log-on by password"
	case e.Code == http.StatusServiceUnavailable && len(e.AlternateHosts) > 0:
		return "this host takes no log-ons and names others (" + strings.Join(e.AlternateHosts, ", ") + "): the backup of a pair, or off-server Session Managers; add them to hosts, or to allowed_hosts"
	case e.Code == http.StatusServiceUnavailable:
		return "this host takes no log-ons: the backup of a pair, or starting; add the other host of the pair to hosts"
	case e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed:
		return "check that the url leads to ICWS; behind a proxy it ends before /icws"
	case e.Code == http.StatusGone:
		return "this version of the server no longer takes such log-ons"
	default:
		return "the server failed; look at its Session Manager trace, and try again"
	}
}

// The values of errorCode with a 401 (protocol.md, 5.2).
const (
	codeSessionID     = 1
	codeNoToken       = 2
	codeNoCookie      = 4
	codeInvalidCookie = 5
	codeAccessDenied  = 7
)

func adviseUnauthorized(e *icws.ResponseError, id string) string {
	switch {
	case e.ErrorCode == codeInvalidCookie || strings.Contains(id, "cookie"):
		return "the session's cookie came back changed: a proxy rewrites cookies, or sends requests of one session to different servers; it must be sticky and leave the cookie alone"
	case e.ErrorCode == codeNoCookie:
		return "the session's cookie was lost: a proxy drops the headers Set-Cookie or Cookie"
	case e.ErrorCode == codeNoToken:
		return "the session's token was lost: a proxy drops the header ININ-ICWS-CSRF-Token"
	case e.ErrorCode == codeSessionID:
		return "the server does not know the session: it has ended there (another log-on of the same user, or it expired), or a proxy changes the path so that its id is lost; give the exporter a user of its own, and look at the proxy"
	case e.ErrorCode == codeAccessDenied:
		return "the user lacks the right: in Interaction Administrator look at the user's security rights"
	default:
		return "the session ended: another log-on of the same user, or a proxy that is not sticky; give the exporter a user of its own"
	}
}

var reasonAdvice = [icws.NumFailureReasons]string{
	icws.FailTimeout:  "no answer in time: a firewall that drops packets, a wrong port, or an overloaded server; " + ports,
	icws.FailDNS:      "the name is not known here: check the spelling, the domain, and the DNS servers of this machine",
	icws.FailRefused:  "nothing listens on this port: " + ports + "; is the Session Manager running?",
	icws.FailReset:    "the connection was cut: a firewall, a proxy, or https and http mixed up (" + ports + ")",
	icws.FailTLS:      "check the scheme and port of the url, and http.tls_config",
	icws.FailTooLarge: "raise limits.response_bytes if the server really has that many status messages",
	icws.FailDecode:   "the answer is not from ICWS: check that the url does not lead to a page of a proxy or web server",
	icws.FailOther:    "check the url, the network and a proxy in between",
}
