package icwssim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// enoughUnread is how many unread messages of a session stop a fault that talks.
const enoughUnread = 1000

// newIDs is how many statuses a delta of SayNewIDs adds.
const newIDs = 100

// say has the server say what the fault wants until it is cleared.
func (s *Server) say(f *scriptedFault) {
	ticker := time.NewTicker(f.Fault.Every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
			s.sayOnce(f, f.Fault.Say[n%len(f.Fault.Say)])
		case <-f.cleared:
			return
		case <-s.closing.Done():
			return
		}
	}
}

func (s *Server) sayOnce(f *scriptedFault, what Saying) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	listeners := slices.DeleteFunc(s.liveSessions(), func(x *session) bool {
		return len(x.subscriptions) == 0 || len(x.queue) >= enoughUnread
	})
	if len(listeners) == 0 || s.firstFault(func(o *scriptedFault) bool { return o == f }) == nil {
		return
	}
	kind, message := s.saying(f, what)
	for _, x := range listeners {
		s.enqueue(x, kind, message)
	}
}

// saying renders what is said, and tells of which kind it is.
func (s *Server) saying(f *scriptedFault, what Saying) (kind Swallow, message []byte) {
	switch what {
	case SayFull:
		return SwallowFull, s.fullMessage()
	case SayOldFull:
		return SwallowFull, f.old
	case SayNewIDs:
		var lists statusLists
		for i := range newIDs {
			st := Status{ID: fmt.Sprintf("Never seen %d.%d", f.Acted, i), Text: "Never seen", SystemID: strconv.Itoa(i)}
			lists.added = append(lists.added, s.catalogue.render(&st))
		}
		return SwallowDeltas, s.statusMessage(true, lists)
	case SayFaulted:
		return SwallowMessages, stateMessage(SubscriptionFaulted)
	case SayNormal:
		return SwallowMessages, stateMessage(SubscriptionNormal)
	case SayUndecodable:
		return SwallowMessages, []byte(`{"__type":7,"isDelta":[`)
	default:
		return SwallowMessages, []byte(`{"__type":"urn:inin.com:new:message","isDelta":false}`)
	}
}
