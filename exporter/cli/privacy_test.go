package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"icws_exporter/exporter/capture"
	"icws_exporter/probe/icwssim"
)

// agents are the users of the servers of these tests. Their stations are called as
// nothing else is.
var agents = func() []icwssim.User {
	users := icwssim.InventUsers(40, 7)
	for i := range users {
		users[i].Station = "desk-of-" + strings.Split(users[i].ID, ".")[0]
	}
	return users
}()

// wantNobody wants no id, name, note, station or number of a user in an output.
func wantNobody(t *testing.T, what, text string) {
	t.Helper()
	lower := strings.ToLower(text)
	for _, u := range agents {
		for _, personal := range []string{u.ID, u.Name, u.Notes, u.Station, u.ForwardedNumber} {
			for form, written := range formsOf(personal) {
				if i := strings.Index(lower, strings.ToLower(written)); i >= 0 {
					t.Errorf("%s names a user (%s): …%q…", what, form, text[max(0, i-80):min(len(text), i+80)])
					return
				}
			}
		}
	}
}

// peopled are servers with users who are counted in each way, some of which say in every
// error whom it is about.
func peopled(t *testing.T) (file string, names []string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "defaults: {user: svc-prom, password_file: '%s', check_interval: 10s, delivery_timeout: 2s, request_timeout: 2s, licences: true}\nservers:\n", writeFile(t, "pw", "demo\n"))
	var everybody, ids []string
	for _, u := range agents {
		everybody = append(everybody, u.ID+" ("+u.Name+")")
		ids = append(ids, "'"+u.ID+"'")
	}
	add := func(name, users string, o icwssim.Options, faults ...string) {
		o.User, o.Password, o.Users, o.Shifts = "svc-prom", "demo", agents, icwssim.Shifts{Interval: 20 * time.Millisecond, Seed: 1}
		sim := icwssim.New(o)
		for _, operation := range faults {
			for _, code := range []int{404, 403, 400, 500} {
				sim.Inject(icwssim.Fault{
					Operation: operation, Path: "user|configuration", Code: code, Count: 2,
					ErrorID: "error.request.unknown." + agents[0].ID, Message: "There are no " + strings.Join(everybody, ", "),
				})
			}
		}
		server := httptest.NewServer(sim)
		t.Cleanup(func() { sim.Close(); server.Close() })
		fmt.Fprintf(&text, "  - {name: %s, url: '%s', users: %s}\n", name, server.URL, users)
		names = append(names, name)
	}
	add("ids", "{ids: ["+strings.Join(ids, ", ")+"], per_status: true}", icwssim.Options{})
	add("all", "{all: true, per_status: true}", icwssim.Options{MessagingVersion: 1})
	add("workgroups", "{workgroups: ['"+agents[0].Workgroups[0]+"'], by_workgroup: true}", icwssim.Options{})
	add("refused", "{all: true}", icwssim.Options{}, icwssim.OpSubscribe)
	add("unlisted", "{all: true}", icwssim.Options{}, icwssim.OpUsers)
	add("unread", "{all: true}", icwssim.Options{}, icwssim.OpUserStatus)
	add("unknown", "{ids: ["+strings.Join(ids, ", ")+"]}", icwssim.Options{Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{NoUserRight: "404-all"}}})
	return writeFile(t, "icws.yaml", text.String()), names
}

// Users are counted, and no output of serve, of check or of a capture names one of them:
// whatever a server says of them, and wherever.
func TestNoOutputNamesAUser(t *testing.T) {
	file, names := peopled(t)
	p := start(t, nil, "serve", "--config.file="+file, "--log.level=debug", "--web.listen-address=127.0.0.1:0",
		"--web.enable-lifecycle", "--web.enable-pprof", "--metrics.status-series", "--metrics.detail=full")
	base := pagesOf(t, p, 1)[0]
	eventually(t, "users are counted in each way", func() bool {
		s := scrape(t, base)
		return s.sum("icws_users", `server="ids"`) == 40 && s.sum("icws_users", `server="all"`) == 40 && s.sum("icws_users", `server="workgroups"`) > 0
	})
	eventually(t, "the others say why not", func() bool {
		return strings.Count(get(t, base+"/api/v1/servers?fields=name,users"), `"reason": "`) >= 2
	})
	paths := []string{"/", "/config", "/metrics", "/api/v1/servers", "/debug/pprof/cmdline"}
	for _, name := range names {
		paths = append(paths, "/servers/"+name, "/api/v1/servers/"+name)
	}
	for _, path := range paths {
		for _, accept := range []string{"", "application/openmetrics-text;version=1.0.0"} {
			wantNobody(t, path, page(t, http.MethodGet, base+path, accept))
		}
	}
	if config := page(t, http.MethodGet, base+"/config", ""); !strings.Contains(config, "40 ids") {
		t.Error("/config does not say how many ids there are")
	}
	p.end(t, syscall.SIGTERM)
	wantNobody(t, "the log", p.stderr.String()+p.stdout.String())

	for _, name := range names {
		dir := filepath.Join(t.TempDir(), "capture")
		var out output
		Run(t.Context(), []string{"check", "--config.file=" + file, "--server=" + name, "--record=" + dir}, &out, &out)
		if !strings.Contains(out.String(), "users.all") {
			t.Errorf("check says nothing of users:\n%s", out.String())
		}
		wantNobody(t, "check of "+name, out.String())
		text, err := os.ReadFile(filepath.Join(dir, capture.File))
		if err != nil {
			t.Fatal(err)
		}
		wantNobody(t, "the capture of "+name, string(text))
	}
}
