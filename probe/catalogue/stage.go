package catalogue

import "hash/maphash"

// lists says in which lists of the staged message an id stands.
type lists uint8

const (
	inAdded lists = 1 << iota
	inChanged
	inRemoved

	inStatuses = inAdded | inChanged
)

// keptDrafts is how much room for differing entries outlives its message. The
// first full list needs room for all, the next ones hardly any.
const keptDrafts = 1024

// keptFresh is the same for entries that are new: after the first list there are few.
const keptFresh = 8

// Stage gathers one message while it is decoded. A status message equal to what
// the catalogue holds costs a reference; only what differs is copied.
// The catalogue does not change before CommitFull or CommitDelta.
//
// A message means the same in whatever order its lists arrive: within a list the
// last entry of an id counts, and one in statusMessagesChanged counts before one
// in statusMessagesAdded (protocol.md, 3.3: removed, added, changed).
//
// A Stage belongs to the goroutine of its Catalogue.
type Stage struct {
	catalogue *Catalogue
	message   uint64            // number of the message being staged; starts at 1
	named     []*entry          // every id of the message once
	fresh     map[string]*entry // those of them that the catalogue does not hold
	drafts    []content         // what the held ones change to
	statuses  stagingAnomalies  // in the added and changed lists
	removals  stagingAnomalies  // in the removed list
	overflow  bool              // the message names more ids than the catalogue may hold
	seed      maphash.Seed
	scratch   []byte
}

// stagingAnomalies are the faults of a message that show while it is staged.
type stagingAnomalies struct{ missing, duplicate int }

// Begin starts a new message: whatever was staged and not committed is dropped.
func (s *Stage) Begin() { s.reset() }

// Add stages an element of statusMessagesAdded.
func (s *Stage) Add(st Status) { s.put(st, inAdded) }

// Change stages an element of statusMessagesChanged.
func (s *Stage) Change(st Status) { s.put(st, inChanged) }

// Remove stages an element of statusMessagesRemoved. The bytes of id are valid
// only during the call.
func (s *Stage) Remove(id []byte) {
	if len(id) == 0 {
		s.removals.missing++
		return
	}
	e := s.name(id, nil)
	if e == nil {
		return
	}
	if e.lists&inRemoved != 0 {
		s.removals.duplicate++
	}
	e.lists |= inRemoved
}

func (s *Stage) put(st Status, list lists) {
	if len(st.ID) == 0 {
		s.statuses.missing++
		return
	}
	e := s.name(st.ID, st.Text)
	if e == nil {
		return
	}
	if e.lists&inStatuses != 0 {
		s.statuses.duplicate++
	}
	outranked := list == inAdded && e.lists&inChanged != 0
	e.lists |= list
	if outranked {
		return
	}
	next := s.read(st, e.content)
	switch {
	case !e.live:
		e.content = next
	case next == e.content:
		e.draft = 0
	case e.draft == 0:
		s.drafts = append(s.drafts, next)
		e.draft = int32(len(s.drafts)) // no more than the ids of a message
	default:
		s.drafts[e.draft-1] = next
	}
}

// name returns the entry of an id, the held one or a fresh one, ready to note
// what this message says of it. A fresh one starts with id and text. It returns nil
// when the message names too many ids: it is given up.
func (s *Stage) name(id, text []byte) *entry {
	key := AppendFold(s.scratch[:0], id)
	s.scratch = key
	e, known := s.catalogue.entries[string(key)]
	if !known {
		e, known = s.fresh[string(key)]
	}
	if !known {
		if s.overflow || len(s.fresh) >= s.catalogue.limits.Entries {
			s.overflow = true
			return nil
		}
		e = s.create(key, id, text)
		if s.fresh == nil {
			s.fresh = make(map[string]*entry)
		}
		s.fresh[e.key] = e
	}
	if e.message != s.message {
		e.message, e.lists, e.draft = s.message, 0, 0
		s.named = append(s.named, e)
	}
	return e
}

// create makes a fresh entry. Its strings share one allocation: what a look-up
// compares then lies together in memory.
func (s *Stage) create(key, id, text []byte) *entry {
	s.scratch = append(append(key, id...), text...)
	all := string(s.scratch)
	endKey, endID := len(key), len(key)+len(id)
	return &entry{key: all[:endKey], content: content{id: all[endKey:endID], text: all[endID:]}}
}

// read copies what differs from the content known so far.
func (s *Stage) read(st Status, known content) content {
	return content{
		id:    keep(known.id, st.ID),
		text:  keep(known.text, st.Text),
		group: s.catalogue.groups.intern(st.Group),
		extra: maphash.Bytes(s.seed, st.Icon)*31 + maphash.Bytes(s.seed, st.SystemID),
		flags: st.Flags,
	}
}

func keep(known string, read []byte) string {
	if string(read) == known {
		return known
	}
	return string(read)
}

// reset forgets the message, and the groups that only it had.
func (s *Stage) reset() {
	s.message++
	clear(s.named)
	clear(s.drafts)
	s.named, s.drafts = s.named[:0], s.drafts[:0]
	if cap(s.drafts) > keptDrafts {
		s.drafts = nil
	}
	if len(s.fresh) > keptFresh {
		s.fresh = nil
	}
	clear(s.fresh)
	s.overflow = false
	s.statuses, s.removals = stagingAnomalies{}, stagingAnomalies{}
	s.catalogue.groups.settle()
}
