package pages

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// serverPage makes the pages of single servers.
type serverPage struct{ opts Options }

// flagWord are the flags in the words of the page.
var flagWord = [catalogue.NumFlags]string{
	catalogue.CanHaveDate: "date", catalogue.CanHaveTime: "time", catalogue.IsDoNotDisturbStatus: "do not disturb",
	catalogue.IsSelectableStatus: "selectable", catalogue.IsPersistentStatus: "persistent", catalogue.IsForwardStatus: "forward",
	catalogue.IsAfterCallWorkStatus: "after call", catalogue.IsAcdStatus: "ACD", catalogue.IsAllowFollowUpStatus: "follow up",
}

func (p *serverPage) find(name string) (exporter.Server, bool) {
	servers := p.opts.Fleet.Servers()
	i := slices.IndexFunc(servers, func(s exporter.Server) bool { return s.Name == name })
	if i < 0 {
		return exporter.Server{}, false
	}
	return servers[i], true
}

func (p *serverPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	server, ok := p.find(r.PathValue("name"))
	if !ok {
		notFound(w, r)
		return
	}
	c := clock{now: now}
	recent := server.History.Recent()
	render(w, http.StatusOK, "server.html", struct {
		frame
		Head     serverHead
		Facts    []factGroup
		Answers  [probe.NumAnswerClasses]answerCount
		Events   []eventRow
		Requests requests
		Checks   []checkRow
		Log      []logRow
		Matrix   matrix
		Query    string
		Statuses statusTable
		Config   string
	}{
		p.opts.frame("../", server.Name, serverStream(server.Name), now),
		p.head(server, c), factsOf(server, c), answersOf(server.History.LastHour(now)),
		eventsOf(recent, c), requestsOf(recent, c), checksOf(recent, c), logOf(recent, c),
		matrixOf(server, now), statusQuery(r), p.statuses(r, server, c), string(server.Config.Redacted()),
	})
}

// serverStream is the way from the page of a server to its live updates.
func serverStream(name string) string {
	return strings.TrimPrefix(serverPath(name), "servers/") + "/events"
}

// fragments are the parts of the open page as they are now.
func (p *serverPage) fragments(r *http.Request, now time.Time) (content, bool) {
	server, ok := p.find(r.PathValue("name"))
	if !ok {
		return content{}, false
	}
	c := clock{now: now, live: true}
	recent := server.History.Recent()
	var page content
	page.add("head", "head-of-server", p.head(server, c))
	page.add("facts", "facts", factsOf(server, c))
	page.add("answers", "answers", answersOf(server.History.LastHour(now)))
	page.add("events", "events", eventsOf(recent, c))
	page.add("requests", "requests", requestsOf(recent, c))
	page.add("checks", "checks", checksOf(recent, c))
	page.add("log", "log", logOf(recent, c))
	page.add("groups", "groups", matrixOf(server, now))
	page.add("statuses", "statuses", p.statuses(r, server, c))
	return page, page.err == nil
}

func (p *serverPage) head(server exporter.Server, c clock) serverHead {
	s := server.Snapshot
	h := serverHead{
		Name: server.Name, Site: server.Site, Root: "../",
		Condition: conditionOf(server, c.now),
		Since:     c.lasting(s.StateSince), NotLive: c.lasting(notLiveSince(server)), Reason: reasonOf(server),
		Next: c.moment(s.NextAttempt), Notices: notices(server, c.now), banner: p.opts.banner(c),
	}
	h.Advice = adviceFor(server, h.Condition, c.now)
	return h
}

func eventsOf(recent probe.Recent, c clock) []eventRow {
	events := make([]eventRow, len(recent.Events))
	for i, e := range recent.Events {
		events[i] = eventRow{c.moment(e.At), e.Subject, strings.ReplaceAll(e.Became, "_", " "), e.Reason, false}
		switch e.Became {
		case "live", "closed", "connecting", "subscribing", "switched_over":
		default:
			events[i].Bad = true
		}
		if e.Subject != "state" {
			events[i].Reason = strings.ReplaceAll(e.Reason, "_", " ")
		}
	}
	return events
}

func requestsOf(recent probe.Recent, c clock) requests {
	return requests{requestList(recent.Failures, c), requestList(recent.Successes, c)}
}

func requestList(of []probe.Request, c clock) []requestRow {
	list := make([]requestRow, len(of))
	for i, r := range of {
		list[i] = requestRow{
			At: c.moment(r.At), Operation: r.Operation.String(), Host: r.Host, Code: "none",
			Detail: r.ErrorID, Took: took(r.Duration), Times: r.Times,
		}
		if r.Code != 0 {
			list[i].Code = strconv.Itoa(r.Code)
		}
		if r.Failure != "" {
			list[i].Detail = strings.TrimPrefix(r.ErrorID+", ", ", ") + "no usable answer: " + r.Failure
		}
	}
	return list
}

func checksOf(recent probe.Recent, c clock) []checkRow {
	checks := make([]checkRow, len(recent.Checks))
	for i, k := range recent.Checks {
		checks[i] = checkRow{c.moment(k.At), k.Result.String(), took(k.Took), k.Drift, k.DriftIDs, k.Result != probe.CheckOK}
	}
	return checks
}

func logOf(recent probe.Recent, c clock) []logRow {
	lines := make([]logRow, len(recent.Log))
	for i, l := range recent.Log {
		lines[i] = logRow{c.moment(l.At), levelName(l.Level), l.Message, l.Attributes}
	}
	return lines
}

func levelName(l slog.Level) string { return strings.ToLower(l.String()) }

func matrixOf(server exporter.Server, now time.Time) matrix {
	s := server.Snapshot
	m := matrix{Known: s.Fresh(now), Total: s.Entries, Folded: s.FoldedGroups}
	if !m.Known {
		return m // as in the metrics: no number is better than a wrong one
	}
	for f, words := range flagWord {
		m.Flags = append(m.Flags, flagWords{catalogue.Flag(f).String(), words})
	}
	for _, g := range s.Groups {
		m.Rows = append(m.Rows, matrixRow{server.Show(g.Group), g.Entries, g.Flagged[:]})
	}
	return m
}

const (
	// mostStatuses is how many status messages the page lists.
	mostStatuses = 100
	// statusPatience is how long a page waits for a probe that is busy.
	statusPatience = 200 * time.Millisecond
)

func statusQuery(r *http.Request) string { return strings.TrimSpace(r.URL.Query().Get("q")) }

// statuses returns the status messages that the query of r asks for.
func (p *serverPage) statuses(r *http.Request, server exporter.Server, c clock) statusTable {
	if !server.Snapshot.Fresh(c.now) {
		return statusTable{Problem: "The list is not shown: it was not compared with the server for too long, and a wrong one is worse than none."}
	}
	ctx, cancel := context.WithTimeout(r.Context(), statusPatience)
	defer cancel()
	entries, err := p.opts.Fleet.Statuses(ctx, server.Name)
	table := statusTable{All: len(entries)}
	if err != nil && entries == nil {
		table.Problem = "The list cannot be read at this moment: a request to the server is under way."
		return table
	}
	found := statusesLike(entries, statusQuery(r))
	table.Found = len(found)
	for _, e := range found[:min(len(found), mostStatuses)] {
		table.Rows = append(table.Rows, statusRow{server.Show(e.ID), server.Show(e.Text), server.Show(e.Group), flagList(e.Flags), c.moment(e.ChangedAt)})
	}
	return table
}

// statusesLike returns the entries that have the text somewhere, the last changed
// first.
func statusesLike(entries []catalogue.Entry, text string) []catalogue.Entry {
	text = strings.ToLower(text)
	var found []catalogue.Entry
	for _, e := range entries {
		if text == "" || strings.Contains(strings.ToLower(e.ID+"\n"+e.Text+"\n"+e.Group+"\n"+flagList(e.Flags)), text) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b catalogue.Entry) int { return b.ChangedAt.Compare(a.ChangedAt) })
	return found
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

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
