package icwssim

// locked does something to the server as it is now.
func (s *Server) locked(act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	act()
}

// told returns what f finds out of the server as it is now.
func told[T any](s *Server, f func() T) (v T) {
	s.locked(func() { v = f() })
	return v
}

// eachSession does something to every live session, oldest first.
func (s *Server) eachSession(act func(*session)) {
	s.locked(func() {
		for _, x := range s.liveSessions() {
			act(x)
		}
	})
}

// Truth returns what the server holds now and lets the session's user see.
func (s *Server) Truth() Truth { return told(s, func() Truth { return s.catalogue.truth() }) }

// Sessions returns the live sessions, oldest first.
func (s *Server) Sessions() []SessionInfo {
	return told(s, func() []SessionInfo {
		infos := []SessionInfo{}
		for _, x := range s.liveSessions() {
			infos = append(infos, SessionInfo{
				ID: x.id, User: x.user, Language: x.language, Subscribed: x.subscriptions[statusMessages] != nil,
				Streaming: len(x.streams) > 0, Queued: len(x.queue), Created: x.created,
			})
		}
		return infos
	})
}

// Apply makes the edits and sends them as one delta to every subscribed session.
func (s *Server) Apply(edits ...Edit) { s.locked(func() { s.apply(edits) }) }

func (s *Server) apply(edits []Edit) {
	if len(edits) > 0 {
		s.sendDelta(s.catalogue.apply(edits))
	}
}

// Silently makes the edits without a message: a lost delta.
func (s *Server) Silently(edits ...Edit) { s.locked(func() { s.catalogue.apply(edits) }) }

// Send queues a message, as written, for every live session: an unknown type or
// something that cannot be decoded. It must not contain a line break.
func (s *Server) Send(message string) {
	s.eachSession(func(x *session) { s.enqueue(x, SwallowMessages, []byte(message)) })
}

// SendFull sends the whole catalogue to every subscribed session.
func (s *Server) SendFull() { s.locked(func() { s.sendFull(s.subscribers()...) }) }

// ExpireSessions ends every session without a word: its next call gets 401.
func (s *Server) ExpireSessions() {
	s.eachSession(func(x *session) { s.expire(x, "The session expired.") })
}

// EndSessions tells every session that its connection goes down and whether it
// should reconnect, and ends it.
func (s *Server) EndSessions(shouldReconnect bool) {
	s.eachSession(func(x *session) { s.tellDown(x, "The administrator ended the session.", shouldReconnect) })
}

// SubscriptionState tells every session that has subscriptions their state, one of
// the Subscription constants. Only a normal subscription receives deltas, and one
// that becomes normal again starts with a full message.
func (s *Server) SubscriptionState(state int) {
	s.eachSession(func(x *session) { s.setSubscriptionState(x, state) })
}

// SetSwitchover changes what switchover-status answers.
func (s *Server) SetSwitchover(status Switchover) { s.locked(func() { s.switchover = status }) }

// SetPassword changes the accepted password. Open sessions stay.
func (s *Server) SetPassword(password string) { s.locked(func() { s.password = password }) }

// SetNotAccepting refuses log-ons with 503, or no longer. Open sessions stay.
func (s *Server) SetNotAccepting(refuse bool) { s.locked(func() { s.notAccepting = refuse }) }

// Accepting reports whether log-ons are taken.
func (s *Server) Accepting() bool { return told(s, func() bool { return !s.notAccepting }) }

// SetQuirks changes how the server behaves from now on, its open streams included. It
// panics if a quirk has a value that it cannot have.
func (s *Server) SetQuirks(q Quirks) {
	q = q.checked()
	s.locked(func() {
		if q.ReverseStatus != s.quirks.ReverseStatus {
			s.catalogue.rerender(q.ReverseStatus)
		}
		s.catalogue.filtered = q.CatalogueRights == "filtered"
		s.quirks = q
		for _, x := range s.liveSessions() {
			x.wake()
		}
	})
}
