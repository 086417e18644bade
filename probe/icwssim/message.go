package icwssim

import "slices"

// The message types that the simulator sends by itself (protocol.md, 1.8, 3.3).
const (
	typeStatusMessages        = "urn:inin.com:status:statusMessagesMessage"
	typeConnectionStateChange = "urn:inin.com:connection:connectionStateChangeMessage"
	typeSubscriptionState     = "urn:inin.com:messaging:subscriptionStateMessage"
)

// Values of connectionState.
const (
	connectionUp   = 1
	connectionDown = 2
)

// The states of a subscription, as subscriptionStateMessage writes them.
const (
	SubscriptionNone = iota
	SubscriptionNormal
	SubscriptionSuspended
	SubscriptionFaulted
)

// statusMessage renders a statusMessagesMessage in the shape the quirks ask for.
func (s *Server) statusMessage(isDelta bool, lists statusLists) []byte {
	o := object{{"__type", typeStatusMessages}, {"isDelta", isDelta}}
	list := func(name string, n int, v any) {
		switch {
		case n > 0:
			o = append(o, property{name, v})
		case s.quirks.Empties == EmptyArray:
			o = append(o, property{name, []string{}})
		case s.quirks.Empties == EmptyNull:
			o = append(o, property{name, nil})
		}
	}
	list("statusMessagesAdded", len(lists.added), lists.added)
	list("statusMessagesChanged", len(lists.changed), lists.changed)
	list("statusMessagesRemoved", len(lists.removed), lists.removed)
	if delta := o[1]; s.quirks.IsDeltaLast {
		o = append(slices.Delete(o, 1, 2), delta)
	}
	if s.quirks.TypeLast {
		o = append(o[1:], o[0])
	}
	return o.render()
}

// sendFull queues the whole catalogue for x.
func (s *Server) sendFull(sessions ...*session) {
	if len(sessions) == 0 {
		return
	}
	lists := statusLists{added: s.catalogue.all()}
	if s.quirks.FullInChanged {
		lists = statusLists{changed: lists.added}
	}
	full := s.statusMessage(false, lists)
	for _, x := range sessions {
		if !s.swallows(SwallowFull) {
			s.enqueue(x, full)
		}
	}
}

// sendDelta queues one delta for every session whose subscription is normal.
func (s *Server) sendDelta(lists statusLists) {
	receivers := s.subscribers()
	if len(receivers) == 0 || s.swallows(SwallowDeltas) {
		return
	}
	delta := s.statusMessage(true, lists)
	for _, x := range receivers {
		s.enqueue(x, delta)
	}
}

// subscribers returns the sessions that receive status messages.
func (s *Server) subscribers() []*session {
	return slices.DeleteFunc(s.liveSessions(), func(x *session) bool {
		return !x.subscribed || x.state != SubscriptionNormal
	})
}

// setSubscriptionState tells x the state of its subscription. Only a normal one
// receives messages; one that becomes normal again starts with a full message.
func (s *Server) setSubscriptionState(x *session, state int) {
	returns := state == SubscriptionNormal && x.state != SubscriptionNormal
	s.announceState(x, state)
	x.state = state
	x.subscribed = state != SubscriptionNone
	if returns {
		s.sendFull(x)
	}
}

func (s *Server) announceState(x *session, state int) {
	s.enqueue(x, object{
		{"__type", typeSubscriptionState}, {"isDelta", false}, {"state", state},
	}.render())
}

// enqueue puts one message into the queue of x, within its bound.
func (s *Server) enqueue(x *session, json []byte) {
	if x.ended {
		return
	}
	if bound := s.quirks.QueueBound; bound > 0 && len(x.queue) >= bound {
		switch s.quirks.QueueFull {
		case DropOldest:
			x.queue = x.queue[1:]
		case DropNewest:
			return
		case EndSession:
			s.expire(x, "The message queue was full.")
			return
		}
	}
	s.lastMessage++
	x.queue = append(x.queue, message{s.lastMessage, json})
	x.wake()
}
