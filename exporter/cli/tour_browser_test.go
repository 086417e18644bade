//go:build e2e

package cli

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// allUp waits until a person reads that everything is well again.
func (p *tab) allUp() {
	p.t.Helper()
	p.reads("h1", "2 of 2 servers up")
}

// names waits until the page names the incident that comes next.
func (p *tab) names(incident string) {
	p.t.Helper()
	p.reads(".incident", "Demo: "+incident)
}

// answers is a count of the last hour, as a person reads it in a row; 0 while the
// browser has not drawn the row.
func (p *tab) answers(row, class string) int {
	p.t.Helper()
	match := regexp.MustCompile(`\b` + class + ` (\d+)`).FindStringSubmatch(p.text(row + " .answers"))
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(match[1])
	return n
}

// The tour as somebody follows it who leaves the overview and the page of one
// server open: nothing is loaded again.
func TestPagesFollowTheTour(t *testing.T) {
	var names []string
	for _, i := range tour {
		names = append(names, i.name)
	}
	s := stage(t, names...)
	browser := newBrowser(t)
	all, one := newTab(t, browser, s.page), newTab(t, browser, s.page)
	one.open("/servers/chicago")
	all.open("/")
	incident := func(name string, seen func()) {
		t.Helper()
		all.names(name)
		s.begin(name)
		seen()
		s.end(name)
		all.allUp()
		t.Logf("seen: %s", name)
	}
	all.allUp()
	incident("steady", func() {
		all.reads("#s-chicago", "Live", "event stream", "delivering")
		all.reads("#s-lab", "Live", "polling")
		one.reads("#head", "Nothing has to be done.")
		one.reads("#live", "Live")
	})
	incident("delta-burst", func() {
		before := one.text("#statuses tbody tr")
		eventually(t, "the statuses change before our eyes", func() bool { return one.text("#statuses tbody tr") != before })
	})
	incident("session-killed", func() {
		eventually(t, "the overview counts the 401", func() bool { return all.answers("#s-chicago", "401") >= 1 })
		one.reads("#events", "session closed unauthorized")
		one.reads("#failures", "401")
	})
	incident("unauthorized-wave", func() {
		eventually(t, "both servers count a wave of 401", func() bool {
			return all.answers("#s-chicago", "401") >= 3 && all.answers("#s-lab", "401") >= 1
		})
	})
	incident("server-errors", func() {
		all.reads("h1", "1 of 2 servers up")
		all.reads("#s-chicago", "Circuit breaker open", "500", "Next attempt")
		all.reads("#rows tr:first-child", "chicago") // the worst comes first
		one.reads("#head", "Circuit breaker open", "What you can do now", "runbook IcwsServerDown")
		one.reads("#events", "breaker open")
		if title := run1[string](all, "document.title"); !strings.HasPrefix(title, "1 of 2 up") {
			t.Errorf("the tab is called %q", title)
		}
	})
	incident("lost-deltas", func() {
		all.reads("#s-chicago", "that no message had announced")
		one.reads("#head", "corrected")
	})
	incident("not-delivering", func() {
		all.reads("#s-lab", "delivers nothing", "not live for")
		all.reads("h1", "1 of 2 servers up")
	})
	incident("switchover", func() {
		standby := s.servers.standby.host
		all.reads("#s-chicago", "Live", standby)
		one.reads("#head", "host "+standby)
		one.reads("#events", "switched over")
	})
	incident("gone", func() {
		s.servers.active().ExpireSessions() // a new session asks at once
		all.reads("#s-chicago", "answers 410 to switchover_status")
		eventually(t, "the overview counts the 410", func() bool { return all.answers("#s-chicago", "410") >= 1 })
	})
	incident("password-expired", func() {
		all.reads("#s-lab", "Log-on held", "this password is not sent again")
		lab := newTab(t, browser, s.page)
		lab.open("/servers/lab")
		lab.reads("#head", "every refused log-on counts towards locking the user", demoPasswordVariable)
	})
	one.reads("#head", "The test is over.")
}
