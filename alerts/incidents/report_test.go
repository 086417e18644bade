package incidents

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// inTime is how long a page may take, and its end.
const inTime = 6 * time.Minute

// isPage reports whether an alert wakes somebody.
func isPage(alert string) bool { return strings.Contains(alert, " critical") }

// expected are the alerts of a list, about every server of the world unless they say of which.
func (w *world) expected(list []string) alertsBy {
	all := alertsBy{}
	put := func(label, alert string) {
		if all[label] == nil {
			all[label] = map[string]bool{}
		}
		all[label][alert] = true
	}
	for _, entry := range list {
		of, alert, named := strings.Cut(entry, ": ")
		switch {
		case !named:
			for _, s := range w.sites {
				put(s.label, entry)
			}
		case of == "exporter":
			put("", alert)
		case of == "sse" || of == "poll":
			for _, s := range w.sites {
				if s.transport == of {
					put(s.label, alert)
				}
			}
		default:
			put(of, alert)
		}
	}
	return all
}

// differences says in a line each what is in one and not in the other.
func differences(what string, got, want alertsBy) (lines []string) {
	for _, side := range []struct {
		said    string
		in, not alertsBy
	}{{"and should not be", got, want}, {"is missing", want, got}} {
		for server, alerts := range side.in {
			for alert := range alerts {
				if !side.not[server][alert] {
					lines = append(lines, fmt.Sprintf("%s: %s %s: %s", what, server, alert, side.said))
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// compare holds what fired and what was delivered to what is expected. What differs
// comes first, and the log last.
func (w *world) compare(i incident) {
	delivered, _ := w.delivered()
	muted := w.firing(true)
	for server, alerts := range delivered {
		for alert := range alerts {
			delete(muted[server], alert)
		}
	}
	lines := append(differences("delivered", delivered, w.expected(i.delivered)), differences("fired, not delivered", muted, w.expected(i.muted))...)
	sent := map[string]bool{}
	for _, d := range w.dispatcher.inbox.all() {
		key := fmt.Sprint(d.labels)
		if name := d.labels["alertname"]; name != "IcwsWatchdog" && d.runbook != "https://proxy.example.com/icws/runbooks/"+name+".md" {
			lines = append(lines, name+": its runbook is at "+d.runbook)
		}
		if d.resolved && !sent[key] {
			lines = append(lines, "resolved, and never sent: "+d.labels["server"]+" "+describe(d.labels))
		}
		sent[key] = true
	}
	for _, m := range w.moments(i) {
		if i.slow == "" && isPage(m.alert) && (m.page > inTime || m.end > inTime) {
			lines = append(lines, fmt.Sprintf("too late: %s %s came after %s and ended after %s, want %s", m.server, m.alert, m.page, m.end, inTime))
		}
	}
	if len(lines) == 0 {
		return
	}
	text := strings.Join(lines, "\n") + "\nwhat was delivered, from the beginning of the incident:"
	for _, d := range w.dispatcher.inbox.all() {
		if d.labels["severity"] != "none" {
			state := "firing"
			if d.resolved {
				state = "resolved"
			}
			text += fmt.Sprintf("\n%9s %-8s %s %s", d.at.Sub(w.began).Round(time.Second), state, d.labels["server"], describe(d.labels))
		}
	}
	w.t.Error(text)
	for _, p := range w.exporters {
		log := p.log.text.String()
		w.t.Logf("the last of the log of %s:\n%s", p.address, log[max(0, len(log)-2000):])
	}
}

// moment is when an alert came, after the beginning, and went, after the end.
type moment struct {
	server, alert string
	page, end     time.Duration
}

// moments are those of the pages of an incident that has a beginning, or of its tickets.
func (w *world) moments(i incident) (found []moment) {
	if i.fromTheStart {
		return nil
	}
	at := map[[2]string]*moment{}
	for _, d := range w.dispatcher.inbox.all() {
		// Two windows of a budget are one page: they come in one message.
		key := [2]string{d.labels["server"], strings.TrimSuffix(describe(d.labels), " "+d.labels["window"])}
		switch m := at[key]; {
		case !isPage(key[1]) && !i.timesTickets:
		case m == nil:
			at[key] = &moment{key[0], key[1], d.at.Sub(w.began), 0}
		case d.resolved:
			m.end = d.at.Sub(w.ended)
		}
	}
	for _, m := range at {
		found = append(found, *m)
	}
	slices.SortFunc(found, func(a, b moment) int { return strings.Compare(a.server+a.alert, b.server+b.alert) })
	return found
}

// rows are the rows of docs/incidents.md, by the name of the incident.
type rows struct {
	mu   sync.Mutex
	text map[string]string
}

func (r *rows) add(w *world, i incident) {
	var pages, tickets []string
	for _, alert := range i.delivered {
		if isPage(alert) {
			pages = append(pages, shown(alert))
		} else {
			tickets = append(tickets, shown(alert))
		}
	}
	var muted []string
	for _, alert := range i.muted {
		muted = append(muted, shown(alert))
	}
	var page, end time.Duration
	for _, m := range w.moments(i) {
		page, end = max(page, m.page), max(end, m.end)
	}
	times := "–"
	if page > 0 {
		times = minutes(page) + ", " + minutes(end)
		if i.timesTickets && len(pages) == 0 {
			times = "ticket " + times
		}
	}
	if i.slow != "" {
		times += ": " + i.slow
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text[i.name] = fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", i.name, i.what, list(pages), list(tickets), list(muted), times)
}

// shown is an alert without its severity, which the column says.
func shown(alert string) string {
	return strings.NewReplacer(" critical", "", " warning", "", " info", "").Replace(alert)
}

func minutes(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

func list(words []string) string {
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}

const document = "../../docs/incidents.md"

// check holds docs/incidents.md to what was seen, but for the minutes, or writes it.
func (r *rows) check(t *testing.T) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `# Incidents and their alerts

Written by TestIncidents of alerts/incidents: exporters watch simulated servers; the scraper, storage, engine and rules of
Prometheus and the inhibition, grouping and notification of Alertmanager run with the shipped rules and the example's
configuration, with scrapes and evaluations every %d seconds, in simulated time that is not shortened. Each incident must
bring about exactly these alerts, with the event stream and with polling unless the row says otherwise, and each must end
when the incident is over. Nothing may be resolved that was never sent.

A page is critical, a ticket is not. Muted alerts fire as well; the inhibition keeps them from being delivered. The last
column has the longest times, in minutes and seconds, from the beginning of the incident to its page, and from its end to
the end of the page; they must be at most 6 minutes unless it says why not. Those of a ticket have no such limit.

Three pages take longer, because of what their rules ask for:

- IcwsAvailabilityBudgetBurn needs 4:19 minutes of downtime in an hour (14.4 times 0.5 %%), each outage shorter than 5 minutes, for else it is
  IcwsServerDown. It adds up parts of 5 minutes, which lag by 2, once a minute: so it comes 2 to 4 minutes after the budget is spent, not sooner
  than 6:30 minutes after the first outage. It ends when 15 minutes were quiet, and in the window of 6 hours half an hour later.
- A target that vanished pages after the 9 minutes of its `+"`for`"+`, so that a rollout may take 10; before that Prometheus has to notice.
- A server that vanished pages 5 minutes after its last sample and the 6 minutes of its `+"`for`"+`, so that it may move to another exporter.

| incident | what goes wrong | page | ticket | muted | page after, end after |
|---|---|---|---|---|---|
`, int(interval.Seconds()))
	for _, i := range incidents {
		b.WriteString(r.text[i.name])
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(document, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(document)
	if err != nil || withoutTimes(string(content)) != withoutTimes(b.String()) {
		t.Errorf("%s is not of these incidents (%v): write it with go test -update in alerts/incidents", document, err)
	}
}

// withoutTimes leaves out the times, which change a little with the program.
func withoutTimes(text string) string {
	return regexp.MustCompile(`\d+:\d\d`).ReplaceAllString(text, "")
}
