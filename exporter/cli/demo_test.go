package cli

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

const changes = "icws_catalogue_changes_total"

func TestDemoShowsTwoLiveServersAndLeavesNoSession(t *testing.T) {
	p := start(t, nil, "demo", "--web.listen-address=127.0.0.1:0")
	page := find(t, &p.stdout, `Open +(http://127\.0\.0\.1:\d+)/`)
	eventually(t, "both servers are up", func() bool {
		s := scrape(t, page)
		return s[`icws_up{server="chicago",site="us"}`] == 1 && s[`icws_up{server="lab",site=""}`] == 1
	})
	first := scrape(t, page)
	if first[`icws_transport{server="chicago",transport="sse"}`] != 1 || first[`icws_transport{server="lab",transport="poll"}`] != 1 {
		t.Error("the demo does not show both transports")
	}
	for _, server := range []string{`server="chicago"`, `server="lab"`} {
		if first.sum("icws_statuses", server) == 0 || first.sum("icws_statuses_flagged", server) == 0 {
			t.Errorf("%s has no counts of groups and flags", server)
		}
		eventually(t, "the changes of "+server+" grow", func() bool {
			return scrape(t, page).sum(changes, server) > first.sum(changes, server)
		})
	}
	if first[`icws_catalogue_hash{server="chicago"}`] == first[`icws_catalogue_hash{server="lab"}`] {
		t.Error("the two servers have the same catalogue")
	}
	eventually(t, "the users of chicago are counted, and its licences", func() bool {
		s := scrape(t, page)
		return s.sum("icws_users", `server="chicago"`) == demoUsers && s[`icws_licence_in_use{licence="I3_ACCESS_ACD_MEDIA_1",server="chicago"}`] == 46
	})
	if text := get(t, page+"/servers/chicago"); !strings.Contains(text, `id="users-title"`) || !strings.Contains(text, `class="is-in"`) {
		t.Error("the page of chicago shows no people")
	}
	p.end(t, syscall.SIGTERM)
	if !strings.Contains(p.stdout.String(), "No session is left") {
		t.Error("the demo does not say that no session is left")
	}
}

// What the guide says to try must work as printed.
func TestDemoGuideWorks(t *testing.T) {
	p := start(t, nil, "demo", "--web.listen-address=127.0.0.1:0")
	find(t, &p.stdout, `(Ctrl-C)`)
	page := find(t, &p.stdout, `Open +(http://127\.0\.0\.1:\d+)/`)
	eventually(t, "both servers are up", func() bool {
		return scrape(t, page).sum("icws_up", "server=") == 2
	})
	guide := p.stdout.String()
	expire := regexp.MustCompile(`curl -X POST (\S+)`).FindStringSubmatch(guide)
	fault := regexp.MustCompile(`curl -d '(\S+)' (\S+)`).FindStringSubmatch(guide)
	if expire == nil || fault == nil {
		t.Fatalf("the guide has changed; adapt this test:\n%s", guide)
	}
	post(t, expire[1], "")
	eventually(t, "chicago logs on again", func() bool {
		s := scrape(t, page)
		return s[`icws_session_opens_total{server="chicago"}`] == 2 && s[`icws_up{server="chicago",site="us"}`] == 1
	})
	post(t, fault[2], fault[1])
	eventually(t, "the fault shows in the metrics of lab", func() bool {
		s := scrape(t, page)
		return s[`icws_responses_total{code="500",operation="poll",server="lab"}`] > 0
	})
	for _, url := range regexp.MustCompile(`curl (?:-s )?(http\S+)`).FindAllStringSubmatch(guide, -1) {
		if get(t, url[1]) == "" {
			t.Errorf("%s answers nothing", url[1])
		}
	}
	p.end(t, syscall.SIGINT)
	if !strings.Contains(p.stdout.String(), "No session is left") {
		t.Error("a server in trouble keeps its session")
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	response, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s answers %d", url, response.StatusCode)
	}
}

func TestDemoLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr output
	code := make(chan int, 1)
	go func() { code <- Run(ctx, []string{"demo", "--web.listen-address=127.0.0.1:0"}, &stdout, &stderr) }()
	page := find(t, &stdout, `Open +(http://127\.0\.0\.1:\d+)/`)
	eventually(t, "both servers are up", func() bool { return scrape(t, page).sum("icws_up", "server=") == 2 })
	cancel()
	if got := <-code; got != ExitOK {
		t.Errorf("the demo ends with %d:\n%s", got, stderr.String())
	}
}

// Every server of the fleet comes into the trouble that it is named for.
func TestFleetIsInTrouble(t *testing.T) {
	p := start(t, nil, "demo", "--scenario=fleet", "--web.listen-address=127.0.0.1:0")
	page := find(t, &p.stdout, `Open +(http://127\.0\.0\.1:\d+)/`)
	reason := func(server, reason string) string {
		return `icws_down_reason{reason="` + reason + `",server="` + server + `"}`
	}
	for _, series := range []string{
		reason("closed-port", "network"), reason("no-such-name", "dns"), reason("untrusted", "tls"),
		reason("wrong-password", "refused_log_on"), reason("sessions-refused", "unauthorized"), reason("displaced", "displaced"),
		reason("too-new", "gone"), reason("failing", "server_error"), reason("silent", "not_delivering"),
		`icws_operation_gone{operation="switchover_status",server="partly-gone"}`,
	} {
		eventually(t, series, func() bool { return scrape(t, page)[series] == 1 })
	}
	for _, series := range []string{
		`icws_session_closes_total{reason="unauthorized",server="forgetful"}`, `icws_catalogue_drift_total{server="loses-changes"}`,
	} {
		eventually(t, series, func() bool { return scrape(t, page)[series] > 0 })
	}
	eventually(t, "slow deliveries", func() bool {
		s := scrape(t, page)
		return s.sum("icws_delivery_seconds_sum", `server="slow"`) > 2*max(1, s.sum("icws_delivery_seconds_count", `server="slow"`))
	})
	p.end(t, syscall.SIGTERM)
}
