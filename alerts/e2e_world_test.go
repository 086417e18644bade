//go:build e2e

package alerts

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// site is the simulated server of an incident.
type site struct {
	incident
	label           string // of the server: the incident and the transport
	transport       string
	stripsCookie    atomic.Bool // a proxy in front does
	server, standby *icwssim.Server
	front           *httptest.Server
	hosts           []string
	statuses        []icwssim.Status
	passwordFile    string
	caFile          string
}

func (s *site) writePassword(password string) {
	_ = os.WriteFile(s.passwordFile, []byte(password), 0o600) // a failure shows as an alert that does not end
}

func newSite(t *testing.T, dir string, i incident, transport string) *site {
	t.Helper()
	label := i.name + "-" + transport
	s := &site{incident: i, label: label, transport: transport, passwordFile: filepath.Join(dir, label+".pw"), caFile: filepath.Join(dir, label+".pem")}
	s.writePassword("demo")
	if i.options.Statuses == nil {
		i.options.Statuses = icwssim.DefaultCatalogue()
	}
	if i.isRandom() {
		i.options.Life = icwssim.Life{Interval: time.Second, Seed: 1}
	}
	serve := func(o icwssim.Options) (*icwssim.Server, *httptest.Server) {
		server := icwssim.New(o)
		front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s.stripsCookie.Load() {
				r.Header.Del("Cookie")
			}
			server.ServeHTTP(w, r)
		}))
		if i.name == "certificate-soon" {
			front.TLS = expiringTomorrow(t, s.caFile)
			front.StartTLS()
		} else {
			front.Start()
		}
		s.hosts = append(s.hosts, front.Listener.Addr().String())
		t.Cleanup(func() { server.Close(); front.Close() })
		return server, front
	}
	s.server, s.front = serve(i.options)
	switch {
	case strings.HasPrefix(i.name, "switchover"):
		i.options.NotAccepting = true
		s.standby, _ = serve(i.options)
	case i.name == "site-differs":
		serve(i.options)
	case i.name == "standby-dead":
		s.hosts = append(s.hosts, freeAddress(t))
	}
	s.statuses = s.server.Truth().Statuses
	return s
}

// configuration is the entry of the site, during the incident or after it.
func (s *site) configuration(after bool) string {
	entry := func(name, scheme, more string, hosts ...string) string {
		return fmt.Sprintf("  - {name: %s, url: '%s://{host}', hosts: ['%s'], password_file: '%s', transport: %s%s}\n",
			name, scheme, strings.Join(hosts, "', '"), s.passwordFile, s.transport, more)
	}
	switch {
	case after && strings.HasSuffix(s.name, "-soon"):
		return ""
	case s.name == "certificate-soon":
		return entry(s.label, "https", ", http: {tls_config: {ca_file: '"+s.caFile+"'}}", s.hosts...)
	case s.name == "site-differs":
		return entry(s.label, "http", s.more, s.hosts[0]) + entry("site-agrees", "http", s.more, s.hosts[1])
	case after && s.name == "standby-dead":
		return entry(s.label, "http", s.more, s.hosts[0])
	case after:
		return entry(s.label, "http", s.more+s.moreAfter, s.hosts...)
	}
	return entry(s.label, "http", s.more, s.hosts...)
}

// expiringTomorrow makes a certificate and writes it to a file, to be trusted.
func expiringTomorrow(t *testing.T, file string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const defaults = `limits: {groups: %d}
defaults:
  user: demo
  poll_interval: 1s
  check_interval: 10s
  resubscribe_interval: 1m
  delivery_timeout: 2s
  request_timeout: 3s
  backoff: {min: 100ms, max: 3s}
  breaker: {failures: 2, open_for: 3s}
servers:
`

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is a program that runs until the test ends.
type process struct {
	*exec.Cmd
	log    string
	exited chan struct{}
}

// logOf returns what the process logged about a server.
func (p *process) logOf(server string) string {
	content, _ := os.ReadFile(p.log)
	var about strings.Builder
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "server="+server+" ") {
			about.WriteString(line)
		}
	}
	return about.String()
}

func start(t *testing.T, dir, name string, args ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.log", filepath.Base(name), time.Now().UnixNano())))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exec.Command(name, args...), log.Name(), make(chan struct{})}
	p.Stdout, p.Stderr, p.Dir = log, log, dir
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Wait(); log.Close(); close(p.exited) }()
	t.Cleanup(func() {
		p.end(syscall.SIGTERM)
		if t.Failed() {
			content, _ := os.ReadFile(log.Name())
			t.Logf("the last of %s %s:\n%s", name, args, content[max(0, len(content)-3000):])
		}
	})
	return p
}

func (p *process) end(signal os.Signal) {
	_ = p.Process.Signal(signal)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		_ = p.Process.Kill()
		<-p.exited
	}
}

// program finds a program by an environment variable or by its names.
func program(t *testing.T, variable string, names ...string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("this test needs %s: put it on the PATH, or its path into %s", names[0], variable)
	return ""
}

// notification is one alert that the Alertmanager delivered.
type notification struct {
	Status string
	Labels map[string]string
	at     time.Time
}

// inbox is the webhook that the Alertmanager delivers to.
type inbox struct {
	mu       sync.Mutex
	received []notification
}

func (b *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var message struct{ Alerts []notification }
	_ = json.NewDecoder(r.Body).Decode(&message) // what is not understood is missed
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range message.Alerts {
		n.at = time.Now()
		b.received = append(b.received, n)
	}
}

// first is when an alert was delivered first, or when its last end was; zero: never.
func (b *inbox) first(incident, alert, status string) (at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.received {
		if incidentOf(n.Labels) == incident && describe(n.Labels) == alert && n.Status == status && (at.IsZero() || status == "resolved") {
			at = n.at
		}
	}
	return at
}

// neverSent are the alerts whose end was delivered and that never were themselves.
func (b *inbox) neverSent() (wrong []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := map[string]bool{}
	for _, n := range b.received {
		key := fmt.Sprint(n.Labels)
		if n.Status == "resolved" && !sent[key] {
			wrong = append(wrong, key)
		}
		sent[key] = true
	}
	return wrong
}

// incidentOf attributes an alert: to a server, or to the job of an exporter.
func incidentOf(labels map[string]string) string {
	switch {
	case labels["job"] != "icws" && labels["job"] != "":
		return strings.TrimPrefix(labels["job"], "icws-")
	case labels["server"] != "":
		return labels["server"]
	case labels["site"] != "":
		return "site-differs-sse"
	default:
		return strings.TrimPrefix(labels["job"], "icws-")
	}
}

func describe(labels map[string]string) string {
	if labels["why"] == "probe_stuck" { // none of the incidents
		return labels["alertname"] + " probe_stuck"
	}
	return labels["alertname"] + " " + labels["severity"]
}

// of returns the alerts that were delivered, by incident, and those of them whose end
// was not.
func (b *inbox) of() (delivered, open map[string]map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delivered, open = map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, n := range b.received {
		if n.Labels["severity"] == "none" {
			continue
		}
		add(delivered, n.Labels)
		if n.Status == "resolved" {
			delete(open[incidentOf(n.Labels)], describe(n.Labels))
		} else {
			add(open, n.Labels)
		}
	}
	return delivered, open
}

func add(into map[string]map[string]bool, labels map[string]string) {
	name := incidentOf(labels)
	if into[name] == nil {
		into[name] = map[string]bool{}
	}
	into[name][describe(labels)] = true
}

// query asks Prometheus and returns the label sets of the result.
func query(t *testing.T, prometheus, expr string) []map[string]string {
	t.Helper()
	response, err := http.PostForm("http://"+prometheus+"/api/v1/query", map[string][]string{"query": {expr}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status != "success" {
		t.Errorf("%s: %s", expr, answer.Error)
	}
	var labels []map[string]string
	for _, r := range answer.Data.Result {
		labels = append(labels, r.Metric)
	}
	return labels
}

// firing returns the alerts that fired at any time of the last quarter of an hour,
// or that fire now.
func firing(t *testing.T, prometheus string, now bool) map[string]map[string]bool {
	t.Helper()
	expr := `ALERTS{alertstate="firing"}`
	if !now {
		expr = "max_over_time(" + expr + "[15m])"
	}
	found := map[string]map[string]bool{}
	for _, labels := range query(t, prometheus, expr) {
		if labels["severity"] != "none" {
			add(found, labels)
		}
	}
	return found
}

// command runs a command of a runbook and returns what it printed.
func command(t *testing.T, text, exporter, server string) string {
	t.Helper()
	c := exec.Command("sh", "-c", text)
	c.Env = append(os.Environ(), "EXPORTER="+exporter, "SERVER="+server)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Errorf("%s: %v: %s", text, err, out.String())
	}
	return out.String()
}

// targets is a service discovery over HTTP.
type targets struct {
	mu   sync.Mutex
	list []string
}

func (d *targets) set(list ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = list
}

func (d *targets) ServeHTTP(out http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(out).Encode([]map[string]any{{"targets": d.list}})
}

// otherProgram answers as the exporter does, or as another program.
type otherProgram struct {
	mu    sync.Mutex
	other bool
}

func (p *otherProgram) set(other bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.other = other
}

func (p *otherProgram) ServeHTTP(out http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out.Header().Set("Content-Type", "text/plain; version=0.0.4")
	if p.other {
		fmt.Fprintln(out, "node_load1 1")
	} else {
		fmt.Fprintln(out, "icws_exporter_build_info 1")
	}
}
