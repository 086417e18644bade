package cli

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/probe/icwssim"
)

func TestSimulateIsWatchedOverHTTPS(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	password := writeFile(t, "pw", testPassword+"\n")
	sim := start(t, nil, "simulate", "--listen-address=127.0.0.1:0", "--certificate-file="+ca, "--name=cic-drill",
		"--user=drill", "--password-file="+password, "--statuses=30", "--life=0", "--poll-only",
		`--fault={"operation":"poll","code":503,"count":2}`)
	url := find(t, &sim.stdout, `URL +(https://127\.0\.0\.1:\d+)`)
	file := writeFile(t, "icws.yaml", "servers:\n  - {name: drill, url: '"+url+"', user: drill, password_file: '"+password+
		"', http: {tls_config: {ca_file: '"+ca+"'}}, backoff: {min: 100ms, max: 1s}}\n")
	p := start(t, nil, "serve", "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "the faults are over and the server is up", func() bool {
		s := scrape(t, page)
		return s[`icws_up{server="drill",site=""}`] == 1 && s[`icws_responses_total{code="503",operation="poll",server="drill"}`] == 2
	})
	if got := scrape(t, page)[`icws_catalogue_entries{server="drill"}`]; got != 30 {
		t.Errorf("%v status messages, want 30", got)
	}
	p.end(t, syscall.SIGTERM)
	var state icwssim.State
	withCertificates(t, ca, func() { getJSON(t, url+"/-/sim/state", &state) })
	if state.Name != "cic-drill" || len(state.Sessions) != 0 || state.Counts.Of("disconnect", 200) != 1 {
		t.Errorf("the simulator's state after the exporter left: %+v", state)
	}
	sim.end(t, syscall.SIGINT)
	if !strings.Contains(sim.stdout.String(), "Sessions left on it: 0.") {
		t.Errorf("the simulator says at its end:\n%s", sim.stdout.String())
	}
	if strings.Contains(sim.stdout.String()+sim.stderr.String()+p.stderr.String(), testPassword) {
		t.Error("the password is in the output")
	}
}

// withCertificates has the test's client trust the certificates of file during f.
func withCertificates(t *testing.T, file string, f func()) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	former := client.Transport
	defer func() { client.Transport = former }()
	client.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}
	f()
}

func TestSimulateDefaults(t *testing.T) {
	sim := start(t, nil, "simulate", "--listen-address=127.0.0.1:0", "--life=10ms", "--seed=7")
	url := find(t, &sim.stdout, `URL +(http://127\.0\.0\.1:\d+)`)
	var first, later icwssim.State
	getJSON(t, url+"/-/sim/state", &first)
	eventually(t, "the catalogue lives", func() bool {
		getJSON(t, url+"/-/sim/state", &later)
		return later.Revision > first.Revision
	})
	if first.Statuses < 20 || !strings.Contains(get(t, url+"/-/sim/"), "POST") {
		t.Errorf("the simulator has %d statuses and the manual %q", first.Statuses, get(t, url+"/-/sim/"))
	}
	sim.end(t, syscall.SIGTERM)
}

func TestSimulateWithQuirks(t *testing.T) {
	sim := start(t, nil, "simulate", "--listen-address=127.0.0.1:0", "--life=0",
		"--quirk=no-resend", "--quirk", "second-stream=shares", "--quirk=session-idle=10s", "--quirk=licence-missing=true")
	url := find(t, &sim.stdout, `URL +(http://127\.0\.0\.1:\d+)`)
	var state struct{ Quirks map[string]any }
	getJSON(t, url+"/-/sim/state", &state)
	for name, want := range map[string]any{
		"no-resend": true, "second-stream": "shares", "session-idle": "10s", "licence-missing": true, "replay": false, "ping-interval": "15s",
	} {
		if state.Quirks[name] != want {
			t.Errorf("%s is %v, want %v", name, state.Quirks[name], want)
		}
	}
	sim.end(t, syscall.SIGTERM)
}
