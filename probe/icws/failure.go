package icws

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"syscall"
)

// FailureReason is why a request had no usable answer (label reason= of
// icws_request_failures_total).
type FailureReason uint8

// The reasons.
const (
	FailTimeout FailureReason = iota
	FailDNS
	FailRefused
	FailReset
	FailTLS
	FailTooLarge
	FailDecode
	FailCanceled
	FailOther
)

var failureReasonNames = [...]string{
	FailTimeout:  "timeout",
	FailDNS:      "dns",
	FailRefused:  "refused",
	FailReset:    "reset",
	FailTLS:      "tls",
	FailTooLarge: "too_large",
	FailDecode:   "decode",
	FailCanceled: "canceled",
	FailOther:    "other",
}

// NumFailureReasons is how many reasons there are.
const NumFailureReasons = len(failureReasonNames)

// String returns the label value of the reason.
func (r FailureReason) String() string { return failureReasonNames[r] }

var errTooLarge = errors.New("the answer is larger than the limit")

// The scheme of the URL and the port do not fit together. Both are FailTLS.
var (
	ErrSpeaksHTTP = errors.New("https was asked of a port that speaks plain HTTP: ICWS has 8019 for https and 8018 for http")
	ErrSpeaksTLS  = errors.New("http was asked of a port that speaks TLS: write https:// into the URL (ICWS has 8019 for https and 8018 for http)")
)

var errHeaders = errors.New("the headers of the answer are larger than those of ICWS can be")

// named adds what an error of the transport means that has no type.
func named(err error) error {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		return fmt.Errorf("%w (%w)", ErrSpeaksHTTP, err)
	case strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`): // a TLS alert
		return fmt.Errorf("%w (%w)", ErrSpeaksTLS, err)
	case strings.Contains(err.Error(), "response headers exceeded"):
		return fmt.Errorf("%w (%w)", errHeaders, err)
	default:
		return err
	}
}

// saysTLSPort are what servers say in a 400 to plain HTTP on a port for TLS.
var saysTLSPort = []string{
	"HTTP request to an HTTPS server",           // Go
	"plain HTTP request was sent to HTTPS port", // nginx
	"plain HTTP to an SSL-enabled server port",  // Apache
	"combination of host and port requires TLS", // Tomcat
}

func isTLSPort(r request, code int, text []byte) bool {
	return r.url.Scheme == "http" && code == http.StatusBadRequest &&
		slices.ContainsFunc(saysTLSPort, func(says string) bool { return bytes.Contains(text, []byte(says)) })
}

// ReasonOf classifies an error of this package, or of a http.RoundTripper, by
// what is wrapped in it. An error that it does not know is FailOther.
func ReasonOf(err error) FailureReason {
	var request *RequestError
	if errors.As(err, &request) {
		return request.Reason
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return FailCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return FailTimeout
	case errors.As(err, &dns):
		return FailDNS
	case errors.Is(err, errTooLarge):
		return FailTooLarge
	case errors.Is(err, errHeaders):
		return FailDecode
	case errors.Is(err, syscall.ECONNREFUSED):
		return FailRefused
	case timedOut(err):
		return FailTimeout
	case isTLS(err):
		return FailTLS
	case isNotHTTP(err):
		return FailDecode
	case isReset(err):
		return FailReset
	default:
		return FailOther
	}
}

// timedOut covers os.ErrDeadlineExceeded and the time-outs of the transport too.
func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// isTLS reports whether the handshake failed. Much of crypto/tls has no error
// type, so its prefix has to do.
func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		alert     *net.OpError
	)
	switch {
	case errors.As(err, &record), errors.As(err, &verify), errors.As(err, &authority),
		errors.As(err, &name), errors.As(err, &invalid), errors.Is(err, ErrSpeaksTLS), errors.Is(err, ErrSpeaksHTTP):
		return true
	case errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"):
		return true
	}
	return err != nil && strings.Contains(err.Error(), "tls: ")
}

// notHTTP are what the errors of net/http say of an answer that is no HTTP/1.1: its
// status line, headers, length, transfer encoding, chunks and trailers. Most have no
// type.
var notHTTP = []string{
	"malformed HTTP ", "malformed MIME header",
	"multiple Content-Length headers", "bad Content-Length", "invalid empty Content-Length",
	"unsupported transfer encoding", "too many transfer encodings",
	"malformed chunked encoding", "chunked encoding contains too much non-data", "in chunked line", "chunked line ends",
	"chunk length", "header line too long",
	"bad trailer key", "suspiciously long trailer",
}

// isNotHTTP reports whether what answered does not speak HTTP, so that nothing is
// wrong with the port or the network.
func isNotHTTP(err error) bool {
	var protocol textproto.ProtocolError
	return errors.As(err, &protocol) || err != nil && slices.ContainsFunc(notHTTP, func(says string) bool {
		return strings.Contains(err.Error(), says)
	})
}

// isReset reports whether the connection ended before the answer did. Two of the
// transport's own errors for it have no type.
func isReset(err error) bool {
	for _, target := range []error{
		syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
		io.ErrUnexpectedEOF, io.EOF, net.ErrClosed,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return err != nil && (strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "unexpected EOF reading trailer"))
}
