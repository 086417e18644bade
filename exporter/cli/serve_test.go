package cli

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/probe/icwssim"
)

// testPassword must appear in nothing that the exporter writes or serves.
const testPassword = "correct-horse-battery"

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func simulated(t *testing.T, secure bool, o icwssim.Options) (*icwssim.Server, *httptest.Server) {
	t.Helper()
	o.User, o.Password = "svc-prom", testPassword
	sim := icwssim.New(o)
	server := httptest.NewUnstartedServer(sim)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() { sim.Close(); server.Close() })
	return sim, server
}

// equalsTruth says whether the series of the server are exactly what the
// simulator holds: every group and flag, and no group more.
func equalsTruth(s samples, server string, sim *icwssim.Server) bool {
	truth := sim.Truth()
	groups := 0
	for group, count := range truth.Groups {
		if group == "" {
			group = "(none)"
		}
		groups++
		if s[fmt.Sprintf(`icws_statuses{group=%q,server=%q}`, group, server)] != float64(count.Entries) {
			return false
		}
		for flag, n := range count.Flagged {
			if s[fmt.Sprintf(`icws_statuses_flagged{flag=%q,group=%q,server=%q}`, flag, group, server)] != float64(n) {
				return false
			}
		}
	}
	label := fmt.Sprintf(`server=%q`, server)
	return groups > 0 && s.sum("icws_statuses", label) == float64(len(truth.Statuses)) &&
		s[fmt.Sprintf(`icws_catalogue_entries{server=%q}`, server)] == float64(len(truth.Statuses))
}

func TestServeWatchesTwoServersAtOnce(t *testing.T) {
	plain, plainURL := simulated(t, false, icwssim.Options{Name: "cic-plain"})
	secure, secureURL := simulated(t, true, icwssim.Options{Name: "cic-secure", Statuses: icwssim.Catalogue(300, 5), MessagingVersion: 1})
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secureURL.Certificate().Raw})
	password := writeFile(t, "pw", testPassword+"\n")
	file := writeFile(t, "icws.yaml", fmt.Sprintf(`
defaults: {user: svc-prom, password_file: '%s'}
servers:
  - {name: chicago, site: us, url: '%s'}
  - {name: zürich, site: ch, url: '%s', poll_interval: 200ms, http: {tls_config: {ca_file: '%s'}}}
  - {name: locked, url: '%s', user: nobody}
`, password, plainURL.URL, secureURL.URL, writeFile(t, "ca.pem", string(certificate)), plainURL.URL))
	p := start(t, nil, "serve", "--config.file="+file, "--web.listen-address=127.0.0.1:0", "--log.level=debug", "--log.format=json")
	page := pagesOf(t, p, 1)[0]

	same := func() bool {
		s := scrape(t, page)
		return equalsTruth(s, "chicago", plain) && equalsTruth(s, "zürich", secure)
	}
	eventually(t, "the counts equal what the servers hold", same)
	for range 20 {
		plain.Step(100)
		secure.Step(100)
	}
	eventually(t, "the counts equal what the servers hold after 4,000 edits", same)
	eventually(t, "the server that refuses the log-on is on hold", func() bool {
		return scrape(t, page)[`icws_probe_state{server="locked",state="auth_hold"}`] == 1
	})
	metrics := get(t, page+"/metrics")
	for _, want := range []string{`site="us"`, `site="ch"`, `icws_exporter_config_last_reload_successful 1`, "go_goroutines ", `version="devel"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the exposition has no %s", want)
		}
	}
	if strings.Contains(metrics, "\nicws_status_info{") {
		t.Error("series per status are there without the flag")
	}
	if got := get(t, page+"/-/ready"); got != "ready\n" {
		t.Errorf("/-/ready answers %q", got)
	}
	status := get(t, page+"/")
	if !strings.Contains(status, "2 of 3 servers up") || !strings.Contains(status, "auth_hold") {
		t.Errorf("the status page does not show the state of the servers:\n%s", status)
	}
	pages := metrics + status + openMetrics(t, page) + get(t, page+"/-/healthy") + get(t, page+"/nowhere")
	p.end(t, syscall.SIGTERM)
	if left := len(plain.Sessions()) + len(secure.Sessions()); left > 0 {
		t.Errorf("%d sessions are left on the servers", left)
	}
	written := p.stdout.String() + p.stderr.String()
	if strings.Contains(pages+written, testPassword) {
		t.Error("the password is in what the exporter writes or serves")
	}
	wantJSONLog(t, p.stderr.String())
}

func openMetrics(t *testing.T, page string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, page+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "# EOF\n") {
		t.Error("OpenMetrics does not end with # EOF")
	}
	return string(text)
}

func wantJSONLog(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var record struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Msg == "" || record.Level == "" {
			t.Errorf("not a JSON log record: %s", line)
		}
	}
}

func TestServeQuickStart(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	p := start(t, []string{"ICWS_PASSWORD=" + testPassword}, "serve", "--server="+server.URL, "--server=twice="+server.URL,
		"--user=svc-prom", "--metrics.status-series", "--web.disable-exporter-metrics",
		"--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:0")
	urls := pagesOf(t, p, 2)
	host := strings.TrimPrefix(server.URL, "http://")
	eventually(t, "both names are up", func() bool {
		s := scrape(t, urls[0])
		return s[`icws_up{server="`+host+`",site=""}`] == 1 && s[`icws_up{server="twice",site=""}`] == 1
	})
	eventually(t, "every status has its series", func() bool {
		return scrape(t, urls[1]).sum("icws_status_info", `server="twice"`) == float64(len(sim.Truth().Statuses))
	})
	if strings.Contains(get(t, urls[0]+"/metrics"), "go_goroutines") {
		t.Error("the metrics of the process are there although they were switched off")
	}
	p.end(t, syscall.SIGINT)
	if strings.Contains(p.stderr.String(), testPassword) {
		t.Error("the password is in the log")
	}
	if !strings.Contains(p.stderr.String(), "level=INFO") {
		t.Errorf("the log is not logfmt:\n%s", p.stderr.String())
	}
}

func TestServeWithPasswordFile(t *testing.T) {
	_, server := simulated(t, false, icwssim.Options{})
	p := start(t, nil, "serve", "--server=a="+server.URL, "--user=svc-prom", "--password-file="+writeFile(t, "pw", testPassword+"\n"),
		"--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="a",site=""}`] == 1 })
	p.end(t, syscall.SIGTERM)
}

// The exporter outlives whoever reads its log.
func TestServeWhoseLogNobodyReads(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("icws_exporter", "serve", "--server=a="+server.URL, "--user=svc-prom",
		"--password-file="+writeFile(t, "pw", testPassword), "--web.listen-address=127.0.0.1:0")
	command.Stderr = writer
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: command, exited: make(chan error, 1)}
	go func() { p.exited <- command.Wait(); close(p.exited) }()
	t.Cleanup(p.kill)
	_ = writer.Close()
	var address []string
	for lines := bufio.NewScanner(reader); address == nil && lines.Scan(); {
		address = regexp.MustCompile(`Listening on.*?(127\.0\.0\.1:\d+)`).FindStringSubmatch(lines.Text())
	}
	_ = reader.Close()
	if address == nil {
		t.Fatal("it does not serve")
	}
	page := "http://" + address[1]
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="a",site=""}`] == 1 })
	before := scrape(t, page)["icws_exporter_config_last_reload_success_timestamp_seconds"]
	if err := p.Process.Signal(syscall.SIGHUP); err != nil { // its end is a line of the log
		t.Fatal(err)
	}
	eventually(t, "it reloads", func() bool {
		return scrape(t, page)["icws_exporter_config_last_reload_success_timestamp_seconds"] > before
	})
	p.end(t, syscall.SIGTERM)
	if left := sim.Sessions(); len(left) > 0 {
		t.Errorf("left on the server: %+v", left)
	}
}
