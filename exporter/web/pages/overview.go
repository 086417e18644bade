package pages

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
)

func newRow(server exporter.Server, c clock) row {
	s := server.Snapshot
	r := row{
		ID: "s-" + url.PathEscape(server.Name), Link: serverPath(server.Name),
		Name: server.Name, Site: server.Site,
		Condition:    conditionOf(server, c.now),
		Since:        c.lasting(s.StateSince),
		NotLive:      c.lasting(notLiveSince(server)),
		Reason:       reasonOf(server),
		Notices:      strings.Join(notices(server, c.now), "\n"),
		Next:         c.moment(s.NextAttempt),
		Host:         server.Show(s.ActiveHost()),
		Subscription: subscriptionWords(s),
		Contact:      c.lately(s.LastContact),
		Statuses:     "unknown",
		Answers:      answersOf(server.History.LastHour(c.now)),
		LastHour:     server.History.StatesOfLastHour(c.now),
	}
	if s.TransportKnown {
		r.Transport = transportWords[s.Transport]
	}
	if s.Breaker != probe.BreakerClosed {
		r.Breaker = breakerWords[s.Breaker]
	}
	if s.Fresh(c.now) {
		r.Statuses = strconv.Itoa(s.Entries)
	}
	return r
}

// Strip is the picture of the last hour.
func (r row) Strip() template.HTML { return strip(r.LastHour) }

// NoticeList are the notices one by one.
func (r row) NoticeList() []string {
	if r.Notices == "" {
		return nil
	}
	return strings.Split(r.Notices, "\n")
}

var (
	transportWords = [probe.NumTransports]string{probe.TransportSSE: "event stream", probe.TransportPoll: "polling"}
	breakerWords   = [probe.NumBreakerStates]string{
		probe.BreakerClosed: "breaker closed", probe.BreakerHalfOpen: "breaker half open", probe.BreakerOpen: "breaker open",
	}
)

// filter is which servers the overview shows.
type filter struct {
	Query string
	// State is one of filterStates, or empty for all.
	State string
}

// trouble is the value of filter.State for whatever is not up.
const trouble = "trouble"

func filterOf(query url.Values) filter {
	return filter{Query: strings.TrimSpace(query.Get("q")), State: query.Get("state")}
}

// Choices are the values of State, for the form.
func (f filter) Choices() []choice {
	choices := []choice{{"", "All servers", f.State == ""}, {trouble, "Only trouble", f.State == trouble}}
	for state, words := range stateWords {
		value := probe.State(state).String()
		choices = append(choices, choice{value, words.words, f.State == value})
	}
	return choices
}

func (f filter) holds(r row) bool {
	switch {
	case f.State == trouble && r.Condition.severity >= upWithAttention:
		return false
	case f.State != "" && f.State != trouble && f.State != r.Condition.State:
		return false
	}
	text := strings.ToLower(f.Query)
	return text == "" || slices.ContainsFunc([]string{r.Name, r.Site, r.Host, r.Reason, r.Condition.Words, r.Condition.State, r.Notices}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), text)
	})
}

// Filtered reports whether some servers are not shown.
func (s summary) Filtered() bool { return s.Shown < s.All }

// overview makes the page of all servers. However many look at it, it is made once.
// Any goroutine may use it.
type overview struct {
	opts  Options
	whole shared[asOf[filter], rendered]
	looks shared[asOf[filter], content]

	mu   sync.Mutex
	made map[string]madeRow // by name; what did not change is not made again
}

func newOverview(o Options) *overview { return &overview{opts: o, made: map[string]madeRow{}} }

type madeRow struct {
	row
	html template.HTML
}

// rows returns the servers that the filter holds, worst first, and the summary of
// all of them.
func (o *overview) rows(f filter, c clock) ([]row, summary) {
	servers := o.opts.Fleet.Servers()
	s := summary{All: len(servers), banner: o.opts.banner(c), Shard: o.opts.shardWords()}
	counts := map[condition]int{}
	var rows []row
	for _, server := range servers {
		r := newRow(server, c)
		if server.Snapshot.Up(c.now) && r.Condition.severity != hung {
			s.Up++
		} else {
			counts[r.Condition]++
		}
		if f.holds(r) {
			rows = append(rows, r)
		}
	}
	s.Shown = len(rows)
	for condition, n := range counts {
		s.Conditions = append(s.Conditions, conditionCount{condition, n})
	}
	slices.SortFunc(s.Conditions, func(a, b conditionCount) int {
		return cmp.Or(cmp.Compare(a.severity, b.severity), cmp.Compare(a.Words, b.Words))
	})
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.Condition.severity, b.Condition.severity) })
	return rows, s
}

func (o *overview) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, f := time.Now(), filterOf(r.URL.Query())
	o.whole.get(asOf[filter]{f, o.opts.Reloads.Last().At}, now, func(rendered) rendered { return o.page(f, now) }).write(w)
}

// page makes the whole page.
func (o *overview) page(f filter, now time.Time) rendered {
	rows, s := o.rows(f, clock{now: now})
	return newRendered(http.StatusOK, "overview.html", struct {
		frame
		Summary summary
		Filter  filter
		Rows    []row
	}{o.opts.frame("", "Servers", "events", now), s, f, rows})
}

// fragments are the parts of the open page as they are now.
func (o *overview) fragments(r *http.Request, now time.Time) (content, bool) {
	f := filterOf(r.URL.Query())
	page := o.looks.get(asOf[filter]{f, o.opts.Reloads.Last().At}, now, func(content) content { return o.look(f, now) })
	return page, page.err == nil
}

func (o *overview) look(f filter, now time.Time) content {
	rows, s := o.rows(f, clock{now: now, live: true})
	o.mu.Lock()
	defer o.mu.Unlock()
	page := content{order: make([]string, len(rows)), parts: make([]fragment, 0, len(rows)+1)}
	page.add("summary", "summary", s)
	for i, r := range rows {
		made, ok := o.made[r.Name]
		if !ok || made.row != r {
			made = madeRow{r, page.make("row", r)}
			o.made[r.Name] = made
		}
		page.order[i] = r.ID
		page.parts = append(page.parts, fragment{r.ID, made.html})
	}
	if len(o.made) > 2*s.All { // servers that a reload removed
		clear(o.made)
	}
	return page
}
