package icwssim

// Truth returns what the server holds now and lets the account see.
func (s *Server) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.catalogue.truth()
}

// Sessions returns the live sessions, oldest first.
func (s *Server) Sessions() []SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	infos := []SessionInfo{}
	for _, x := range s.liveSessions() {
		infos = append(infos, SessionInfo{
			ID: x.id, User: x.user, Language: x.language, Subscribed: x.subscriptions[statusMessages] != nil,
			Streaming: len(x.streams) > 0, Queued: len(x.queue), Created: x.created,
		})
	}
	return infos
}

// Apply makes the edits and sends them as one delta to every subscribed session.
func (s *Server) Apply(edits ...Edit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	s.apply(edits)
}

func (s *Server) apply(edits []Edit) {
	if len(edits) > 0 {
		s.sendDelta(s.catalogue.apply(edits))
	}
}

// Silently makes the edits without a message: a lost delta.
func (s *Server) Silently(edits ...Edit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalogue.apply(edits)
}

// Send queues a message, as written, for every live session: an unknown type or
// something that cannot be decoded. It must not contain a line break.
func (s *Server) Send(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	for _, x := range s.liveSessions() {
		s.enqueue(x, SwallowMessages, []byte(message))
	}
}

// SendFull sends the whole catalogue to every subscribed session.
func (s *Server) SendFull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	s.sendFull(s.subscribers()...)
}

// ExpireSessions ends every session without a word: its next call gets 401.
func (s *Server) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.liveSessions() {
		s.expire(x, "The session expired.")
	}
}

// EndSessions tells every session that its connection goes down and whether it
// should reconnect, and ends it.
func (s *Server) EndSessions(shouldReconnect bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.liveSessions() {
		s.tellDown(x, "The administrator ended the session.", shouldReconnect)
	}
}

// SubscriptionState tells every session that has subscriptions their state, one of
// the Subscription constants. Only a normal subscription receives deltas, and one
// that becomes normal again starts with a full message.
func (s *Server) SubscriptionState(state int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	for _, x := range s.liveSessions() {
		s.setSubscriptionState(x, state)
	}
}

// SetSwitchover changes what switchover-status answers.
func (s *Server) SetSwitchover(status Switchover) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switchover = status
}

// SetPassword changes the accepted password. Open sessions stay.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

// SetNotAccepting refuses log-ons with 503, or no longer. Open sessions stay.
func (s *Server) SetNotAccepting(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notAccepting = refuse
}

// Accepting reports whether log-ons are taken.
func (s *Server) Accepting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.notAccepting
}

// SetQuirks changes how the server behaves from now on.
func (s *Server) SetQuirks(q Quirks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setQuirks(q)
}

func (s *Server) setQuirks(q Quirks) {
	if q.ReverseStatus != s.quirks.ReverseStatus {
		s.catalogue.rerender(q.ReverseStatus)
	}
	s.catalogue.filtered = q.CatalogueRights == RightsFiltered
	s.quirks = q.withDefaults()
}
