package pages

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

const (
	// statusesPerPage is how many status messages the page lists.
	statusesPerPage = 100
	// statusPatience is how long a page waits for a probe that is busy.
	statusPatience = 200 * time.Millisecond
)

// flagWord are the flags in the words of the page.
var flagWord = [catalogue.NumFlags]string{
	catalogue.CanHaveDate: "date", catalogue.CanHaveTime: "time", catalogue.IsDoNotDisturbStatus: "do not disturb",
	catalogue.IsSelectableStatus: "selectable", catalogue.IsPersistentStatus: "persistent", catalogue.IsForwardStatus: "forward",
	catalogue.IsAfterCallWorkStatus: "after call", catalogue.IsAcdStatus: "ACD", catalogue.IsAllowFollowUpStatus: "follow up",
}

func flagList(flags catalogue.Flags) string {
	var words []string
	for f, word := range flagWord {
		if flags.Has(catalogue.Flag(f)) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// statusSearch is which status messages are listed.
type statusSearch struct {
	Query string
	Page  int // from 0
}

func statusSearchOf(r *http.Request) statusSearch {
	query := r.URL.Query()
	s := statusSearch{Query: strings.TrimSpace(query.Get("q"))}
	if page, err := strconv.Atoi(query.Get("page")); err == nil && page > 1 {
		s.Page = page - 1
	}
	return s
}

// statusLists are the status messages of the servers, those that changed last first.
// However many search them, each is asked for once.
type statusLists struct {
	fleet  Fleet
	sorted shared[string, *sortedStatuses] // by server; nil: it could not be read
}

// sortedStatuses is the order of a list, which is the same one until it changes.
type sortedStatuses struct {
	entries []catalogue.Entry
	order   []int32
}

// table returns the status messages that the search asks for.
func (l *statusLists) table(server exporter.Server, search statusSearch, c clock) statusTable {
	switch s := server.Snapshot; {
	case !s.Fresh(c.now) && s.Feeds[probe.StatusMessages].LastFull.IsZero():
		return statusTable{Problem: "No list has come from the server yet."}
	case !s.Fresh(c.now):
		return statusTable{Problem: "The list is not shown: it was not compared with the server for too long, and a wrong one is worse than none."}
	}
	list := l.sorted.get(server.Name, c.now, func(last *sortedStatuses) *sortedStatuses { return l.look(server.Name, last) })
	if list == nil {
		return statusTable{Problem: "The list cannot be read at this moment: a request to the server is under way."}
	}
	return list.find(server, search, c)
}

// look returns the list as it is now, nil when it cannot be read.
func (l *statusLists) look(server string, last *sortedStatuses) *sortedStatuses {
	ctx, cancel := context.WithTimeout(context.Background(), statusPatience)
	defer cancel()
	entries, err := l.fleet.Statuses(ctx, server)
	switch {
	case err != nil && entries == nil:
		return nil
	case last != nil && len(last.entries) == len(entries) && (len(entries) == 0 || &last.entries[0] == &entries[0]):
		return last
	}
	return sorted(entries)
}

func sorted(entries []catalogue.Entry) *sortedStatuses {
	type changed struct{ at, entry int64 }
	changes := make([]changed, len(entries))
	for i := range entries {
		changes[i] = changed{entries[i].ChangedAt.UnixNano(), int64(i)}
	}
	slices.SortFunc(changes, func(a, b changed) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(a.entry, b.entry)) })
	s := &sortedStatuses{entries: entries, order: make([]int32, len(entries))}
	for i, c := range changes {
		s.order[i] = int32(c.entry)
	}
	return s
}

// find returns one page of those that have the text somewhere.
func (s *sortedStatuses) find(server exporter.Server, search statusSearch, c clock) statusTable {
	table := statusTable{All: len(s.entries), search: search}
	matches, found := matcherOf(search.Query), make([]bool, len(s.entries))
	for i := range s.entries { // in the order of the memory, which is much faster
		found[i] = matches(&s.entries[i])
	}
	first := search.Page * statusesPerPage
	for _, i := range s.order {
		if !found[i] {
			continue
		}
		e := &s.entries[i]
		if table.Found >= first && len(table.Rows) < statusesPerPage {
			table.Rows = append(table.Rows, statusRow{
				server.Show(e.ID), server.Show(e.Text), server.Show(e.Group), flagList(e.Flags), c.moment(e.ChangedAt),
			})
		}
		table.Found++
	}
	table.First = first + 1
	return table
}

// matcherOf returns what says whether an entry has the text in its id, its text, its
// group, or the words of one of its flags, in whatever case.
func matcherOf(text string) func(*catalogue.Entry) bool {
	if text == "" {
		return func(*catalogue.Entry) bool { return true }
	}
	var flags catalogue.Flags
	lower := strings.ToLower(text)
	for f, word := range flagWord {
		if strings.Contains(strings.ToLower(word), lower) {
			flags = flags.With(catalogue.Flag(f), true)
		}
	}
	return func(e *catalogue.Entry) bool {
		return e.Flags&flags != 0 || containsFold(e.Text, lower) || containsFold(e.ID, lower) || containsFold(e.Group, lower)
	}
}

// containsFold reports whether s has the text, which is in lower case, in whatever
// case. It does without new strings, since it looks at every status of a server.
func containsFold(s, lower string) bool {
	if !isASCII(lower) {
		return strings.Contains(strings.ToLower(s), lower)
	}
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0]|0x20 && strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Shown is how many are on the page.
func (t statusTable) Shown() int { return len(t.Rows) }

// Last is the number of the last one on the page.
func (t statusTable) Last() int { return t.First + len(t.Rows) - 1 }

// Newer is the way to the page before, and Older to the one after; empty when
// there is none.
func (t statusTable) Newer() string {
	if t.search.Page == 0 {
		return ""
	}
	return t.search.link(t.search.Page - 1)
}

func (t statusTable) Older() string {
	if t.First+len(t.Rows) > t.Found {
		return ""
	}
	return t.search.link(t.search.Page + 1)
}

func (s statusSearch) link(page int) string {
	query := url.Values{}
	if s.Query != "" {
		query.Set("q", s.Query)
	}
	if page > 0 {
		query.Set("page", strconv.Itoa(page+1))
	}
	return "?" + query.Encode() + "#statuses-title"
}
