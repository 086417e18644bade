package icwssim

import "net/http"

// mediaType is exact: the official client library parses nothing else
// (protocol.md, 7).
const mediaType = "application/vnd.inin.icws+JSON;charset=utf-8"

// answer is a whole HTTP answer, or the promise of a stream.
type answer struct {
	code   int
	header http.Header
	body   []byte
	stream *stream
}

func jsonAnswer(code int, body []byte) answer {
	return answer{code: code, header: http.Header{"Content-Type": {mediaType}}, body: body}
}

func ok(v any) answer { return jsonAnswer(http.StatusOK, appendJSON(nil, v)) }

func emptyAnswer(code int) answer { return answer{code: code, header: http.Header{}} }

// icwsError is an error body (protocol.md, 5.1): its absent parts are not written.
type icwsError struct {
	typ, id  string
	code     int
	message  string
	property string
	hosts    []string // alternateHostList, unless nil
}

// Values of errorCode (protocol.md, 5.2).
const (
	codeSessionID      = 1
	codeToken          = 2
	codeCookieMissing  = 4
	codeCookieInvalid  = 5
	codeLogOnFailed    = -2147221503
	codeSessionUnknown = -2147221499
)

// Values of errorId that are needed twice.
const (
	idAuthentication  = "error.request.connection.authenticationFailure"
	idInvalidProperty = "error.request.invalidRepresentation.invalidProperty"
	idUnsupported     = "error.request.unsupported"
)

func (e icwsError) answer(code int) answer {
	var o object
	add := func(present bool, name string, value any) {
		if present {
			o = append(o, property{name, value})
		}
	}
	add(e.typ != "", "__type", e.typ)
	add(e.id != "", "errorId", e.id)
	add(e.code != 0, "errorCode", e.code)
	add(true, "message", e.message)
	add(e.property != "", "propertyName", e.property)
	add(e.hosts != nil, "alternateHostList", e.hosts)
	a := jsonAnswer(code, o.render())
	if code == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `ICWS realm="ICWS" location="/ICWS/connection"`)
	}
	return a
}

// unauthorized is a 401; its body always carries an empty alternateHostList, as
// seen on real servers.
func unauthorized(id string, code int, message string) answer {
	return icwsError{id: id, code: code, message: message, hosts: []string{}}.answer(http.StatusUnauthorized)
}

func refusal(code int, message string) answer { return icwsError{message: message}.answer(code) }

func badRequest(id, message string) answer {
	return icwsError{id: id, message: message}.answer(http.StatusBadRequest)
}

func missingProperty(name string) answer {
	return icwsError{
		typ: "urn:inin.com:common:missingPropertyError", id: "error.request.invalidRepresentation.missingProperty",
		message: "The property " + name + " is required.", property: name,
	}.answer(http.StatusBadRequest)
}

func invalidProperty(name, message string) answer {
	return icwsError{
		typ: "urn:inin.com:common:invalidPropertyError", id: idInvalidProperty,
		message: message, property: name,
	}.answer(http.StatusBadRequest)
}
