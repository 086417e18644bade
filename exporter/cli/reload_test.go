package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/probe/icwssim"
)

// watching is a configuration file that can be changed.
type watching struct{ file, password string }

func newWatching(t *testing.T, entries ...string) *watching {
	w := &watching{password: writeFile(t, "pw", testPassword)}
	w.file = writeFile(t, "icws.yaml", w.text(entries...))
	return w
}

func (w *watching) text(entries ...string) string {
	return fmt.Sprintf("defaults: {user: svc-prom, password_file: '%s'}\nservers:\n%s", w.password, strings.Join(entries, ""))
}

func (w *watching) change(t *testing.T, entries ...string) {
	t.Helper()
	if err := os.WriteFile(w.file, []byte(w.text(entries...)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func entry(name, url string) string { return fmt.Sprintf("  - {name: %s, url: '%s'}\n", name, url) }

func TestSIGHUPReloads(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	w := newWatching(t, entry("kept", server.URL), entry("removed", server.URL))
	p := start(t, nil, "serve", "--config.file="+w.file, "--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "both are up", func() bool { return scrape(t, page).sum("icws_up", "server=") == 2 })

	w.change(t, entry("kept", server.URL), "  - {name: broken}\n")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the bad file is refused", func() bool { return scrape(t, page)["icws_exporter_config_last_reload_successful"] == 0 })
	find(t, &p.stderr, `(msg="configuration not reloaded.*icws.yaml:4:5: servers\[1\].hosts: missing)`)

	w.change(t, entry("kept", server.URL), entry("added", server.URL))
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the added one is up", func() bool { return scrape(t, page)[`icws_up{server="added",site=""}`] == 1 })
	s := scrape(t, page)
	if s["icws_exporter_config_last_reload_successful"] != 1 || s.sum("icws_up", `server="removed"`) != 0 || len(sim.Sessions()) != 2 {
		t.Errorf("after the reload there are %d sessions and the metrics\n%v", len(sim.Sessions()), s)
	}
	if s[`icws_session_opens_total{server="kept"}`] != 1 {
		t.Error("the unchanged server logged on again")
	}
	find(t, &p.stderr, `(msg="configuration reloaded" added="1 \(added\)" changed=0 removed="1 \(removed\)" kept=1)`)
	p.end(t, syscall.SIGTERM)
	if left := len(sim.Sessions()); left > 0 {
		t.Errorf("%d sessions are left", left)
	}
}

// Without a file, a reload reads again what the flags name.
func TestSIGHUPWithoutAFile(t *testing.T) {
	_, server := simulated(t, false, icwssim.Options{})
	password := writeFile(t, "pw", testPassword)
	p := start(t, nil, "serve", "--server=a="+server.URL, "--user=svc-prom", "--password-file="+password, "--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="a",site=""}`] == 1 })
	for _, c := range []struct {
		prepare func() error
		log     string
	}{
		{func() error { return os.Rename(password, password+".away") }, `(msg="configuration not reloaded.*--password-file: the password cannot be read)`},
		{func() error { return os.Rename(password+".away", password) }, `(msg="configuration reloaded" added=0 changed=0 removed=0 kept=1)`},
	} {
		if err := c.prepare(); err != nil {
			t.Fatal(err)
		}
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		find(t, &p.stderr, c.log)
	}
	if s := scrape(t, page); s[`icws_up{server="a",site=""}`] != 1 || s[`icws_session_opens_total{server="a"}`] != 1 {
		t.Error("the reloads cost the session")
	}
	p.end(t, syscall.SIGTERM)
}

func TestAutoReload(t *testing.T) {
	_, server := simulated(t, false, icwssim.Options{})
	w := newWatching(t, entry("kept", server.URL))
	p := start(t, nil, "serve", "--config.file="+w.file, "--web.listen-address=127.0.0.1:0", "--config.auto-reload", "--config.auto-reload-interval=1s")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="kept",site=""}`] == 1 })
	w.change(t, entry("kept", server.URL), entry("added", server.URL))
	eventually(t, "the added one is up", func() bool { return scrape(t, page)[`icws_up{server="added",site=""}`] == 1 })
	if scrape(t, page)[`icws_session_opens_total{server="kept"}`] != 1 {
		t.Error("the unchanged server logged on again")
	}
	p.end(t, syscall.SIGTERM)
}

// Three exporters with one file watch every server once.
func TestThreeShardsWatchEveryServerOnce(t *testing.T) {
	const servers = 30
	sim, server := simulated(t, false, icwssim.Options{})
	var entries []string
	for i := range servers {
		entries = append(entries, entry(fmt.Sprintf("cic-%02d", i), server.URL))
	}
	w := newWatching(t, entries...)
	var shards []*process
	var pages []string
	for ordinal := range 3 {
		args := []string{"serve", "--config.file=" + w.file, "--web.listen-address=127.0.0.1:0", "--shard.total=3"}
		p := start(t, []string{fmt.Sprintf("POD_NAME=icws-exporter-%d", ordinal)}, append(args, "--shard.ordinal=auto")...)
		shards = append(shards, p)
		pages = append(pages, pagesOf(t, p, 1)[0])
	}
	watchers := func() (perServer map[string]int, hashes map[float64]bool) {
		perServer, hashes = map[string]int{}, map[float64]bool{}
		for ordinal, page := range pages {
			s := scrape(t, page)
			if s["icws_exporter_shards"] != 3 || s["icws_exporter_shard_ordinal"] != float64(ordinal) {
				t.Errorf("shard %d says it is %v of %v", ordinal, s["icws_exporter_shard_ordinal"], s["icws_exporter_shards"])
			}
			hashes[s["icws_exporter_config_hash"]] = true
			for i := range servers {
				name := fmt.Sprintf("cic-%02d", i)
				if s[`icws_up{server="`+name+`",site=""}`] == 1 {
					perServer[name]++
				}
			}
		}
		return perServer, hashes
	}
	eventually(t, "every server is up somewhere", func() bool { perServer, _ := watchers(); return len(perServer) == servers })
	perServer, hashes := watchers()
	for name, n := range perServer {
		if n != 1 {
			t.Errorf("%d exporters watch %s", n, name)
		}
	}
	if len(sim.Sessions()) != servers {
		t.Errorf("%d servers cost %d sessions", servers, len(sim.Sessions()))
	}
	if len(hashes) != 1 {
		t.Errorf("exporters with one file have the hashes %v", hashes)
	}
	for _, p := range shards {
		p.end(t, syscall.SIGTERM)
	}
	if left := len(sim.Sessions()); left > 0 {
		t.Errorf("%d sessions are left", left)
	}
}

// Too few descriptors for the servers are told at the start and when there are more
// servers, not at every reload.
func TestTooFewDescriptorsAreTold(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	w := newWatching(t, entry("a", server.URL))
	command := exec.Command("sh", "-c", `ulimit -n 1204; exec icws_exporter "$@"`, "sh",
		"serve", "--config.file="+w.file, "--web.listen-address=127.0.0.1:0")
	p, err := run(command, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	page := pagesOf(t, p, 1)[0]
	reload := func(log string, entries ...string) {
		w.change(t, entries...)
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		find(t, &p.stderr, log)
	}
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="a",site=""}`] == 1 })
	const told = "the limit on open files is too low"
	if strings.Contains(p.stderr.String(), told) {
		t.Error("1204 descriptors are too few for one server")
	}
	reload(`(added="1 \(b\)")`, entry("a", server.URL), entry("b", server.URL))
	find(t, &p.stderr, `(level=WARN msg="`+told+`.*LimitNOFILE=.*" servers=2 limit=1204 needed=1206)`)
	reload(`(removed="1 \(b\)")`, entry("a", server.URL))
	reload(`(added="1 \(c\)")`, entry("a", server.URL), entry("c", server.URL))
	if n := strings.Count(p.stderr.String(), told); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, p.stderr.String())
	}
	p.end(t, syscall.SIGTERM)
	if left := len(sim.Sessions()); left > 0 {
		t.Errorf("%d sessions are left", left)
	}
}
