package pages

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// serverPage makes the pages of single servers. However many look at one, it is made
// once. Any goroutine may use it.
type serverPage struct {
	opts     Options
	statuses *statusLists
	whole    shared[asOf[serverLook], rendered]
	looks    shared[asOf[serverLook], content]
}

// serverLook is what readers of the page of a server have in common.
type serverLook struct {
	server string
	search statusSearch
}

func newServerPage(o Options) *serverPage {
	return &serverPage{opts: o, statuses: &statusLists{fleet: o.Fleet}}
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
	search := statusSearchOf(r)
	name := r.PathValue("name")
	now := time.Now()
	page := p.whole.get(asOf[serverLook]{serverLook{name, search}, p.opts.Reloads.Last().At}, now, func(rendered) rendered { return p.page(name, search, now) })
	if page.code == 0 {
		p.notHere(w, r, name)
		return
	}
	page.write(w)
}

// page makes the whole page; the zero value means that there is no such server.
func (p *serverPage) page(name string, search statusSearch, now time.Time) rendered {
	server, ok := p.find(name)
	if !ok {
		return rendered{}
	}
	parts := p.parts(server, search, clock{now: now})
	if parts.err != nil {
		return rendered{http.StatusInternalServerError, nil}
	}
	return newRendered(http.StatusOK, "server.html", struct {
		frame
		Part          map[string]template.HTML
		Query, Config string
	}{p.opts.frame("../", server.Name, serverStream(server.Name), now), parts.byID(), search.Query, string(server.Config.Redacted())})
}

// serverStream is the way from the page of a server to its live updates.
func serverStream(name string) string {
	return strings.TrimPrefix(serverPath(name), "servers/") + "/events"
}

// fragments are the parts of the open page as they are now.
func (p *serverPage) fragments(r *http.Request, now time.Time) (content, bool) {
	name, search := r.PathValue("name"), statusSearchOf(r)
	page := p.looks.get(asOf[serverLook]{serverLook{name, search}, p.opts.Reloads.Last().At}, now, func(content) content { return p.look(name, search, now) })
	return page, page.err == nil && page.parts != nil
}

// look makes the parts; none means that there is no such server.
func (p *serverPage) look(name string, search statusSearch, now time.Time) content {
	server, ok := p.find(name)
	if !ok {
		return content{}
	}
	return p.parts(server, search, clock{now: now, live: true})
}

// parts are what changes on the page, as it is read and as it is kept up to date.
func (p *serverPage) parts(server exporter.Server, search statusSearch, c clock) (page content) {
	recent := server.History.Recent()
	page.add("head", "head-of-server", p.head(server, c))
	page.add("facts", "facts", factsOf(server, c))
	page.add("answers", "answers", answersOf(server.History.LastHour(c.now)))
	page.add("events", "events", eventsOf(recent, c))
	page.add("failures", "failures", requestList(recent.Failures, c))
	page.add("successes", "successes", requestList(recent.Successes, c))
	page.add("checks", "checks", checksOf(recent, c))
	page.add("log", "log", logOf(recent, c))
	page.add("groups", "groups", matrixOf(server, c.now))
	page.add("users", "users", usersOf(server, c))
	page.add("licences", "licences", licencesOf(server, c))
	page.add("statuses", "statuses", p.statuses.table(server, search, c))
	return page
}

func (p *serverPage) head(server exporter.Server, c clock) serverHead {
	s := server.Snapshot
	h := serverHead{
		Name: server.Name, Site: server.Site, Root: "../",
		Condition: conditionOf(server, c.now),
		Since:     c.lasting(s.StateSince), NotLive: c.lasting(notLiveSince(server)), Reason: reasonOf(server),
		Glance: glance(server, c.now), Strip: strip(server.History.StatesOfLastHour(c.now)),
		Next: c.moment(s.NextAttempt), Notices: notices(server, c.now), banner: p.opts.banner(c),
	}
	h.Advice = server.Advice(c.now)
	h.Calm = h.Condition.Kind() == "up" && server.UsersAdvice().Do == "" && server.LicencesAdvice().Do == ""
	if p.opts.CanRetry && h.Condition.Waits() {
		h.Retry = "../api/v1/servers/" + url.PathEscape(server.Name) + "/retry"
		if s.State == probe.StateAuthHold {
			h.SendRefused = h.Retry + "?refused_password=send" // api.SendRefused
		}
	}
	return h
}

// glance is what most people come for, in a line.
func glance(server exporter.Server, now time.Time) string {
	s := server.Snapshot
	words := []string{freshCount(s, now)}
	if s.Fresh(now) {
		words[0] = count(s.Entries, "status message") + " in " + count(s.DistinctGroups, "group")
	}
	if host := s.ActiveHost(); host != "" {
		words = append(words, "host "+server.Show(host))
	}
	if s.TransportKnown {
		words = append(words, transportWords[s.Transport])
	}
	return strings.Join(append(words, subscriptionWords(s)), " · ")
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
	m := matrix{Known: s.Fresh(now), Never: !s.Fresh(now) && s.Feeds[probe.StatusMessages].LastFull.IsZero(), Total: s.Entries, Folded: s.FoldedGroups}
	if !m.Known {
		return m // as in the metrics: no number is better than a wrong one
	}
	for f, words := range flagWord {
		m.Flags = append(m.Flags, flagWords{catalogue.Flag(f).String(), words})
	}
	for _, g := range s.Groups {
		m.Rows = append(m.Rows, matrixRow{server.ShowGroup(g.Group), g.Entries, g.Flagged[:]})
	}
	return m
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
