package icwssim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const settingsPrefix = "urn:inin.com:connection:"

// connect answers POST /icws/connection (protocol.md, 1.1 and 1.2).
func (s *Server) connect(c *call) answer {
	if s.notAccepting {
		return icwsError{
			id: "error.server.notAcceptingConnections", hosts: nonNil(s.opts.AlternateHosts),
			message: "This Session Manager is not currently accepting connections.",
		}.answer(http.StatusServiceUnavailable)
	}
	language := c.request.Header.Get("Accept-Language")
	if language == "" {
		return badRequest("error.request.missingHeader", "The header Accept-Language is required.")
	}
	language, _, _ = strings.Cut(language, ",")
	if s.quirks.RejectInclude && c.request.URL.Query().Has("include") {
		return badRequest(idUnsupported, "The query parameter include is not supported.")
	}
	user, a, refused := s.logOn(c.body)
	if refused {
		return a
	}
	x := s.newSession(user, language)
	c.session = x
	return s.connected(x, c.request)
}

// logOn checks the body of a connect. Nothing of the body but the user's name is
// ever repeated: it holds the password.
func (s *Server) logOn(body []byte) (user string, a answer, refused bool) {
	var settings map[string]json.RawMessage
	if err := json.Unmarshal(body, &settings); err != nil || settings == nil {
		return "", badRequest("error.request.invalidRepresentation", "The body is not a JSON object."), true
	}
	text := func(name string) string {
		var v string
		_ = json.Unmarshal(settings[name], &v) // not a string counts as missing
		return v
	}
	switch strings.TrimPrefix(text("__type"), settingsPrefix) {
	case "icAuthConnectionRequestSettings":
	case "authTokenConnectionRequestSettings", "singleSignOnTokenConnectionRequestSettings":
		return "", invalidProperty("__type", "The simulator supports log-on by user and password only."), true
	case "":
		return "", missingProperty("__type"), true
	default:
		return "", invalidProperty("__type", "The type of the connection request settings is unknown."), true
	}
	for _, name := range []string{"applicationName", "userID", "password"} {
		if text(name) == "" {
			return "", missingProperty(name), true
		}
	}
	user = text("userID")
	s.journal.logOns[user]++
	if !strings.EqualFold(user, s.opts.User) || text("password") != s.password {
		return "", icwsError{
			id: idAuthentication, code: codeLogOnFailed, message: "The authentication process failed.",
		}.answer(http.StatusBadRequest), true
	}
	if s.quirks.LicenceMissing {
		return "", badRequest("error.request.connection.licenseNotAvailable", "The server has no licence I3_FEATURE_ICWS_SDK."), true
	}
	return user, answer{}, false
}

// connected is the 201 of a new session.
func (s *Server) connected(x *session, r *http.Request) answer {
	include := includes(r)
	o := object{}
	if s.quirks.SessionIn != "headers" {
		o = append(o, property{"csrfToken", x.token}, property{"sessionId", x.id})
	}
	if s.opts.AlternateHosts != nil {
		o = append(o, property{"alternateHostList", s.opts.AlternateHosts})
	}
	o = append(o,
		property{"userID", x.user}, property{"userDisplayName", "Simulated " + x.user},
		property{"icServer", s.opts.Name})
	if days := s.opts.DaysUntilPasswordExpiration; days != nil {
		o = append(o, property{"daysUntilPasswordExpiration", *days})
	}
	for _, member := range []struct {
		name    string
		version int // of the feature connection
		as      property
	}{
		{"version", 3, property{"version", versionInfo}},
		{"features", 3, property{"features", s.featureInfos()}},
		{"server-time", 4, property{"serverTimeInfo", object{{"serverUtcTime", s.utc()}}}},
		{"default-workstation", 5, property{"defaultWorkstationId", nil}},
		{"purecloud-integration", 8, property{"purecloudIntegration", object{{"integrationEnabled", false}}}},
		{"effective-station", 10, property{"effectiveStation", nil}},
	} {
		if s.opts.ConnectionVersion >= member.version && slices.Contains(include, member.name) {
			o = append(o, member.as)
		}
	}
	a := jsonAnswer(http.StatusCreated, o.render())
	base := s.opts.Prefix + "/icws/" + x.id
	a.header.Set("Location", base+"/connection")
	cookie := fmt.Sprintf("icws_%s=%s; Path=%s; HttpOnly", x.id, x.cookie, base)
	if r.TLS != nil {
		cookie += "; Secure"
	}
	a.header.Set("Set-Cookie", cookie)
	if s.quirks.SessionIn != "body" {
		a.header.Set(HeaderToken, x.token)
		a.header.Set(HeaderSession, x.id)
	}
	return a
}

// includes returns the members of the include parameter; unknown ones do no harm.
func includes(r *http.Request) []string {
	return strings.Split(strings.Join(r.URL.Query()["include"], ","), ",")
}

// disconnect answers DELETE /icws/{sid}/connection (protocol.md, 1.7).
func (s *Server) disconnect(c *call) answer {
	s.expire(c.session, "The client disconnected.")
	return emptyAnswer(http.StatusOK)
}

// utc is the server's clock.
func (s *Server) utc() string { return compact(time.Now().Add(s.opts.ClockOffset)) }

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
