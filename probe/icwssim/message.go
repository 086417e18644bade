package icwssim

import (
	"maps"
	"slices"
	"time"
)

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
		case s.quirks.Empties == "array":
			o = append(o, property{name, []string{}})
		case s.quirks.Empties == "null":
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

// fullMessage renders the whole catalogue.
func (s *Server) fullMessage() []byte {
	lists := statusLists{added: s.catalogue.all()}
	if s.quirks.FullInChanged {
		lists = statusLists{changed: lists.added}
	}
	return s.statusMessage(false, lists)
}

// sendFull queues the whole catalogue for the sessions.
func (s *Server) sendFull(sessions ...*session) {
	if len(sessions) == 0 {
		return
	}
	full := s.fullMessage()
	for _, x := range sessions {
		if !s.swallows(SwallowFull) {
			s.enqueue(x, SwallowFull, full)
		}
	}
}

// sendDelta queues one delta for every session whose subscription is normal.
func (s *Server) sendDelta(lists statusLists) {
	receivers := s.subscribers()
	switch {
	case len(receivers) == 0, lists.empty():
		return
	case s.quirks.FullForEveryChange:
		s.sendFull(receivers...)
		return
	case s.swallows(SwallowDeltas):
		return
	}
	delta := s.statusMessage(true, lists)
	for _, x := range receivers {
		s.enqueue(x, SwallowDeltas, delta)
	}
}

// subscribers returns the sessions that receive status messages.
func (s *Server) subscribers() []*session {
	return slices.DeleteFunc(s.liveSessions(), func(x *session) bool {
		sub := x.subscriptions[statusMessages]
		return sub == nil || sub.state != SubscriptionNormal
	})
}

// setSubscriptionState tells x the state of its subscriptions, which the message
// does not name. Only a normal one receives messages; one that becomes normal again
// starts with a full message.
func (s *Server) setSubscriptionState(x *session, state int) {
	if len(x.subscriptions) == 0 {
		return
	}
	s.announceState(x, state)
	for _, path := range slices.Sorted(maps.Keys(x.subscriptions)) {
		sub := x.subscriptions[path]
		returns := state == SubscriptionNormal && sub.state != SubscriptionNormal
		sub.state = state
		switch {
		case !returns:
		case path == statusMessages:
			s.sendFull(x)
		case path == userStatuses:
			s.sendUsers(x, sub, func(string) bool { return true })
		}
	}
	if state == SubscriptionNone {
		x.subscriptions = nil
	}
}

func (s *Server) announceState(x *session, state int) {
	s.enqueue(x, SwallowMessages, stateMessage(state))
}

func stateMessage(state int) []byte {
	return object{{"__type", typeSubscriptionState}, {"isDelta", false}, {"state", state}}.render()
}

// enqueue puts one message of a kind into the queue of x, within its bound.
func (s *Server) enqueue(x *session, kind Swallow, json []byte) {
	if x.ended {
		return
	}
	if bound := s.quirks.QueueBound; bound > 0 && len(x.queue) >= bound {
		switch s.quirks.QueueFull {
		case "drop-oldest":
			x.queue = x.queue[1:]
		case "drop-newest":
			return
		case "end-session":
			s.expire(x, "The message queue was full.")
			return
		}
	}
	s.lastMessage++
	m := message{number: s.lastMessage, due: s.due(x, kind), json: json}
	at := len(x.queue)
	for at > 0 && x.queue[at-1].due.After(m.due) {
		at--
	}
	x.queue = slices.Insert(x.queue, at, m)
	x.wake()
}

// due is when a message of a kind reaches the client: late by what the faults say,
// and not before an earlier one of its kind.
func (s *Server) due(x *session, kind Swallow) time.Time {
	due := time.Now()
	late := s.firstFault(func(f *scriptedFault) bool {
		return f.Fault.Late == kind || f.Fault.Late == SwallowMessages
	})
	if late != nil {
		due = due.Add(late.Fault.Delay)
	}
	for _, k := range []Swallow{kind, SwallowMessages} {
		if last := x.lastDue[k]; due.Before(last) {
			due = last
		}
	}
	if late != nil {
		if x.lastDue == nil {
			x.lastDue = map[Swallow]time.Time{}
		}
		x.lastDue[late.Fault.Late] = due
	}
	return due
}
