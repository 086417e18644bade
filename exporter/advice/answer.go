package advice

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"icws_exporter/probe/icws"
)

// Of returns the advice for the error of one request. An error that it does not know
// is NoAnswer.
func Of(err error) Advice {
	var response *icws.ResponseError
	switch {
	case errors.As(err, &response):
		return ofAnswer(response)
	case errors.Is(err, context.Canceled):
		return For(Interrupted, About{})
	default:
		return For(failures[icws.ReasonOf(err)], About{})
	}
}

var failures = [icws.NumFailureReasons]Reason{
	icws.FailTimeout: Timeout, icws.FailDNS: DNS, icws.FailRefused: Refused, icws.FailReset: Reset, icws.FailTLS: TLS,
	icws.FailTooLarge: TooLarge, icws.FailDecode: Undecodable, icws.FailCanceled: Interrupted, icws.FailOther: NoAnswer,
}

func ofAnswer(e *icws.ResponseError) Advice {
	about := About{Host: e.Location, Code: strconv.Itoa(e.Code)}
	if len(e.AlternateHosts) > 0 {
		about.Host = strings.Join(e.AlternateHosts, ", ")
	}
	return For(reasonOf(e), about)
}

// reasonOf knows what is known of ICWS errors (docs/protocol.md, 1.4, 1.5 and 5).
func reasonOf(e *icws.ResponseError) Reason {
	switch {
	case e.Code >= 300 && e.Code < 400 && e.Location != "":
		return RedirectedTo
	case e.Code >= 300 && e.Code < 400:
		return Redirected
	case e.Operation == icws.OpConnect:
		return ofLogOn(e)
	case e.Operation == icws.OpVersion && (e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden):
		return OtherLogOn
	case e.Code == http.StatusUnauthorized:
		return ofUnauthorized(e)
	case e.Code == http.StatusForbidden:
		return RightMissing
	case e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed:
		return NotICWS
	case e.Code == http.StatusGone:
		return ResourceGone
	case e.Code == http.StatusTooManyRequests:
		return TooManyRequests
	case e.Code == http.StatusBadGateway || e.Code == http.StatusServiceUnavailable || e.Code == http.StatusGatewayTimeout:
		return NothingBehindProxy
	case e.Code >= 500:
		return ServerError
	default:
		return NotAccepted
	}
}

func ofLogOn(e *icws.ResponseError) Reason {
	switch {
	case e.AuthenticationFailed && e.Code == http.StatusBadRequest:
		return RefusedLogOn
	case e.AuthenticationFailed:
		return ProxyLogOn
	case strings.Contains(strings.ToLower(e.ErrorID), "licen"):
		return LicenceMissing
	case e.Code == http.StatusBadRequest:
		return LogOnNotAllowed
	case e.Code == http.StatusServiceUnavailable && len(e.AlternateHosts) > 0:
		return NamesOthers
	case e.Code == http.StatusServiceUnavailable:
		return NoLogOns
	case e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed:
		return NotICWS
	case e.Code == http.StatusGone:
		return ResourceGone
	default:
		return ServerError
	}
}

// The values of errorCode with a 401 (docs/protocol.md, 5.2).
const (
	codeSessionID     = 1
	codeNoToken       = 2
	codeNoCookie      = 4
	codeInvalidCookie = 5
	codeAccessDenied  = 7
)

func ofUnauthorized(e *icws.ResponseError) Reason {
	switch {
	case e.ErrorCode == codeInvalidCookie || strings.Contains(strings.ToLower(e.ErrorID), "cookie"):
		return CookieChanged
	case e.ErrorCode == codeNoCookie:
		return CookieLost
	case e.ErrorCode == codeNoToken:
		return TokenLost
	case e.ErrorCode == codeSessionID:
		return SessionUnknown
	case e.ErrorCode == codeAccessDenied:
		return RightMissing
	default:
		return SessionEnded
	}
}
