package icwssim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// pageItems is how many items of a list a request with select gets at most.
const pageItems = 200

// configurationList answers a list of configuration objects: with select, or when
// the session's user may see nothing but its own, as the quirks say (docs/protocol-users.md,
// 4.2).
func (s *Server) configurationList(c *call, items, own []object) answer {
	isView := c.request.URL.Query().Get("rightsFilter") == "view" // admin is the default, and nobody is
	if !isView || len(items) == 0 && len(s.people.list) > 0 {
		switch s.quirks.ListWithoutRight {
		case "403":
			return refusal(http.StatusForbidden, "The list may not be viewed.")
		case "own":
			items = own
		default:
			items = nil
		}
	}
	code, contentRange := http.StatusOK, ""
	if all := len(items); c.request.URL.Query().Has("select") && all > pageItems && s.quirks.ListLimit != "off" {
		var first, last int
		if _, err := fmt.Sscanf(c.request.Header.Get("Range"), "items=%d-%d", &first, &last); err != nil {
			first, last = 0, pageItems-1
		}
		first = min(max(first, 0), all)
		items = items[first:min(max(last+1, first), first+pageItems, all)]
		contentRange = fmt.Sprintf("items %d-%d/%d", first, first+len(items)-1, all)
		if s.quirks.ListLimit == "206" {
			code = http.StatusPartialContent
		}
	}
	if items == nil {
		items = []object{}
	}
	a := jsonAnswer(code, object{{"items", items}}.render())
	if contentRange != "" {
		a.header.Set("Content-Range", contentRange)
	}
	return a
}

func configurationID(kind, id, name string) property {
	return property{"configurationId", object{{"id", id}, {"displayName", name}, {"uri", "/configuration/" + kind + "/" + id}}}
}

// userList answers GET configuration/users.
func (s *Server) userList(c *call) answer {
	var items []object
	for _, u := range s.visible() {
		items = append(items, object{configurationID("users", u.ID, u.Name)})
	}
	return s.configurationList(c, items, []object{{configurationID("users", s.opts.User, "Simulated "+s.opts.User)}})
}

// workgroups maps the names of the workgroups to their members.
func (s *Server) workgroups() (names []string, members map[string][]*User) {
	members = map[string][]*User{}
	for _, u := range s.visible() {
		for _, name := range u.Workgroups {
			if members[name] == nil {
				names = append(names, name)
			}
			members[name] = append(members[name], u)
		}
	}
	slices.Sort(names)
	return names, members
}

// workgroupList answers GET configuration/workgroups.
func (s *Server) workgroupList(c *call) answer {
	names, _ := s.workgroups()
	var items []object
	for _, name := range names {
		items = append(items, object{configurationID("workgroups", name, name)})
	}
	return s.configurationList(c, items, nil)
}

// workgroup answers GET configuration/workgroups/{id}.
func (s *Server) workgroup(c *call) answer {
	names, members := s.workgroups()
	i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, c.id) })
	switch {
	case i < 0:
		return refusal(http.StatusNotFound, "There is no such workgroup.")
	case c.request.URL.Query().Get("rightsFilter") != "view":
		return refusal(http.StatusForbidden, "The workgroup may not be administered.")
	}
	o := object{configurationID("workgroups", names[i], names[i])}
	if strings.Contains(c.request.URL.Query().Get("select"), "members") {
		list := []object{}
		for _, u := range members[names[i]] {
			list = append(list, configurationID("users", u.ID, u.Name).value.(object))
		}
		o = append(o, property{"members", list})
	}
	return ok(o)
}

// activations answers GET activations/workgroups[/{id}]: who is activated where.
func (s *Server) activations(c *call) answer {
	names, members := s.workgroups()
	wanted := strings.Split(c.request.URL.Query().Get("select"), ",")
	if c.id != "" {
		wanted = []string{c.id}
	}
	sets := []object{}
	for _, name := range names {
		if !slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, name) }) {
			continue
		}
		activated := map[string]bool{}
		for _, u := range members[name] {
			activated[u.ID] = u.LoggedIn
		}
		sets = append(sets, object{{"workgroupId", name}, {"activations", activated}})
	}
	switch {
	case c.id != "" && len(sets) == 0:
		return refusal(http.StatusNotFound, "There is no such workgroup.")
	case c.id != "":
		return ok(sets[0])
	case wanted[0] == "":
		return badRequest("error.request.missingParameter", "The query parameter select is required.")
	}
	return ok(object{{"workgroupActivationSetList", sets}})
}

// licences answers GET configuration/license-allocations.
func (s *Server) licences(c *call) answer {
	wanted := strings.Split(c.request.URL.Query().Get("select"), ",")
	var items []object
	for _, l := range s.opts.Licences {
		item := object{configurationID("license-allocations", l.ID, l.ID)}
		for _, p := range (object{{"concurrentAllowedCount", l.Allowed}, {"concurrentConfiguredCount", l.Allowed}, {"concurrentInUseCount", l.InUse}}) {
			if slices.Contains(wanted, p.name) { // without select there is the identity only
				item = append(item, p)
			}
		}
		items = append(items, item)
	}
	return s.configurationList(c, items, nil)
}

// SetLicences replaces the licences.
func (s *Server) SetLicences(to []Licence) {
	s.locked(func() { s.opts.Licences = slices.Clone(to) })
}

// subscribeConfiguration answers PUT …/configuration/users/{id}: the live list.
func (s *Server) subscribeConfiguration(c *call) answer {
	var body struct {
		IDs    []string `json:"configurationIds"`
		Filter string   `json:"rightsFilter"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil || len(body.IDs) == 0 {
		return missingProperty("configurationIds")
	}
	sub := &subscription{state: SubscriptionNormal, users: map[string]bool{}}
	var added []object
	for _, u := range s.visible() {
		if body.Filter == "view" && (body.IDs[0] == "*" || slices.ContainsFunc(body.IDs, func(id string) bool { return fold(id) == fold(u.ID) })) {
			added = append(added, object{configurationID("users", u.ID, u.Name)})
			sub.users[fold(u.ID)] = true
		}
	}
	sub.all = body.IDs[0] == "*"
	c.session.subscribe(c.subscription, sub)
	s.enqueue(c.session, SwallowFull, s.configurationMessage(c.subscription, false, added, nil))
	return emptyAnswer(http.StatusOK)
}

// configurationChanged tells the live lists of users that one was added or removed.
func (s *Server) configurationChanged(what, id string) {
	for _, x := range s.liveSessions() {
		for path, sub := range x.subscriptions {
			if !strings.HasPrefix(path, configurationUsers) || !sub.all && !sub.users[fold(id)] {
				continue
			}
			if u := s.people.byID[fold(id)]; what == "added" && u != nil {
				s.enqueue(x, SwallowDeltas, s.configurationMessage(path, true, []object{{configurationID("users", u.ID, u.Name)}}, nil))
			} else {
				s.enqueue(x, SwallowDeltas, s.configurationMessage(path, true, nil, []string{id}))
			}
		}
	}
}

func (s *Server) configurationMessage(path string, isDelta bool, added []object, removed []string) []byte {
	o := object{
		{"__type", "urn:inin.com:configuration.people:usersMessage"}, {"isDelta", isDelta},
		{"subscriptionId", strings.TrimPrefix(path, configurationUsers)},
	}
	always := s.quirks.UsersMessageLists == "all"
	if always || len(added) > 0 {
		o = append(o, property{"added", append([]object{}, added...)})
	}
	if always {
		o = append(o, property{"changed", []object{}})
	}
	if always || len(removed) > 0 {
		o = append(o, property{"removed", append([]string{}, removed...)})
	}
	return o.render()
}

// directories is a way to users and their states that the simulator does not have.
func (s *Server) directories(*call) answer {
	return refusal(http.StatusMethodNotAllowed, "The simulator has no directories.")
}
