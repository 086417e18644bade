package icwssim

import (
	"net/http"
	"strconv"
)

// versionInfo is the answer of connection/version (protocol.md, 6).
var versionInfo = object{
	{"majorVersion", "18"}, {"minorVersion", "4"}, {"su", "0"}, {"build", "171"},
	{"productId", "PureConnect"}, {"codebaseId", "18.4.0.171"},
	{"productReleaseDisplayString", "2018 R4"}, {"productPatchDisplayString", ""},
}

func (s *Server) version(*call) answer { return jsonAnswer(http.StatusOK, versionInfo.render()) }

func (s *Server) featureList(*call) answer {
	return jsonAnswer(http.StatusOK, object{{"featureInfoList", s.featureInfos()}}.render())
}

func (s *Server) featureByID(c *call) answer {
	for _, f := range s.featureInfos() {
		if f[0].value == c.id {
			return jsonAnswer(http.StatusOK, f.render())
		}
	}
	return badRequest(idUnsupported, "The feature is not supported.")
}

func (s *Server) featureInfos() []object {
	ids, versions := s.opts.features()
	infos := make([]object, 0, len(ids))
	for _, id := range ids {
		var version any = versions[id]
		if s.quirks.FeatureVersionsAsStrings {
			version = strconv.Itoa(versions[id])
		}
		infos = append(infos, object{{"featureId", id}, {"version", version}})
	}
	return infos
}

func (s *Server) serverTime(*call) answer {
	return jsonAnswer(http.StatusOK, object{{"serverUtcTime", s.utc()}}.render())
}

func (s *Server) serverInfo(*call) answer {
	return jsonAnswer(http.StatusOK, object{
		{"languages", []object{
			{{"languageID", "en-US"}, {"languageDisplayName", "English (United States)"}},
			{{"languageID", "de-DE"}, {"languageDisplayName", "Deutsch (Deutschland)"}},
		}},
		{"acceptLanguage", "en-US"},
		{"authentication", object{{"allowIcAuth", true}}},
	}.render())
}

// connectionState answers for present and former sessions (protocol.md, 1.7).
func (s *Server) connectionState(c *call) answer {
	x := s.sessions[c.sid]
	if x != nil && x.ended {
		o := object{{"connectionState", connectionDown}, {"reason", x.endReason}}
		return jsonAnswer(http.StatusOK, s.withShouldReconnect(o, x.shouldReconnect).render())
	}
	c.endpoint.access = withToken
	if a, refused := s.authenticate(c); refused {
		return a
	}
	return jsonAnswer(http.StatusOK, object{{"connectionState", connectionUp}}.render())
}

// withShouldReconnect adds what connection 3 and later say of a session that went down.
func (s *Server) withShouldReconnect(o object, should bool) object {
	if s.opts.ConnectionVersion < 3 || s.quirks.NoShouldReconnect {
		return o
	}
	return append(o, property{"shouldReconnect", should})
}

func (s *Server) switchoverStatus(c *call) answer {
	if s.opts.ConnectionVersion < 11 {
		return s.notFound(c)
	}
	status := s.switchover
	orDefault(&status.PrimaryHost, s.opts.Name)
	return jsonAnswer(http.StatusOK, appendJSON(nil, status))
}

func (s *Server) heartbeat(*call) answer { return emptyAnswer(s.quirks.HeartbeatCode) }
