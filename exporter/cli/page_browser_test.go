//go:build e2e

package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/web"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

func TestPagesWorkWithoutJavaScript(t *testing.T) {
	s := stage(t, "steady")
	eventually(t, "both servers are up", func() bool { return scrape(t, s.page).sum("icws_up", "server=") == 2 })
	p := newTab(t, newBrowser(t), s.page)
	p.withoutScript()
	p.open("/")
	p.reads("h1", "2 of 2 servers up")
	p.reads("#live", "As of 20")
	p.reads("#s-chicago", "Live")
	p.do(chromedp.SendKeys(chromedp.CSS("#q"), "LAB\r"))
	p.reads("#summary", "1 of 2 servers match.")
	p.reads("#rows", "lab")
	if rows := p.text("#rows"); strings.Contains(rows, "chicago") {
		t.Errorf("the search finds %q", rows)
	}
	p.do(chromedp.Click(chromedp.CSS("#s-lab a")))
	p.reads("h1", "lab")
	p.reads("main", "status messages in", "Delivery checks", "Requests that went well", "Details", "Statuses by group and flag", "statuses match.")
}

// Nothing that a server says becomes a part of the page, neither at first nor live.
func TestPagesKeepHostileTextsTexts(t *testing.T) {
	s := stage(t, "steady")
	p := newTab(t, newBrowser(t), s.page)
	p.open("/servers/chicago")
	p.reads("#live", "Live")
	const hostile = `<img src=x onerror="document.hacked=1"><script>document.hacked=1</script>`
	add := func(id string) {
		s.servers.chicago.Apply(icwssim.Add(icwssim.Status{ID: id, Text: "text " + hostile, Group: "group " + hostile}))
	}
	add("live" + hostile)
	unharmed := func(when string) {
		t.Helper()
		p.reads("#statuses", "text "+hostile, "group "+hostile)
		p.reads("#groups", "group "+hostile)
		if n := run1[int](p, `document.querySelectorAll("img, main script").length + (document.hacked ? 1 : 0)`); n > 0 {
			t.Errorf("%s a text of the server has become part of the page", when)
		}
	}
	unharmed("live")
	p.open("/servers/chicago?q=" + "%3Cimg")
	unharmed("at first")
	if value := run1[string](p, `document.querySelector("#q").value`); value != "<img" {
		t.Errorf("the search field has %q", value)
	}
}

// axeRun returns a line per violation of the accessibility rules.
const axeRun = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + ": " + n.failureSummary.replace(/\s+/g, " "))))`

// axe is the text of axe-core, which AXE names.
func axe(t *testing.T) string {
	t.Helper()
	file := os.Getenv("AXE")
	if file == "" {
		t.Fatal("AXE must name axe.min.js: npm install axe-core, then AXE=node_modules/axe-core/axe.min.js")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "; true"
}

// Contrast, landmarks, names and roles, in every colour scheme and width; and no
// page scrolls sideways.
func TestPagesAreAccessible(t *testing.T) {
	checker := axe(t)
	s := stage(t, "steady", "server-errors", "password-expired")
	p := newTab(t, newBrowser(t), s.page)
	look := func(path, ready string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			p.prefer(scheme)
			for _, width := range []int64{360, 390, 800, 1280, 1920} {
				p.resize(width, 800)
				p.open(path)
				p.reads("main", ready)
				if overflow := run1[int](p, "document.documentElement.scrollWidth - window.innerWidth"); overflow > 0 {
					t.Errorf("%s at %d px scrolls sideways by %d px", path, width, overflow)
				}
				if n := run1[int](p, `[...document.querySelectorAll(".story")].filter(e => e.scrollWidth > e.clientWidth).length`); n > 0 && width == 360 {
					t.Errorf("%s on a phone has %d lists that scroll sideways", path, n)
				}
				if width == 360 || width == 800 {
					continue
				}
				run1[bool](p, checker)
				for _, violation := range run1[[]string](p, axeRun) {
					t.Errorf("%s, %s, %d px: %s", path, scheme, width, violation)
				}
			}
		}
	}
	p.open("/")
	p.allUp()
	look("/", "2 of 2 servers up")
	look("/servers/chicago", "Nothing has to be done.")
	look("/runbooks/", "IcwsServerDown")
	look("/runbooks/IcwsServerDown", "Meaning")
	look("/dashboards/", "icws_exporter dashboards write DIR")
	look("/nowhere", "Not found")
	s.begin("steady")
	s.end("steady")
	s.begin("server-errors")
	p.open("/")
	p.reads("#s-chicago", "Circuit breaker open")
	look("/", "1 of 2 servers up")
	look("/servers/chicago", "What you can do now")
	s.end("server-errors")
	s.begin("password-expired")
	p.open("/")
	p.reads("#s-lab", "Log-on held")
	look("/servers/lab", "What you can do now")
	s.end("password-expired")
}

// brokenWords returns the words of the page that a line end cuts in two, but for
// long ones, which have to be.
const brokenWords = `(() => {
	const broken = [], texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/(?<![\p{L}\d.])[\p{L}\d.]{2,16}(?![\p{L}\d.])/gu)) {
		const range = document.createRange();
		range.setStart(texts.currentNode, word.index);
		range.setEnd(texts.currentNode, word.index + word[0].length);
		if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) broken.push(word[0]);
	}
	return broken;
})()`

// A server in every state, with and without numbers, is readable on every screen.
func TestPagesBreakNoWord(t *testing.T) {
	fleet := newManyServers(2 * probe.NumStates)
	servers := slices.Clone(*fleet.servers.Load())
	for i := range servers {
		s := *servers[i].Snapshot
		s.State = probe.State(i % probe.NumStates)
		s.PasswordExpiry = time.Now().Add(time.Hour)
		if s.State != probe.StateLive {
			s.Reason, s.NextAttempt = "log-on failed: connect: the server answered 500 (Internal Server Error)", time.Now().Add(time.Hour)
		}
		if i >= probe.NumStates {
			s.FreshUntil, s.Entries = time.Now(), 10_000
		}
		servers[i].Snapshot = &s
	}
	fleet.servers.Store(&servers)
	p := newTab(t, newBrowser(t), serveServers(t, fleet))
	for _, width := range []int64{360, 390, 800, 1024, 1280, 1920} {
		p.resize(width, 4000)
		p.open("/")
		p.reads("#live", "Live")
		p.reads("#rows", "Log-on held", "unknown")
		if broken := run1[[]string](p, brokenWords); len(broken) > 0 {
			t.Errorf("at %d px lines end within %q", width, broken)
		}
		if width < 1280 {
			continue
		}
		const sizes = `[...document.querySelectorAll("#rows tr")].map(r => [r.offsetHeight, Math.max(...[...r.children].filter(c => !c.matches(".of-reason")).map(c => c.offsetWidth)), r.querySelector(".of-reason").offsetWidth])`
		for _, row := range run1[[][3]int](p, sizes) {
			if row[0] > 96 || row[1] >= row[2] {
				t.Errorf("at %d px a row in an outage is %d px high, the reason %d px wide, another column %d", width, row[0], row[2], row[1])
			}
		}
	}
}

// Whoever works with the keyboard keeps the place when the page changes.
func TestPagesKeepThePlaceOfTheKeyboard(t *testing.T) {
	fleet := newManyServers(20)
	p := newTab(t, newBrowser(t), serveServers(t, fleet))
	p.open("/")
	p.reads("#live", "Live")
	run1[bool](p, `document.querySelector("#s-cic-0010 a").focus(), true`)
	fleet.fail(10, 1)
	p.reads("#rows tr:nth-child(2)", "cic-0010", "round 1") // the row has changed, and has moved
	if focused := run1[string](p, "document.activeElement.textContent"); focused != "cic-0010" {
		t.Errorf("the focus moved to %q", focused)
	}
	p.do(chromedp.KeyEvent("\r"))
	p.reads("h1", "cic-0010")
}

// What somebody marks to copy it is not taken away, and the search needs no reload.
func TestPagesDoNotDisturbAPersonAtWork(t *testing.T) {
	s := stage(t, "steady")
	p := newTab(t, newBrowser(t), s.page)
	p.open("/")
	p.allUp()
	run1[bool](p, `document.loadedOnce = true`)
	p.do(chromedp.SendKeys(chromedp.CSS("#q"), "lab"))
	p.reads("#summary", "1 of 2 servers match.")
	if rows := p.text("#rows"); strings.Contains(rows, "chicago") || !run1[bool](p, `document.loadedOnce === true && location.search.includes("q=lab")`) {
		t.Errorf("the search shows %q", rows)
	}
	p.open("/servers/lab")
	p.reads("#live", "Live")
	run1[bool](p, `getSelection().selectAllChildren(document.querySelector("#facts")), document.querySelector("#facts").marked = true`)
	before := p.text("#statuses")
	s.servers.lab.Step(20)
	eventually(t, "the rest of the page goes on", func() bool { return p.text("#statuses") != before })
	if !run1[bool](p, `document.querySelector("#facts").marked === true`) {
		t.Error("the marked text was replaced")
	}
	run1[bool](p, `getSelection().removeAllRanges(), true`)
	eventually(t, "the part that waited is replaced", func() bool {
		return run1[bool](p, `document.querySelector("#facts").marked !== true`)
	})
}

// A page that hears nothing must not look as if all were well.
func TestPagesSayThatTheExporterHasGone(t *testing.T) {
	server := httptest.NewServer(handlerOf(newManyServers(1)))
	p := newTab(t, newBrowser(t), server.URL)
	p.open("/")
	p.reads("#live", "Live")
	server.CloseClientConnections()
	server.Listener.Close()
	p.reads("#live", "Not live: nothing from the exporter since")
	p.reads("#old", "This page is old")
	if numbers := p.text("main"); strings.Contains(numbers, "1 of 1 servers up") {
		t.Errorf("an old page still says %q", numbers)
	}
	server.CloseClientConnections()
	server.Close()
}

// manyServers is a fleet of many servers, which a test can have fail.
type manyServers struct {
	servers atomic.Pointer[[]exporter.Server]
}

func newManyServers(n int) *manyServers {
	now := time.Now()
	servers := make([]exporter.Server, n)
	for i := range servers {
		servers[i] = exporter.Server{Name: fmt.Sprintf("cic-%04d", i), Site: "site", Snapshot: &probe.Snapshot{
			State: probe.StateLive, StateSince: now.Add(-time.Hour), Heartbeat: now.Add(time.Hour), Hosts: []probe.Host{{Name: "host", Active: true}},
			TransportKnown: true, SessionUp: true, Feeds: [probe.NumSubscriptions]probe.FeedState{probe.StatusMessages: {Up: true}}, LastContact: now, Entries: 100, FreshUntil: now.Add(time.Hour),
		}}
	}
	c := &manyServers{}
	c.servers.Store(&servers)
	return c
}

func (c *manyServers) Servers() []exporter.Server                { return *c.servers.Load() }
func (c *manyServers) Unhealthy(time.Time) []string              { return nil }
func (c *manyServers) NotReady(time.Time) []string               { return nil }
func (c *manyServers) Retry(context.Context, string, bool) error { return nil }
func (c *manyServers) Statuses(context.Context, string) ([]catalogue.Entry, error) {
	return nil, nil
}

// fail has every nth server fail, the reason being its round.
func (c *manyServers) fail(nth, round int) {
	servers := slices.Clone(*c.servers.Load())
	for i := 0; i < len(servers); i += nth {
		s := *servers[i].Snapshot
		s.State, s.StateSince, s.Reason = probe.StateBackoff, time.Now(), fmt.Sprint("round ", round)
		servers[i].Snapshot = &s
	}
	c.servers.Store(&servers)
}

type noReload struct{}

func (noReload) Reload(context.Context) error { return nil }
func (noReload) Last() exporter.Outcome       { return exporter.Outcome{} }

// serveCrowd returns where the pages of a fleet are until the test ends.
func serveServers(t *testing.T, fleet web.Fleet) string {
	t.Helper()
	server := httptest.NewServer(handlerOf(fleet))
	t.Cleanup(func() {
		server.CloseClientConnections() // or the end would wait for open pages
		server.Close()
	})
	return server.URL
}

func handlerOf(fleet web.Fleet) http.Handler {
	return web.NewHandler(web.Options{Fleet: fleet, Metrics: collect.New(collect.Options{}), Reloader: noReload{}})
}

// A thousand servers are one page, and a hundred of them failing at once is one
// update of it.
func TestPagesHoldAThousandServers(t *testing.T) {
	fleet := newManyServers(1000)
	p := newTab(t, newBrowser(t), serveServers(t, fleet))
	p.open("/")
	p.reads("h1", "1000 of 1000 servers up")
	p.reads("#live", "Live")
	run1[bool](p, `document.long = 0, new PerformanceObserver(l => l.getEntries().forEach(e => document.long = Math.max(document.long, e.duration))).observe({type: "longtask"}), true`)
	for round := range 5 {
		began := time.Now()
		fleet.fail(10, round)
		p.reads("#rows tr:first-child", fmt.Sprint("round ", round))
		t.Logf("seen after %s", time.Since(began).Truncate(time.Millisecond))
	}
	p.reads("h1", "900 of 1000 servers up")
	if rows := run1[int](p, `document.querySelectorAll("#rows tr").length`); rows != 1000 {
		t.Errorf("there are %d rows", rows)
	}
	if last := run1[string](p, `[...document.querySelectorAll("#rows tr")].slice(0, 100).map(r => r.id).join()`); strings.Contains(last, "cic-0001") {
		t.Errorf("the failed servers are not first: %s", last)
	}
	t.Logf("the longest task of the page took %d ms", run1[int](p, "Math.round(document.long)"))
}
