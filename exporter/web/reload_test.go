package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/web/api"
	"icws_exporter/probe"
)

func TestReload(t *testing.T) {
	broken := errors.New("icws.yaml:3:5: servers[0].url: missing\nicws.yaml:4:5: servers[0].hots: unknown key")
	for _, c := range []struct {
		err  error
		code int
		body string
	}{
		{nil, 200, "The configuration has been reloaded.\n"},
		{broken, 500, "The configuration was not reloaded; the last good one stays in effect.\n" + broken.Error() + "\n"},
		{exporter.ErrClosed, 503, "The exporter is ending; nothing was reloaded.\n"},
	} {
		reloader := &stubReloader{err: c.err}
		got := askPages(t, Options{Reloader: reloader, Lifecycle: true}, "POST", "/-/reload", nil)
		if got.code != c.code || got.body != c.body || reloader.reloads != 1 {
			t.Errorf("%v: answers %d %q after %d reloads, want %d %q", c.err, got.code, got.body, reloader.reloads, c.code, c.body)
		}
		if got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%v: Content-Type %q", c.err, got.header.Get("Content-Type"))
		}
	}
}

func TestReloadIsOffByDefault(t *testing.T) {
	reloader := &stubReloader{}
	got := askPages(t, Options{Reloader: reloader}, "POST", "/-/reload", nil)
	if got.code != http.StatusForbidden || !strings.Contains(got.body, "--web.enable-lifecycle") || reloader.reloads != 0 {
		t.Errorf("answers %d %q after %d reloads", got.code, got.body, reloader.reloads)
	}
	if got := askPages(t, Options{Reloader: reloader, Lifecycle: true}, "POST", "/-/quit", nil); got.code < 400 {
		t.Errorf("/-/quit answers %d", got.code)
	}
}

func TestReloadNeedsPost(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
			reloader := &stubReloader{}
			got := askPages(t, Options{Reloader: reloader, Lifecycle: enabled}, method, "/-/reload", nil)
			if got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST" || reloader.reloads != 0 {
				t.Errorf("%s answers %d, Allow %q, after %d reloads", method, got.code, got.header.Get("Allow"), reloader.reloads)
			}
		}
	}
}

// To try a server again is guarded as a reload is.
func TestRetryIsGuarded(t *testing.T) {
	for _, c := range []struct {
		method string
		header http.Header
		on     bool
		code   int
	}{
		{"POST", nil, true, 200},
		{"POST", http.Header{"Sec-Fetch-Site": {"same-origin"}}, true, 200},
		{"POST", nil, false, 403},
		{"GET", nil, true, 405},
		{"HEAD", nil, false, 405},
		{"POST", http.Header{"Sec-Fetch-Site": {"cross-site"}}, true, 403},
		{"POST", http.Header{"Origin": {"https://evil.example.com"}}, true, 403},
		{"POST", http.Header{"Origin": {"null"}}, true, 403},
	} {
		if got := askPages(t, Options{Lifecycle: c.on}, c.method, "/api/v1/servers/chicago/retry", c.header); got.code != c.code {
			t.Errorf("%s with %v, lifecycle %t, answers %d %q, want %d", c.method, c.header, c.on, got.code, got.body, c.code)
		}
	}
}

// The page of a server that waits has a button, where it does something.
func TestTheButtonToTryAgain(t *testing.T) {
	for name, state := range map[string]probe.State{"auth_hold": probe.StateAuthHold, "backoff": probe.StateBackoff, "live": probe.StateLive, "connecting": probe.StateConnecting} {
		server := liveServer(time.Now())
		server.Name, server.Snapshot.State = "a/b", state
		for _, on := range []bool{true, false} {
			page := askPages(t, Options{Fleet: stubFleet{servers: []exporter.Server{server}}, Lifecycle: on}, "GET", "/servers/a%2Fb", nil).body
			const form = `method="post" action="../api/v1/servers/a%2Fb/retry`
			if has, want := strings.Contains(page, form+`"`), on && state == probe.StateBackoff; has != want {
				t.Errorf("%s, lifecycle %t: the page has a button: %t", name, on, has)
			}
			if has, want := strings.Contains(page, form+"?"+api.SendRefused+`"`), on && state == probe.StateAuthHold; has != want {
				t.Errorf("%s, lifecycle %t: the page has a button for the refused password: %t", name, on, has)
			}
		}
	}
}

// A browser adds the operator's password to whatever a page of another site has
// it send.
func TestReloadRefusesOtherSites(t *testing.T) {
	for _, c := range []struct {
		header http.Header
		code   int
	}{
		{http.Header{}, 200}, // curl
		{http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200},
		{http.Header{"Sec-Fetch-Site": {"none"}}, 200},
		{http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example.com"}}, 403},
		{http.Header{"Origin": {"https://evil.example.com"}}, 403}, // an old browser
		{http.Header{"Origin": {"null"}}, 403},
	} {
		reloader := &stubReloader{}
		got := askPages(t, Options{Reloader: reloader, Lifecycle: true}, "POST", "/-/reload", c.header)
		if got.code != c.code || (reloader.reloads == 1) != (c.code == 200) {
			t.Errorf("%v answers %d after %d reloads, want %d", c.header, got.code, reloader.reloads, c.code)
		}
	}
}
