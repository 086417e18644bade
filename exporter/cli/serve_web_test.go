package cli

import (
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/probe/icwssim"
)

// Prometheus asks /sd and scrapes what it lists. All scrapes together have what
// the servers hold, each series once.
func TestServePerServer(t *testing.T) {
	first, firstServer := simulated(t, false, icwssim.Options{})
	second, secondServer := simulated(t, false, icwssim.Options{Statuses: icwssim.Catalogue(300, 5), MessagingVersion: 1})
	p := start(t, []string{"ICWS_PASSWORD=" + testPassword}, "serve", "--web.per-server", "--user=svc-prom",
		"--server=chicago="+firstServer.URL, "--server=x y&z="+secondServer.URL, "--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	scrapeAll := func() samples {
		all := scrape(t, page)
		var groups []struct {
			Targets []string
			Labels  map[string]string
		}
		getJSON(t, page+"/sd", &groups)
		for _, group := range groups {
			one := samplesOf(t, get(t, "http://"+group.Targets[0]+group.Labels["__metrics_path__"]+
				"?target="+url.QueryEscape(group.Labels["__param_target"])))
			for series := range one {
				if _, double := all[series]; double {
					t.Fatalf("%s is served twice", series)
				}
			}
			maps.Copy(all, one)
		}
		return all
	}
	eventually(t, "the targets have what the servers hold", func() bool {
		s := scrapeAll()
		return s[`icws_exporter_servers{state="live"}`] == 2 && equalsTruth(s, "chicago", first) && equalsTruth(s, "x y&z", second)
	})
	p.end(t, syscall.SIGTERM)
}

// systemd hands an open socket over as file 3 and says so in the environment.
func TestServeOnASocketOfSystemd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// The process must have the number that the environment names.
	command := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec icws_exporter "$@"`, "sh",
		"serve", "--server=http://127.0.0.1:1", "--user=svc-prom", "--web.systemd-socket", "--web.health-listen-address=127.0.0.1:0")
	command.ExtraFiles = []*os.File{file}
	p, err := run(command, []string{"ICWS_PASSWORD=" + testPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	health := find(t, &p.stderr, `Health checks.*?(127\.0\.0\.1:\d+)`)
	for _, address := range []string{listener.Addr().String(), health} {
		if got := get(t, "http://"+address+"/-/healthy"); !strings.HasPrefix(got, "healthy") {
			t.Errorf("%s answers %q", address, got)
		}
	}
	p.end(t, syscall.SIGTERM)
}
