package icwssim

import "net/http"

func (s *Server) controlQuirks(*http.Request) (any, error) { return s.settings(), nil }

func (s *Server) controlSetQuirks(r *http.Request) (any, error) {
	t := Options{}.settings()
	if err := decode(r, &t); err != nil {
		return nil, err
	}
	s.setSettings(t)
	return s.settings(), nil
}

func (s *Server) settings() settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return settings{s.quirks, s.limits}
}

// setSettings changes how the server behaves from now on, its open streams included.
func (s *Server) setSettings(t settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	s.setQuirks(t.Quirks)
	s.limits = t.limits
	for _, x := range s.liveSessions() {
		x.wake()
	}
}
