package icwssim

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
)

// catalogue is the simulator's truth about its status messages. It belongs to
// the holder of Server.mu.
type catalogue struct {
	entries  []entry
	place    map[string]int // folded id -> index in entries
	systemID int            // highest number given
	revision uint64
	reversed bool // order of the properties of a status
	filtered bool // the session's user does not see all
}

type entry struct {
	status Status
	json   json.RawMessage
}

func newCatalogue(statuses []Status, q Quirks) *catalogue {
	c := &catalogue{
		place: make(map[string]int, len(statuses)), reversed: q.ReverseStatus,
		filtered: q.CatalogueRights == "filtered",
	}
	for _, st := range statuses {
		if n, err := strconv.Atoi(st.SystemID); err == nil {
			c.systemID = max(c.systemID, n)
		}
	}
	for _, st := range statuses {
		c.put(st)
	}
	return c
}

// shows reports whether the session's user sees the status called id.
func (c *catalogue) shows(id string) bool {
	if !c.filtered {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(fold(id))) // never fails
	return h.Sum32()%3 > 0
}

func (c *catalogue) render(st *Status) json.RawMessage {
	if c.reversed {
		return st.properties().reversed().render()
	}
	return st.properties().render()
}

// rerender renders everything again after the order of properties changed.
func (c *catalogue) rerender(reversed bool) {
	c.reversed = reversed
	for i := range c.entries {
		c.entries[i].json = c.render(&c.entries[i].status)
	}
}

// put adds or replaces st and returns its JSON. A status without an id is
// rendered but not kept: no client can keep it either.
func (c *catalogue) put(st Status) json.RawMessage {
	i, known := c.place[fold(st.ID)]
	if st.SystemID == "" {
		if known {
			st.SystemID = c.entries[i].status.SystemID
		} else {
			c.systemID++
			st.SystemID = strconv.Itoa(c.systemID)
		}
	}
	e := entry{st, c.render(&st)}
	switch {
	case st.ID == "":
	case known:
		c.entries[i] = e
	default:
		c.place[fold(st.ID)] = len(c.entries)
		c.entries = append(c.entries, e)
	}
	return e.json
}

func (c *catalogue) remove(id string) {
	i, known := c.place[fold(id)]
	if !known {
		return
	}
	last := len(c.entries) - 1
	c.entries[i] = c.entries[last]
	c.place[fold(c.entries[i].status.ID)] = i
	c.entries[last] = entry{}
	c.entries = c.entries[:last]
	delete(c.place, fold(id))
}

// statusLists are the three lists of a statusMessagesMessage.
type statusLists struct {
	added, changed []json.RawMessage
	removed        []string
}

func (l statusLists) empty() bool { return len(l.added)+len(l.changed)+len(l.removed) == 0 }

// apply makes the edits in the order in which a client applies one message,
// removed, added, changed (protocol.md, 3.3), and returns the lists of that
// message.
func (c *catalogue) apply(edits []Edit) statusLists {
	var lists statusLists
	for _, e := range edits {
		if e.Remove != nil {
			c.remove(*e.Remove)
			if c.shows(*e.Remove) {
				lists.removed = append(lists.removed, *e.Remove)
			}
		}
	}
	for _, e := range edits {
		if e.Add != nil {
			lists.added = c.show(lists.added, *e.Add)
		}
	}
	for _, e := range edits {
		if e.Change != nil {
			lists.changed = c.show(lists.changed, *e.Change)
		}
	}
	if len(edits) > 0 {
		c.revision++
	}
	return lists
}

// show puts st into the catalogue, and into the list if the session's user sees it.
func (c *catalogue) show(list []json.RawMessage, st Status) []json.RawMessage {
	rendered := c.put(st)
	if !c.shows(st.ID) {
		return list
	}
	return append(list, rendered)
}

// all is the catalogue as the session's user sees it.
func (c *catalogue) all() []json.RawMessage {
	list := make([]json.RawMessage, 0, len(c.entries))
	for _, e := range c.entries {
		if c.shows(e.status.ID) {
			list = append(list, e.json)
		}
	}
	return list
}

// Truth is what the server holds at one moment and lets the session's user see.
type Truth struct {
	// Revision rises with every Apply, Silently and step of the random life.
	Revision uint64 `json:"revision"`
	// Statuses are in the order of the list resource.
	Statuses []Status `json:"statuses"`
	// Groups counts by group tag as written, the empty one included.
	Groups map[string]GroupCount `json:"groups"`
}

// GroupCount is how many statuses a group has, and how many of them have each
// of the nine flags set; all nine are present.
type GroupCount struct {
	Entries int            `json:"entries"`
	Flagged map[string]int `json:"flagged"`
}

// truth counts afresh, so that it shares no arithmetic with what it is compared to.
func (c *catalogue) truth() Truth {
	t := Truth{
		Revision: c.revision,
		Statuses: make([]Status, 0, len(c.entries)),
		Groups:   map[string]GroupCount{},
	}
	for _, e := range c.entries {
		if !c.shows(e.status.ID) {
			continue
		}
		t.Statuses = append(t.Statuses, e.status)
		g, known := t.Groups[e.status.Group]
		if !known {
			g.Flagged = make(map[string]int, len(flagNames))
		}
		g.Entries++
		for i, set := range e.status.flags() {
			n := g.Flagged[flagNames[i]]
			if *set {
				n++
			}
			g.Flagged[flagNames[i]] = n
		}
		t.Groups[e.status.Group] = g
	}
	return t
}

// ByID returns the status called id, in any case.
func (t Truth) ByID(id string) (Status, bool) {
	i := slices.IndexFunc(t.Statuses, func(st Status) bool { return fold(st.ID) == fold(id) })
	if i < 0 {
		return Status{}, false
	}
	return t.Statuses[i], true
}
