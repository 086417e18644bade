package icwssim

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// session is one log-on (protocol.md, 1). It belongs to the holder of Server.mu.
type session struct {
	id, user, token, language string
	cookie                    string // value of the cookie icws_<id>
	created, used             time.Time

	ended           bool
	endReason       string
	shouldReconnect bool

	subscriptions map[string]*subscription // by path below messaging/subscriptions/
	queue         []message                // by due
	sent          []message                // kept for Quirks.Replay
	lastDue       map[Swallow]time.Time    // of the messages that are late, by kind
	streams       []*stream

	// Of a Script: how often each answer was asked for, and the PUTs of the subscription.
	asked map[string]int
	puts  int
}

// message is one queued message; number is its SSE id.
type message struct {
	number int
	due    time.Time // when it reaches the client
	json   []byte
	// Of a Script: what stands before the data of the event; and no message, but the end
	// of the stream, or its break.
	head        string
	end, broken bool
}

// replayDepth is how many sent messages Quirks.Replay keeps, and formerSessions
// how many ended sessions the server remembers for GET connection.
const (
	replayDepth    = 256
	formerSessions = 100
)

// SessionInfo describes a live session.
type SessionInfo struct {
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Language   string    `json:"language"`
	Subscribed bool      `json:"subscribed"`
	Streaming  bool      `json:"streaming"`
	Queued     int       `json:"queued"`
	Created    time.Time `json:"created"`
}

// newSession opens a session for user and displaces older ones if there are too many.
func (s *Server) newSession(user, language string) *session {
	s.displace(user)
	s.lastSession++
	now := time.Now()
	x := &session{
		id: strconv.Itoa(1000000 + s.lastSession), user: user, language: language,
		token: base64.StdEncoding.EncodeToString(randomBytes(18)), cookie: guid(),
		created: now, used: now,
	}
	if !s.quirks.PlainCookie {
		x.cookie += "|languageId=" + strings.ToLower(language)
	}
	s.sessions[x.id] = x
	return x
}

func (s *Server) displace(user string) {
	if s.quirks.MaxSessionsPerUser <= 0 {
		return
	}
	live := s.liveSessions()
	live = slices.DeleteFunc(live, func(x *session) bool { return !strings.EqualFold(x.user, user) })
	for len(live) >= s.quirks.MaxSessionsPerUser {
		s.tellDown(live[0], "Another log-on of this user ended the session.", false)
		live = live[1:]
	}
}

// tellDown ends x after a connectionStateChangeMessage (protocol.md, 1.8).
func (s *Server) tellDown(x *session, reason string, shouldReconnect bool) {
	s.enqueue(x, SwallowMessages, s.withShouldReconnect(object{
		{"__type", typeConnectionStateChange}, {"isDelta", false},
		{"previousConnectionState", connectionUp}, {"newConnectionState", connectionDown},
		{"reason", reason},
	}, shouldReconnect).render())
	s.end(x, reason, shouldReconnect)
}

// end makes x a former session. Its streams deliver what is queued and end; a
// poll may still fetch what is queued.
func (s *Server) end(x *session, reason string, shouldReconnect bool) {
	if x.ended {
		return
	}
	x.ended, x.endReason, x.shouldReconnect = true, reason, shouldReconnect
	x.subscriptions, x.sent = nil, nil
	x.wake()
	s.former = append(s.former, x.id)
	if len(s.former) > formerSessions {
		delete(s.sessions, s.former[0])
		s.former = s.former[1:]
	}
}

// expire ends x without a word.
func (s *Server) expire(x *session, reason string) {
	x.queue = nil
	s.end(x, reason, true)
}

// expireIdle ends the sessions that nobody used for SessionIdle. Every entry to
// the server calls it first, so that no timer is needed.
func (s *Server) expireIdle() {
	for _, x := range s.sessions {
		if left, idles := s.idleLeft(x); idles && left <= 0 {
			s.expire(x, "The session expired.")
		}
	}
}

// idleLeft returns how long x may still be unused, and whether its time runs at all.
func (s *Server) idleLeft(x *session) (time.Duration, bool) {
	held := len(x.streams) > 0 && !s.quirks.StreamDoesNotKeepAlive
	return time.Duration(s.quirks.SessionIdle) - time.Since(x.used), !x.ended && !held
}

// liveSessions returns the live sessions, oldest first.
func (s *Server) liveSessions() []*session {
	var live []*session
	for _, x := range s.sessions {
		if !x.ended {
			live = append(live, x)
		}
	}
	slices.SortFunc(live, func(a, b *session) int {
		return strings.Compare(a.id, b.id)
	})
	return live
}

// wake has the streams of x look at the queue.
func (x *session) wake() {
	for _, st := range x.streams {
		st.wake()
	}
}

// take takes from the queue what is due.
func (x *session) take(replay bool) []message {
	n, now := 0, time.Now()
	for n < len(x.queue) && !x.queue[n].due.After(now) {
		n++
	}
	taken := x.queue[:n:n]
	if x.queue = x.queue[n:]; len(x.queue) == 0 {
		x.queue = nil
	}
	if replay {
		x.sent = append(x.sent, taken...)
		x.sent = x.sent[max(0, len(x.sent)-replayDepth):]
	}
	return taken
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

func guid() string {
	b := randomBytes(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
