package icwssim

import (
	"cmp"
	"strconv"
)

// versionInfo is the answer of connection/version (protocol.md, 6).
var versionInfo = object{
	{"majorVersion", "18"}, {"minorVersion", "4"}, {"su", "0"}, {"build", "171"},
	{"productId", "PureConnect"}, {"codebaseId", "18.4.0.171"},
	{"productReleaseDisplayString", "2018 R4"}, {"productPatchDisplayString", ""},
}

func (s *Server) version(*call) answer { return ok(versionInfo) }

func (s *Server) featureList(*call) answer {
	return ok(object{{"featureInfoList", s.featureInfos()}})
}

func (s *Server) featureByID(c *call) answer {
	for _, f := range s.featureInfos() {
		if f[0].value == c.id {
			return ok(f)
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
	return ok(object{{"serverUtcTime", s.utc()}})
}

func (s *Server) serverInfo(*call) answer {
	return ok(object{
		{"languages", []object{
			{{"languageID", "en-US"}, {"languageDisplayName", "English (United States)"}},
			{{"languageID", "de-DE"}, {"languageDisplayName", "Deutsch (Deutschland)"}},
		}},
		{"acceptLanguage", "en-US"},
		{"authentication", object{{"allowIcAuth", true}}},
	})
}

// connectionState answers for present and former sessions (protocol.md, 1.7).
func (s *Server) connectionState(c *call) answer {
	x := s.sessions[c.sid]
	if x != nil && x.ended {
		o := object{{"connectionState", connectionDown}, {"reason", x.endReason}}
		return ok(s.withShouldReconnect(o, x.shouldReconnect))
	}
	c.endpoint.access = withToken
	if a, refused := s.authenticate(c); refused {
		return a
	}
	return ok(object{{"connectionState", connectionUp}})
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
	status.PrimaryHost = cmp.Or(status.PrimaryHost, s.opts.Name)
	return ok(status)
}

func (s *Server) heartbeat(*call) answer { return emptyAnswer(s.quirks.HeartbeatCode) }
