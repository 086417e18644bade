package pages

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
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
type statusLists struct {
	fleet Fleet

	mu     sync.Mutex
	sorted map[string]*sortedStatuses // by server
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
	ctx, cancel := context.WithTimeout(context.Background(), statusPatience)
	defer cancel()
	entries, err := l.fleet.Statuses(ctx, server.Name)
	if err != nil && entries == nil {
		return statusTable{Problem: "The list cannot be read at this moment: a request to the server is under way."}
	}
	return l.sort(server.Name, entries).find(server, search, c)
}

func (l *statusLists) sort(server string, entries []catalogue.Entry) *sortedStatuses {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.sorted[server]
	if last != nil && len(last.entries) == len(entries) && (len(entries) == 0 || &last.entries[0] == &entries[0]) {
		return last
	}
	s := &sortedStatuses{entries: entries, order: make([]int32, len(entries))}
	for i := range s.order {
		s.order[i] = int32(i)
	}
	slices.SortFunc(s.order, func(a, b int32) int {
		return cmp.Or(entries[b].ChangedAt.Compare(entries[a].ChangedAt), cmp.Compare(a, b))
	})
	if l.sorted == nil || len(l.sorted) >= mostShared {
		l.sorted = map[string]*sortedStatuses{}
	}
	l.sorted[server] = s
	return s
}

// find returns one page of those that have the text somewhere.
func (s *sortedStatuses) find(server exporter.Server, search statusSearch, c clock) statusTable {
	table := statusTable{All: len(s.entries), search: search}
	matches := matcherOf(search.Query)
	first := search.Page * statusesPerPage
	for _, i := range s.order {
		e := &s.entries[i]
		if !matches(e) {
			continue
		}
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
