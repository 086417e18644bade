package icwssim

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// subscription is what a session is told (docs/protocol.md, 2).
type subscription struct {
	state int // as SubscriptionState
	// Of one that is about users: the folded ids, whether it is about all, and what it
	// asks to know of them (nil: all).
	users      map[string]bool
	all        bool
	properties []string
}

// statusMessages is the path of the subscription of status messages.
const statusMessages = "status/status-messages"

// subscribe answers PUT …/subscriptions/status/status-messages (protocol.md, 2).
// An empty body, {} and null are all in use, so any JSON will do.
func (s *Server) subscribe(c *call) answer {
	if body := bytes.TrimSpace(c.body); len(body) > 0 && !json.Valid(body) {
		return badRequest("error.request.invalidRepresentation", "The body is not JSON.")
	}
	x := c.session
	first := x.subscribe(statusMessages, &subscription{state: SubscriptionNormal})
	if s.quirks.AnnounceState {
		s.announceState(x, SubscriptionNormal)
	}
	if first || !s.quirks.NoResend {
		s.sendFull(x)
	}
	return emptyAnswer(http.StatusOK)
}

// subscribe creates or replaces a subscription; first says that there was none that
// received messages.
func (x *session) subscribe(path string, sub *subscription) (first bool) {
	former := x.subscriptions[path]
	if x.subscriptions == nil {
		x.subscriptions = map[string]*subscription{}
	}
	x.subscriptions[path] = sub
	return former == nil || former.state != SubscriptionNormal
}

// unsubscribe answers DELETE of a subscription. What is queued stays queued.
func (s *Server) unsubscribe(c *call) answer {
	x := c.session
	if x.subscriptions[c.subscription] == nil {
		if code := s.quirks.DeleteMissingCode; code >= 400 {
			return refusal(code, "There is no such subscription.")
		}
		return emptyAnswer(s.quirks.DeleteMissingCode)
	}
	delete(x.subscriptions, c.subscription)
	if s.quirks.AnnounceState {
		s.announceState(x, SubscriptionNone)
	}
	return emptyAnswer(http.StatusNoContent)
}

// list answers GET status/status-messages (protocol.md, 4).
func (s *Server) list(*call) answer {
	return ok(object{{"statusMessageList", s.catalogue.all()}})
}

// messages answers GET messaging/messages: a poll (protocol.md, 3.1), or a
// stream (3.2) when the client asks for one and the server knows how.
func (s *Server) messages(c *call) answer {
	if c.endpoint.operation == OpStream && s.opts.MessagingVersion >= 2 {
		return s.openStream(c)
	}
	list := []json.RawMessage{}
	for _, m := range c.session.take(false) {
		if !m.end {
			list = append(list, m.json)
		}
	}
	return ok(list)
}
