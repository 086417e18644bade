package icwssim

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// subscribe answers PUT …/subscriptions/status/status-messages (protocol.md, 2).
// An empty body, {} and null are all in use, so any JSON will do.
func (s *Server) subscribe(c *call) answer {
	if body := bytes.TrimSpace(c.body); len(body) > 0 && !json.Valid(body) {
		return badRequest("error.request.invalidRepresentation", "The body is not JSON.")
	}
	x := c.session
	first := !x.subscribed || x.state != SubscriptionNormal
	x.subscribed, x.state = true, SubscriptionNormal
	if s.quirks.AnnounceState {
		s.announceState(x, SubscriptionNormal)
	}
	if first || !s.quirks.NoResend {
		s.sendFull(x)
	}
	return emptyAnswer(http.StatusOK)
}

// unsubscribe answers DELETE of the same. What is queued stays queued.
func (s *Server) unsubscribe(c *call) answer {
	x := c.session
	if !x.subscribed {
		if code := s.quirks.DeleteMissingCode; code >= 400 {
			return icwsError{message: "There is no such subscription."}.answer(code)
		}
		return emptyAnswer(s.quirks.DeleteMissingCode)
	}
	x.subscribed, x.state = false, SubscriptionNone
	if s.quirks.AnnounceState {
		s.announceState(x, SubscriptionNone)
	}
	return emptyAnswer(http.StatusNoContent)
}

// list answers GET status/status-messages (protocol.md, 4).
func (s *Server) list(*call) answer {
	return jsonAnswer(http.StatusOK, object{{"statusMessageList", s.catalogue.all()}}.render())
}

// messages answers GET messaging/messages: a poll (protocol.md, 3.1), or a
// stream (3.2) when the client asks for one and the server knows how.
func (s *Server) messages(c *call) answer {
	if c.endpoint.operation == OpStream && s.opts.MessagingVersion >= 2 {
		return s.openStream(c)
	}
	queued := c.session.take(false)
	list := make([]json.RawMessage, len(queued))
	for i, m := range queued {
		list[i] = m.json
	}
	return jsonAnswer(http.StatusOK, appendJSON(nil, list))
}
