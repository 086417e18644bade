package icwssim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// The paths of the subscriptions that are about users (docs/protocol-users.md, 1).
const (
	userStatuses       = "status/user-statuses"
	configurationUsers = "configuration/users/"
)

// subscribeUsers answers PUT …/status/user-statuses (docs/protocol-users.md, 2).
func (s *Server) subscribeUsers(c *call) answer {
	var body struct {
		UserIDs    []string `json:"userIds"`
		Properties []string `json:"userStatusProperties"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return badRequest("error.request.invalidRepresentation", "The body is not JSON.")
	}
	if len(body.UserIDs) == 0 && s.quirks.EmptyUserList == "400" {
		return missingProperty("userIds")
	}
	if body.Properties != nil && s.quirks.UserProperties == "400" {
		return invalidProperty("userStatusProperties", "A property is unknown.")
	}
	sub, refusal := s.userSubscription(body.UserIDs)
	if refusal.code != 0 {
		return refusal
	}
	if s.quirks.UserProperties == "entries" || s.quirks.UserProperties == "updates" {
		sub.properties = body.Properties
	}
	x := c.session
	former := x.subscriptions[userStatuses]
	if former != nil && s.quirks.UserListPut == "add" {
		for id := range former.users {
			sub.users[id] = true
		}
	}
	first := x.subscribe(userStatuses, sub)
	if s.quirks.AnnounceState {
		s.announceState(x, SubscriptionNormal)
	}
	switch {
	case first || s.quirks.UserResend == "resend":
		s.sendUsers(x, sub, func(string) bool { return true })
	case s.quirks.UserResend == "only-new-users":
		s.sendUsers(x, sub, func(id string) bool { return !former.users[id] })
	}
	return emptyAnswer(http.StatusOK)
}

// userSubscription makes the subscription to these users, or says why not.
func (s *Server) userSubscription(ids []string) (*subscription, answer) {
	sub := &subscription{state: SubscriptionNormal, users: map[string]bool{}}
	if most := s.quirks.UserMaximum; most > 0 && len(ids) > most {
		if s.quirks.UserMaximumAnswer == "400" {
			return nil, invalidProperty("userIds", "There are too many users.")
		}
		ids = ids[:most]
	}
	for _, id := range ids {
		fate := "include"
		if u := s.people.byID[fold(id)]; u == nil {
			fate = s.quirks.UnknownUser
		} else if u.NoRight {
			fate = s.quirks.NoUserRight
		}
		switch fate {
		case "404", "404-all":
			return nil, refusal(http.StatusNotFound, "A user does not exist.")
		case "400":
			return nil, invalidProperty("userIds", "A user does not exist.")
		case "403-all":
			return nil, refusal(http.StatusForbidden, "A user may not be viewed.")
		case "include", "empty-status":
			sub.users[fold(id)] = true
		}
	}
	return sub, answer{}
}

// sendUsers queues the users of a subscription that are wanted, in the shape that
// Quirks.UserInitial asks for.
func (s *Server) sendUsers(x *session, sub *subscription, wanted func(id string) bool) {
	var entries []object
	for _, u := range s.people.list {
		if id := fold(u.ID); sub.users[id] && wanted(id) {
			entries = append(entries, sub.filter(s.userEntry(u)))
		}
	}
	for id := range sub.users {
		if s.people.byID[id] == nil && wanted(id) {
			entries = append(entries, object{{"userId", id}, {"statusId", ""}})
		}
	}
	if s.lastMessage%2 == 1 { // their order is arbitrary (docs/protocol-users.md, 8)
		slices.Reverse(entries)
	}
	parts := [][]object{entries}
	if half := len(entries) / 2; s.quirks.UserInitial == "split" && half > 0 {
		parts = [][]object{entries[:half], entries[half:]}
	}
	for i, part := range parts {
		kind, isDelta := SwallowFull, i > 0 || s.quirks.UserInitial == "delta"
		if isDelta {
			kind = SwallowDeltas
		}
		if !s.swallows(kind) {
			s.enqueue(x, kind, s.userMessage(isDelta, part))
		}
	}
}

// filter leaves of an entry what the subscription asked for.
func (sub *subscription) filter(entry object) object {
	if sub.properties == nil {
		return entry
	}
	return slices.DeleteFunc(entry, func(p property) bool {
		return p.name != "userId" && p.name != "statusId" && !slices.Contains(sub.properties, p.name)
	})
}

// userMessage renders a userStatusMessage: isDelta comes after the list, as in the
// payloads that are known.
func (s *Server) userMessage(isDelta bool, entries []object) []byte {
	if entries == nil {
		entries = []object{}
	}
	return object{{"__type", "urn:inin.com:status:userStatusMessage"}, {"userStatusList", entries}, {"isDelta", isDelta}}.render()
}

// watchers are the sessions that watch the user called id.
func (s *Server) watchers(id string) []*session {
	return slices.DeleteFunc(s.liveSessions(), func(x *session) bool {
		sub := x.subscriptions[userStatuses]
		return sub == nil || sub.state != SubscriptionNormal || !sub.users[fold(id)]
	})
}

// sendUserDelta tells who watches the user what has changed.
func (s *Server) sendUserDelta(before User, u *User) {
	watchers := s.watchers(u.ID)
	if len(watchers) == 0 || s.swallows(SwallowDeltas) {
		return
	}
	entry := s.userEntry(u)
	if s.quirks.UserDelta == "changed" {
		was := map[string]string{}
		for _, p := range s.userEntry(&before) {
			was[p.name] = string(appendJSON(nil, p.value))
		}
		entry = slices.DeleteFunc(entry, func(p property) bool {
			return p.name != "userId" && p.name != "statusId" && was[p.name] == string(appendJSON(nil, p.value))
		})
	}
	entries := []object{entry}
	if s.quirks.UserCoalescing == "several" { // a stopover, and then the truth
		entries = []object{{{"userId", u.ID}, {"statusId", before.Status}}, entry}
	}
	for _, x := range watchers {
		sub := x.subscriptions[userStatuses]
		if sub.properties != nil && s.quirks.UserProperties == "updates" && !slices.ContainsFunc(entry, func(p property) bool {
			return slices.Contains(sub.properties, p.name)
		}) {
			continue
		}
		s.enqueue(x, SwallowDeltas, s.userMessage(true, entries))
	}
}

// putTime is how long a PUT of users takes (Quirks.UserPutTime for each).
func (s *Server) putTime(c *call) time.Duration {
	if c.endpoint.operation != OpSubscribe || c.subscription != userStatuses {
		return 0
	}
	var body struct {
		UserIDs []string `json:"userIds"`
	}
	_ = json.Unmarshal(c.body, &body) // what is wrong takes no time
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.quirks.UserPutTime) * time.Duration(len(body.UserIDs))
}
