package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/alerts"
	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// fleetOfStates has a server in every state, and two that look live and are not up.
func fleetOfStates(now time.Time) stubFleet {
	var fleet stubFleet
	for state := range probe.State(probe.NumStates) {
		fleet.servers = append(fleet.servers, exporter.Server{Name: state.String(), Snapshot: &probe.Snapshot{
			State: state, StateSince: now.Add(-2 * time.Minute), Feeds: [probe.NumSubscriptions]probe.FeedState{probe.StatusMessages: {Up: true}}, FreshUntil: now.Add(time.Hour), Heartbeat: now, Groups: usable("Available", 6),
		}})
	}
	live := *fleet.servers[probe.StateLive].Snapshot
	silent, stale, hung, unusable := live, live, live, live
	unusable.Groups = []catalogue.GroupCount{{Group: "Available", Entries: 6}}
	silent.Feeds[probe.StatusMessages].Up = false
	stale.FreshUntil = now
	hung.Heartbeat = now.Add(-time.Hour)
	fleet.servers = append(fleet.servers, exporter.Server{Name: "silent", Snapshot: &silent},
		exporter.Server{Name: "stale", Snapshot: &stale}, exporter.Server{Name: "hung", Snapshot: &hung},
		exporter.Server{Name: "unusable", Snapshot: &unusable})
	return fleet
}

func TestTheWorstServersAreFirst(t *testing.T) {
	page := ask(t, fleetOfStates(time.Now()), "GET", "/").body
	at := func(name string) int { return strings.Index(page, `id="s-`+name+`"`) }
	for _, pair := range [][2]string{
		{"hung", "auth_hold"}, {"gone_hold", "breaker_open"}, {"backoff", "silent"}, {"stale", "connecting"}, {"subscribing", "live"},
	} {
		if at(pair[0]) < 0 || at(pair[0]) > at(pair[1]) {
			t.Errorf("%s is not before %s", pair[0], pair[1])
		}
	}
	if !strings.Contains(page, "2 of 13 servers up") {
		t.Error("servers that only look live count as up")
	}
}

// Whatever is wrong, the page has something to do; when all is well, it says so.
func TestEveryConditionHasAdvice(t *testing.T) {
	fleet := fleetOfStates(time.Now())
	for _, s := range fleet.servers {
		page := ask(t, fleet, "GET", "/servers/"+s.Name).body
		advised := strings.Contains(page, "What you can do now")
		if s.Name == "live" {
			if advised || !strings.Contains(page, "Nothing has to be done.") {
				t.Error("a server that is well is not left in peace")
			}
		} else if !advised {
			t.Errorf("%s has no advice", s.Name)
		}
	}
	if page := ask(t, fleet, "GET", "/servers/auth_hold").body; strings.Contains(page, "icws_exporter check") {
		t.Error("the advice for a held log-on has somebody log on again, which may lock the user")
	}
}

// A server that fails again and again is on its way up half of the time: the page
// says then, too, since when it is not live and what failed.
func TestAnOutageOutlivesTheTriesToEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		history := probe.NewHistory(collect.New(collect.Options{}).Add("lab", ""))
		history.StateChanged(probe.StateLive, "")
		server := exporter.Server{Name: "lab", History: history, Snapshot: &probe.Snapshot{Heartbeat: time.Now().Add(time.Hour)}}
		change := func(to probe.State, reason string) {
			history.StateChanged(to, reason)
			server.Snapshot.State, server.Snapshot.StateSince, server.Snapshot.Reason = to, time.Now(), reason
			server.Snapshot.Down = probe.DownNotDelivering
		}
		page := func(path string) string {
			recorder := httptest.NewRecorder()
			handlerOf(stubFleet{servers: []exporter.Server{server}}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
			return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(recorder.Body.String(), "")), " ")
		}
		change(probe.StateBackoff, "it delivers nothing")
		if got := page("/"); strings.Contains(got, "not live") || strings.Contains(got, "Before:") {
			t.Errorf("the first state of an outage says it twice: %s", got)
		}
		time.Sleep(5 * time.Minute)
		change(probe.StateSubscribing, "")
		time.Sleep(2 * time.Second)
		for path, wants := range map[string][]string{
			"/":                   {"Subscribing for 2s, not live for 5m 2s", "Before: it delivers nothing"},
			"/servers/lab":        {"for 2s, not live for 5m 2s", "Before: it delivers nothing", "What you can do now"},
			"/api/v1/servers/lab": {`"outage": { "since": "2000-01-01T00:00:00Z", "reason": "it delivers nothing" }`},
		} {
			got := page(path)
			for _, want := range wants {
				if !strings.Contains(got, want) {
					t.Errorf("%s does not say %q: %s", path, want, got)
				}
			}
		}
		change(probe.StateLive, "")
		for _, path := range []string{"/", "/servers/lab", "/api/v1/servers/lab"} {
			if got := page(path); strings.Contains(got, "not live") || strings.Contains(got, "Before:") || strings.Contains(got, "outage") {
				t.Errorf("%s still tells of an outage that is over: %s", path, got)
			}
		}
	})
}

// What to do about a server that delivers nothing is not what to do about one that
// does not answer.
func TestAdviceFollowsTheReason(t *testing.T) {
	for down := range probe.DownReason(probe.NumDownReasons) {
		want := advice.For(advice.Reason(down.String()), advice.About{Server: "chicago"})
		for _, state := range []probe.State{probe.StateBackoff, probe.StateSubscribing} {
			server := liveServer(time.Now())
			server.History = probe.NewHistory(collect.New(collect.Options{}).Add("chicago", ""))
			fail(&server, time.Now())
			server.Snapshot.State, server.Snapshot.Down = state, down
			server.Snapshot.StateSince = time.Now().Add(-time.Hour)
			got := server.Advice(time.Now())
			page := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/servers/chicago").body
			if got.Reason != want.Reason || !strings.Contains(html.UnescapeString(page), got.Steps()[0]) {
				t.Errorf("in %s for %s: the advice is for %q", state, down, got.Reason)
			}
		}
	}
}

// A password that is read only once is not seen when it changes, and the page says so.
func TestThePageSaysWhatAChangedPasswordNeeds(t *testing.T) {
	for _, test := range []struct {
		config config.Server
		want   string
	}{
		{config.Server{PasswordFile: "/etc/pw"}, "into the file /etc/pw: a changed one is tried within seconds."},
		{config.Server{PasswordEnv: "PW"}, "into the environment variable PW; a changed one needs a restart of the exporter."},
		{config.Server{PasswordCredential: "pw"}, "into the systemd credential pw; systemd copied it when the unit started, so a changed one needs a restart of the unit."},
		{config.Server{PasswordFile: "/run/credentials/icws_exporter.service/pw"}, "a changed one needs a restart of the unit."},
	} {
		server := liveServer(time.Now())
		server.Config = test.config
		server.Snapshot.State = probe.StateAuthHold
		page := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/servers/chicago").body
		if !strings.Contains(html.UnescapeString(page), test.want) {
			t.Errorf("the page does not say %q", test.want)
		}
	}
}

// Who polls already is not told to look for what holds an event stream back.
func TestAdviceForAPolledServerIsAboutPolling(t *testing.T) {
	server := liveServer(time.Now())
	server.Snapshot.Feeds[probe.StatusMessages].Up = false
	server.Snapshot.TransportKnown = true
	for transport, want := range map[probe.Transport]string{probe.TransportSSE: "buffers the event stream", probe.TransportPoll: "restart its Session Manager"} {
		server.Snapshot.Transport = transport
		if a := server.Advice(time.Now()); a.Reason != advice.NotDelivering || !strings.Contains(a.Do, want) {
			t.Errorf("%v: %+v", transport, a)
		}
	}
}

func TestOverviewFilters(t *testing.T) {
	fleet := fleetOfStates(time.Now())
	for query, want := range map[string]int{
		"": 13, "?q=HOLD": 4, "?state=trouble": 11, "?state=live": 5, "?state=live&q=silent": 1, "?q=breaker": 1, "?q=nobody": 0,
	} {
		page := ask(t, fleet, "GET", "/"+query).body
		if got := strings.Count(page, `<tr id="s-`); got != want {
			t.Errorf("%q shows %d servers, want %d", query, got, want)
		}
		if want < 13 && !strings.Contains(page, fmt.Sprintf("%d of 13 servers match.", want)) {
			t.Errorf("%q does not say that servers are hidden", query)
		}
	}
	if page := ask(t, fleet, "GET", "/?state=live&q=%22x").body; !strings.Contains(page, `value="&#34;x"`) || !strings.Contains(page, `value="live" selected`) {
		t.Error("the form forgets what was asked for")
	}
}

// eventful is a server to which something has happened.
func eventful(now time.Time) exporter.Server {
	h := probe.NewHistory(collect.New(collect.Options{}).Add("chicago", ""))
	h.StateChanged(probe.StateBackoff, "the server answered 500")
	h.SubscriptionLost(probe.StatusMessages, probe.LossStreamLost)
	h.Exchange(icws.Exchange{
		Operation: icws.OpSubscribe, Host: "cic-a", Code: 500, ErrorID: "error.server.unavailable", Err: errors.New("x"),
		Start: now, Duration: 1234 * time.Millisecond,
	})
	h.Exchange(icws.Exchange{Operation: icws.OpPoll, Host: "cic-a", Code: 200, Start: now, Duration: 17 * time.Millisecond})
	h.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckDrift, Drift: 3, IDs: []string{"Lunch"}})
	s := liveServer(now)
	s.History = h
	s.Snapshot.Groups = usable("Away", 7)
	return s
}

func TestServerPageTellsWhatHappened(t *testing.T) {
	now := time.Now()
	fleet := stubFleet{servers: []exporter.Server{eventful(now)}, statuses: []catalogue.Entry{
		{ID: "Lunch", Text: "At Lunch", Group: "Away", Flags: catalogue.Flags(0).With(catalogue.IsAcdStatus, true), ChangedAt: now.Add(-time.Hour)},
		{ID: "Free", Text: "Available", ChangedAt: now.Add(-time.Minute)},
	}}
	page := strings.Join(strings.Fields(ask(t, fleet, "GET", "/servers/chicago").body), " ")
	for _, want := range []string{
		"the server answered 500", "stream lost", "error.server.unavailable", "1.2 s", "17 ms", ">drift<", `3</td><td role="cell" class="wide">Lunch</td>`,
		`<th scope="row">Away</th><td class="number">7</td>`, "At Lunch", ">ACD<", "serves the session",
		"corrected 3 statuses that no message had announced", "2 of 2 statuses match",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Index(page, "Available") > strings.Index(page, "At Lunch") {
		t.Error("what changed last is not first")
	}
	if found := ask(t, fleet, "GET", "/servers/chicago?q=acd").body; strings.Contains(found, "Available") || !strings.Contains(found, "1 of 2 statuses match") {
		t.Error("the search does not find by flag")
	}
	if missing := ask(t, fleet, "GET", "/servers/lab"); missing.code != http.StatusNotFound {
		t.Errorf("an unknown server answers %d", missing.code)
	}
}

func TestServerPageWithholdsWhatItCannotKnow(t *testing.T) {
	server := liveServer(time.Now())
	busy := stubFleet{servers: []exporter.Server{server}, busy: errors.New("busy")}
	if page := ask(t, busy, "GET", "/servers/chicago").body; !strings.Contains(page, "a request to the server is under way") {
		t.Error("a probe that is busy makes an empty list")
	}
	server.Snapshot.FreshUntil = time.Now().Add(-time.Second)
	server.Snapshot.Feeds[probe.StatusMessages].LastFull = time.Now().Add(-time.Hour)
	server.Snapshot.Groups = usable("Away", 7)
	stale := stubFleet{servers: []exporter.Server{server}, statuses: []catalogue.Entry{{ID: "Lunch"}}}
	page := ask(t, stale, "GET", "/servers/chicago").body
	if strings.Contains(page, "Away") || strings.Contains(page, "Lunch") || !strings.Contains(page, "wrong number is worse than none") {
		t.Error("stale numbers are shown as if they were true")
	}
}

// The list of a huge server must not make a huge page.
func TestServerPageListsTheLastChangesOnly(t *testing.T) {
	fleet := stubFleet{servers: []exporter.Server{liveServer(time.Now())}}
	for i := range 10_000 {
		fleet.statuses = append(fleet.statuses, catalogue.Entry{ID: fmt.Sprint("id-", i), Text: "x", ChangedAt: time.Unix(int64(i), 0)})
	}
	for _, test := range []struct {
		query, first, words string
		rows                int
		newer, older        string
	}{
		{"", "id-9999", "10000 of 10000 statuses match; 1 to 100 are shown, the last changes first", 100, "", "?page=2#"},
		{"?page=2", "id-9899", "; 101 to 200 are shown", 100, "?#", "?page=3#"},
		{"?page=100", "id-99", "; 9901 to 10000 are shown", 100, "?page=99#", ""},
		{"?page=101", "", "No status matches.", 0, "", ""},
		{"?page=-1", "id-9999", "; 1 to 100 are shown", 100, "", "?page=2#"},
		{"?page=99999999999999999999", "id-9999", "; 1 to 100 are shown", 100, "", "?page=2#"},
		{"?q=ID-77&page=2", "id-779", "111 of 10000 statuses match; 101 to 111 are shown", 11, "?q=ID-77#", ""},
		{"?q=id-1234", "id-1234", "1 of 10000 statuses match.", 1, "", ""},
	} {
		page := ask(t, fleet, "GET", "/servers/chicago"+test.query).body
		if n := strings.Count(page, "</span>id-"); n != test.rows || !strings.Contains(page, test.words) {
			t.Errorf("%s lists %d statuses, want %d and %q", test.query, n, test.rows, test.words)
		}
		if _, rest, _ := strings.Cut(page, "</span>id-"); test.first != "" && !strings.HasPrefix("id-"+rest, test.first+"</td>") {
			t.Errorf("%s begins with id-%.10s, want %s", test.query, rest, test.first)
		}
		for rel, link := range map[string]string{"prev": test.newer, "next": test.older} {
			if has := strings.Contains(page, `" rel="`+rel+`"`); has != (link != "") || !strings.Contains(page, link) {
				t.Errorf("%s has no right link to %s: %q", test.query, rel, link)
			}
		}
	}
}

func TestNoticesOfServersThatAreUp(t *testing.T) {
	now := time.Now()
	server := liveServer(now)
	s := server.Snapshot
	s.PasswordExpiry = now.Add(3*24*time.Hour - time.Hour)
	s.Hosts[0].CertificateNotAfter = now.Add(-time.Hour)
	s.Hosts[0].Checked = true
	s.Hosts = append(s.Hosts, probe.Host{Name: "cic-c", Checked: true, Answered: true})
	s.ClockKnown, s.ClockOffset = true, -5*time.Minute
	s.Feeds[probe.StatusMessages].State = probe.SubscriptionSuspended
	s.OperationGone[icws.OpSwitchoverStatus] = true
	s.Switchover.Active = true
	page := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/").body
	for _, want := range []string{
		"The password expires within 3 days.", "The TLS certificate has expired.", "Host cic-a does not answer.", "Host cic-c answers with errors.", "differ by 5m 0s",
		"suspended the subscription", "answers 410 to switchover_status", "A switchover is active.", "1 of 1 servers up",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview does not say %q", want)
		}
	}
}

// What is short is said before what may be cut, and nothing is said twice.
func TestNoticesComeBeforeALongReason(t *testing.T) {
	now := time.Now()
	server := liveServer(now)
	page := ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/servers/chicago").body
	if strings.Contains(page, "<code>live</code>") {
		t.Error("the page of a server that is Live says that it is live besides")
	}
	s := server.Snapshot
	s.State, s.Reason, s.PasswordExpiry = probe.StateBackoff, "log-on failed: a long story", now.Add(time.Hour)
	page = ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/").body
	notice, reason := strings.Index(page, "The password expires within a day."), strings.Index(page, ">log-on failed: a long story")
	if notice < 0 || reason < notice {
		t.Errorf("the notice is at %d, the reason at %d", notice, reason)
	}
	if page = ask(t, stubFleet{servers: []exporter.Server{server}}, "GET", "/servers/chicago").body; !strings.Contains(page, "<code>backoff</code>") {
		t.Error("the page does not say what the metrics call the state")
	}
}

func TestTheIncidentOfTheDemoIsNamed(t *testing.T) {
	incident := Incident{Name: "lost-deltas", What: "Changes never reach us.", Since: time.Now()}
	o := Options{Fleet: stubFleet{servers: []exporter.Server{liveServer(time.Now())}}, Incident: func() Incident { return incident }}
	for _, path := range []string{"/", "/servers/chicago"} {
		if page := askPages(t, o, "GET", path, nil).body; !strings.Contains(page, "Demo: lost-deltas") || !strings.Contains(page, "Changes never reach us.") {
			t.Errorf("%s does not name the incident", path)
		}
	}
	incident = Incident{}
	if page := askPages(t, o, "GET", "/", nil).body; strings.Contains(page, "Demo:") {
		t.Error("an incident is named when there is none")
	}
}

// The advice of every condition leads to a runbook that exists.
func TestAdviceLinksToItsRunbook(t *testing.T) {
	fleet := fleetOfStates(time.Now())
	for _, s := range fleet.servers {
		if s.Name == "live" {
			continue
		}
		page := ask(t, fleet, "GET", "/servers/"+s.Name).body
		link := regexp.MustCompile(`href="\.\./(runbooks/[A-Za-z]+)"`).FindStringSubmatch(page)
		if link == nil {
			t.Errorf("the advice for %s has no runbook", s.Name)
			continue
		}
		if got := ask(t, fleet, "GET", "/"+link[1]); got.code != http.StatusOK || got.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(got.body, "<h2>Meaning</h2>") {
			t.Errorf("%s answers %d: %.80q", link[1], got.code, got.body)
		}
	}
	for _, path := range []string{"/runbooks/Other", "/runbooks/..%2Fpage.go", "/runbooks/..%2Frunbooks%2FDisplaced", "/dashboards/other.json", "/dashboards/..%2Fgo.mod"} {
		if got := ask(t, fleet, "GET", path); got.code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, got.code)
		}
	}
}

// A runbook is a page, by the name of its alert, and as a link to the repository has it.
func TestRunbooksArePages(t *testing.T) {
	list := ask(t, stubFleet{}, "GET", "/runbooks/").body
	for _, name := range alerts.Runbooks() {
		entry := regexp.MustCompile(`<a href="` + name + `">` + name + `</a> <span class="mark (critical|warning|info|none)">(critical|warning|info|none)</span> <small>[^<]{20,}</small>`)
		if !entry.MatchString(list) {
			t.Errorf("the index does not say how severe %s is and what it means", name)
		}
		page := ask(t, stubFleet{}, "GET", "/runbooks/"+name)
		for _, want := range []string{"<h1>" + name + "</h1>", "<h2>Meaning</h2>", "<h2>Impact</h2>", `name="viewport"`} {
			if page.code != http.StatusOK || !strings.Contains(page.body, want) {
				t.Errorf("/runbooks/%s answers %d and lacks %s", name, page.code, want)
			}
		}
		if strings.Contains(page.body, "raw HTML omitted") || strings.Contains(page.body, "<p>#") || strings.Contains(page.body, "```") {
			t.Errorf("/runbooks/%s is not wholly HTML", name)
		}
		if other := ask(t, stubFleet{}, "GET", "/runbooks/"+name+".md"); other.code != http.StatusOK || len(other.body) != len(page.body) {
			t.Errorf("/runbooks/%s.md answers %d", name, other.code)
		}
	}
}

func TestDashboardsCanBeTaken(t *testing.T) {
	index := ask(t, stubFleet{}, "GET", "/dashboards/")
	// A script runs that command (exporter/cli/testdata/script/dashboards.txtar).
	if !strings.Contains(index.body, "<code>icws_exporter dashboards write DIR</code>") {
		t.Errorf("the index does not name the command: %s", index.body)
	}
	names := regexp.MustCompile(`href="(icws-[a-z]+\.json)"`).FindAllStringSubmatch(index.body, -1)
	if len(names) < 4 {
		t.Errorf("the index lists %v", names)
	}
	for _, name := range names {
		if got := ask(t, stubFleet{}, "GET", "/dashboards/"+name[1]); got.header.Get("Content-Type") != "application/json" || !json.Valid([]byte(got.body)) {
			t.Errorf("%s is %s", name[1], got.header.Get("Content-Type"))
		}
	}
}

func TestTheConfigurationHasNoSecret(t *testing.T) {
	const userPassword, proxyPassword = "correct-horse-battery", "s3cret-of-the-proxy"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte(userPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := config.Parse("icws.yaml", []byte(`
servers:
  - name: chicago
    hosts: [cic-a.example.com]
    user: svc-prom
    password_file: pw
    http: {proxy_url: "http://prom:`+proxyPassword+`@proxy.example.com:3128"}
`), dir)
	if err != nil {
		t.Fatal(err)
	}
	server := liveServer(time.Now())
	server.Config = v.Servers()[0]
	fleet := stubFleet{servers: []exporter.Server{server}}
	for _, path := range []string{"/config", "/servers/chicago"} {
		text := ask(t, fleet, "GET", path).body
		if strings.Contains(text, userPassword) || strings.Contains(text, proxyPassword) {
			t.Errorf("%s shows a password", path)
		}
		if !strings.Contains(text, "check_interval: 1m") || !strings.Contains(text, "http://proxy.example.com:3128") {
			t.Errorf("%s does not show what is in effect", path)
		}
	}
}

// stubShards are two of three shards elsewhere.
type stubShards struct{ shard exporter.Shard }

func (s stubShards) Shard() (exporter.Shard, int) { return s.shard, 7 }
func (s stubShards) Elsewhere(name string) (int, bool) {
	return 2, name == "tokyo"
}

func TestAShardSaysWhichOneItIs(t *testing.T) {
	fleet := stubFleet{servers: []exporter.Server{liveServer(time.Now())}}
	o := Options{Fleet: fleet, Shards: stubShards{exporter.Shard{Ordinal: 1, Total: 3}}}
	if page := askPages(t, o, "GET", "/", nil).body; !strings.Contains(page, "This is shard 1 of 3, counted from 0. The other exporters watch 7 servers of the configuration.") {
		t.Errorf("the overview does not say which shard it is:\n%s", page)
	}
	if got := askPages(t, o, "GET", "/servers/tokyo", nil); got.code != http.StatusNotFound || !strings.Contains(got.body, "Another exporter watches this server: shard 2 of 3") {
		t.Errorf("the page of a server of another shard answers %d:\n%s", got.code, got.body)
	}
	if got := askPages(t, o, "GET", "/servers/nobody", nil); got.code != http.StatusNotFound || strings.Contains(got.body, "shard") {
		t.Errorf("the page of no server answers %d:\n%s", got.code, got.body)
	}
	for _, other := range []Options{{Fleet: fleet}, {Fleet: fleet, Shards: stubShards{}}} {
		if page := askPages(t, other, "GET", "/", nil).body; strings.Contains(page, "shard") {
			t.Errorf("an exporter of all servers speaks of shards:\n%s", page)
		}
	}
}

func fail(server *exporter.Server, now time.Time) {
	s := *server.Snapshot
	s.State, s.StateSince, s.NextAttempt = probe.StateBackoff, now, now.Add(time.Minute)
	s.Reason = "log-on failed: cic-a: connect: the server answered 500 (Internal Server Error)"
	server.Snapshot = &s
	server.History.StateChanged(probe.StateBackoff, s.Reason)
}
