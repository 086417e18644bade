package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestHealthChecksGiveReasons(t *testing.T) {
	for _, c := range []struct {
		path  string
		fleet stubFleet
		code  int
		body  string
	}{
		{"/-/healthy", stubFleet{notReady: []string{"x"}}, 200, "healthy\n"},
		{"/-/healthy", stubFleet{unhealthy: []string{"lab: stuck", "hq: stuck"}}, 503, "not healthy\nlab: stuck\nhq: stuck\n"},
		{"/-/ready", stubFleet{unhealthy: []string{"x"}}, 200, "ready\n"},
		{"/-/ready", stubFleet{notReady: []string{"lab: no outcome yet"}}, 503, "not ready\nlab: no outcome yet\n"},
	} {
		if got := ask(t, c.fleet, "GET", c.path); got.code != c.code || got.body != c.body {
			t.Errorf("%s with %+v answers %d %q, want %d %q", c.path, c.fleet, got.code, got.body, c.code, c.body)
		}
		// The other listener comes to the same verdict and names nobody.
		open := askHandler(t, NewHealthHandler(c.fleet), "GET", c.path, nil)
		if open.code != c.code || strings.Contains(open.body, "lab") || strings.Contains(open.body, "hq") {
			t.Errorf("the health listener: %s with %+v answers %d %q", c.path, c.fleet, open.code, open.body)
		}
		if c.code != 200 && !strings.Contains(open.body, "on --web.listen-address tells them") {
			t.Errorf("the health listener does not say where the reasons are: %q", open.body)
		}
	}
}

// everyPath are the paths of all pages, and some that do not exist.
var everyPath = []string{
	"/", "/metrics", "/metrics?name[]=icws_up", "/-/healthy", "/-/ready", "/-/reload", "/-/quit",
	"/events", "/servers/chicago", "/servers/chicago/events", "/config", "/runbooks/IcwsServerDown", "/assets/page.css", "/assets/page.js", "/assets/icon.svg", "/assets/", "/probe", "/probe?target=chicago", "/sd",
	"/api/v1/servers", "/api/v1/servers/chicago", "/api/", "/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/profile",
	"/nowhere", "//", "/../metrics", "/-/", "/%2e%2e/metrics", "/favicon.ico",
}

func TestHealthListenerHasNothingElse(t *testing.T) {
	handler := NewHealthHandler(stubFleet{})
	for _, path := range everyPath {
		if path == "/-/healthy" || path == "/-/ready" {
			continue
		}
		for _, method := range []string{"GET", "POST"} {
			got := askHandler(t, handler, method, path, nil)
			redirected := got.code == http.StatusTemporaryRedirect // to the clean path, which is not there either
			if got.code != http.StatusNotFound && !redirected || got.code == http.StatusNotFound && got.body != "" {
				t.Errorf("%s %s answers %d %q", method, path, got.code, got.body)
			}
		}
	}
	if got := askHandler(t, handler, "POST", "/-/ready", nil); got.code != http.StatusMethodNotAllowed {
		t.Errorf("POST /-/ready answers %d", got.code)
	}
}
