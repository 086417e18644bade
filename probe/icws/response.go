package icws

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxMessageRunes = 200
	maxErrorIDRunes = 100

	// What a server says of a wrong password (protocol.md, 5.2); old ones send
	// the number only.
	authenticationFailure     = "authenticationFailure"
	authenticationFailureCode = -2147221503
)

// responseError makes the error of an answer without a success code. Whatever its
// body is, the code is kept. A 400 of a web server that wants TLS is a *RequestError.
func responseError(r request, resp *http.Response, body io.Reader) error {
	e := &ResponseError{
		Operation:  r.op,
		Code:       resp.StatusCode,
		RetryAfter: retryAfter(resp.Header),
		Location:   locationHost(r, resp),
	}
	// A body that breaks off still says what it said until then.
	text, _ := io.ReadAll(io.LimitReader(body, maxIgnoredBytes))
	e.read(text)
	if e.ErrorID == "" && isTLSPort(r, e.Code, text) {
		return &RequestError{Operation: r.op, Reason: FailTLS, Code: e.Code, Err: ErrSpeaksTLS}
	}
	if r.people {
		// Users are nobody's business, and the code says enough.
		e.Message = ""
		if e.Code != http.StatusUnauthorized {
			e.ErrorID = ""
		}
	}
	if r.op == OpConnect {
		e.AuthenticationFailed = e.refusesUser()
	}
	return e
}

func (e *ResponseError) refusesUser() bool {
	switch e.Code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return true
	case http.StatusBadRequest:
		id := e.ErrorID[strings.LastIndexByte(e.ErrorID, '.')+1:]
		return strings.EqualFold(id, authenticationFailure) || e.ErrorCode == authenticationFailureCode
	default:
		return false
	}
}

// read takes what it can from the body (protocol.md, 5.1 and 1.4).
func (e *ResponseError) read(body []byte) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	d := newDocument(bytes.NewReader(body))
	defer d.release()
	d.object(map[string]func(){
		"errorId":   func() { e.ErrorID = cut(d.scalar(), maxErrorIDRunes) },
		"errorCode": func() { e.ErrorCode, _ = strconv.Atoi(d.scalar()) },
		"message":   func() { e.Message = plain(d.scalar(), maxMessageRunes) },
		"alternateHostList": func() {
			e.AlternateHosts = nil
			for range d.elements {
				if host := d.scalar(); host != "" {
					e.AlternateHosts = append(e.AlternateHosts, host)
				}
			}
		},
	})
	if strings.HasPrefix(e.Message, "<") {
		e.Message = "" // a page, not a message
	}
}

// retryAfter reads both forms of the header.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		const most = math.MaxInt64 / int64(time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(at.Sub(now), 0)
}

func locationHost(r request, resp *http.Response) string {
	location := resp.Header.Get("Location")
	if location == "" || resp.StatusCode < 300 || resp.StatusCode > 399 {
		return ""
	}
	to, err := r.url.Parse(location)
	if err != nil {
		return ""
	}
	return cut(to.Host, maxErrorIDRunes)
}

// plain makes a text of the server fit for one line of a log.
func plain(text string, runes int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return cut(strings.Join(strings.Fields(text), " "), runes)
}

func cut(text string, runes int) string {
	for i := range text {
		if runes == 0 {
			return text[:i] + "…"
		}
		runes--
	}
	return text
}
