//go:build e2e

package alerts

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"icws_exporter/alerts/build"
	"icws_exporter/probe/icwssim"
)

var times = flag.Int("times", 6, "how many times shorter everything is; 1 takes half an hour, and the log says when the pages came")

// shorter is what a time becomes.
func shorter(d time.Duration) time.Duration { return d / time.Duration(*times) }

// patience only bounds a failure: a busy machine may take its time.
func patience() time.Duration { return shorter(30 * time.Minute) }

// Each of the five pages is delivered by a real Prometheus and Alertmanager, of a real
// exporter, and resolved; nobody is paged for servers that work. When, and every other
// alert, is the matter of the module incidents, whose time does not depend on the machine.
func TestPagesOfTheBinaries(t *testing.T) {
	w := startWorld(t)
	w.eventually(t, "the servers are not up", func() (missing []string) {
		if up := len(query(t, w.prometheus, `icws_up == 1`)); up != len(w.servers) {
			missing = append(missing, fmt.Sprintf("%d of %d are", up, len(w.servers)))
		}
		return missing
	})
	began := time.Now()
	w.begin()
	w.eventually(t, "pages were not delivered", func() (missing []string) {
		for server, page := range pageOf {
			if !w.inbox.has(server, page, "firing") {
				missing = append(missing, page+" of "+server)
			}
		}
		return missing
	})
	ended := time.Now()
	w.end(t)
	w.eventually(t, "the ends of pages were not delivered", func() (missing []string) {
		for server, page := range pageOf {
			if page != "IcwsAvailabilityBudgetBurn" && !w.inbox.has(server, page, "resolved") { // it goes on for 15 minutes
				missing = append(missing, page+" of "+server)
			}
		}
		return missing
	})
	for server, page := range pageOf {
		t.Logf("%s of %s: delivered after %s", page, server, w.inbox.first(server, page, "firing").Sub(began).Round(time.Second))
		if at := w.inbox.first(server, page, "resolved"); !at.IsZero() {
			t.Logf("%s of %s: resolved after %s", page, server, at.Sub(ended).Round(time.Second))
		}
	}
	if wrong := w.inbox.wrong(); len(wrong) > 0 {
		t.Errorf("delivered, and should not be:\n%s", strings.Join(wrong, "\n"))
	}
}

// pageOf is the page of each server that something happens to.
var pageOf = map[string]string{
	"errors":   "IcwsServerDown",
	"emptied":  "IcwsCatalogueUnusable",
	"failing":  "IcwsRequestsFailing",
	"flapping": "IcwsAvailabilityBudgetBurn",
	"killed":   "IcwsNotWatched", // its exporter is
}

// server is a simulated server, which can fail most requests.
type server struct {
	*icwssim.Server
	failing  atomic.Bool
	requests atomic.Int64
	url      string
}

// fails says of the switchover status, and of two of three checks, that they fail: three in a
// row would end the session.
func (s *server) fails(r *http.Request) bool {
	return s.failing.Load() && (strings.HasSuffix(r.URL.Path, "/switchover-status") ||
		strings.HasSuffix(r.URL.Path, "/status-messages") && s.requests.Add(1)%3 != 0)
}

type world struct {
	dir, prometheus string
	servers         map[string]*server
	addresses       map[string]string // of the exporters, by job
	killed          *process
	start           func(job string) *process
	flapping        chan struct{}
	inbox           *inbox
}

func startWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), servers: map[string]*server{}, addresses: map[string]string{}, flapping: make(chan struct{}), inbox: &inbox{}}
	prometheus := program(t, "PROMETHEUS", "prometheus")
	alertmanager := program(t, "ALERTMANAGER", "prometheus-alertmanager", "alertmanager")
	binary := filepath.Join(w.dir, "icws_exporter")
	if out, err := exec.Command("go", "build", "-o", binary, "icws_exporter").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	writeFile(t, filepath.Join(w.dir, "pw"), "demo")
	defaults := fmt.Sprintf(defaults, shorter(time.Minute))
	texts := map[string]string{"icws": defaults, "icws-killed": defaults}
	for _, name := range []string{"errors", "emptied", "failing", "flapping", "steady-sse", "steady-poll", "killed"} {
		job, transport := "icws", "sse"
		if name == "killed" {
			job = "icws-killed"
		}
		if name == "emptied" || name == "steady-poll" {
			transport = "poll"
		}
		w.servers[name] = newServer(t)
		texts[job] += fmt.Sprintf("  - {name: %s, url: '%s', transport: %s}\n", name, w.servers[name].url, transport)
	}
	w.start = func(job string) *process {
		return start(t, w.dir, binary, "serve", "--config.file="+job+".yaml", "--web.listen-address="+w.addresses[job])
	}
	for job, text := range texts {
		writeFile(t, filepath.Join(w.dir, job+".yaml"), text)
		w.addresses[job] = freeAddress(t)
	}
	w.start("icws")
	w.killed = w.start("icws-killed")
	w.startMonitoring(t, prometheus, alertmanager)
	return w
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{Server: icwssim.New(icwssim.Options{})}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.fails(r) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.ServeHTTP(w, r)
	}))
	s.url = front.URL
	t.Cleanup(func() { s.Close(); front.Close() })
	return s
}

const defaults = `defaults:
  user: demo
  password_file: pw
  check_interval: %s
  delivery_timeout: 5s
  backoff: {min: 100ms, max: 1s}
  breaker: {failures: 1000, open_for: 1s}
servers:
`

func (w *world) startMonitoring(t *testing.T, prometheus, alertmanager string) {
	t.Helper()
	hook := httptest.NewServer(w.inbox)
	t.Cleanup(hook.Close)
	someOtherDay := strings.ToLower(time.Now().UTC().AddDate(0, 0, 3).Weekday().String())
	text := strings.NewReplacer(
		"http://pager.example.com/icws", hook.URL, "http://tickets.example.com/icws", hook.URL, "http://dead-mans-switch.example.com/icws", hook.URL,
		"[sunday]", "["+someOtherDay+"]",
	).Replace(build.Shorten(text(t, Alertmanager), *times, 0))
	writeFile(t, filepath.Join(w.dir, "alertmanager.yaml"), text)
	address := freeAddress(t)
	start(t, w.dir, alertmanager, "--config.file=alertmanager.yaml", "--storage.path=alertmanager", "--web.listen-address="+address, "--cluster.listen-address=")
	for _, file := range RuleFiles {
		rules, _ := Text(file) // it is embedded
		writeFile(t, filepath.Join(w.dir, file), build.Shorten(rules, *times, 10*time.Second))
	}
	interval := shorter(12 * time.Second)
	config := fmt.Sprintf("global: {scrape_interval: %s, evaluation_interval: %s}\n", interval, interval) + "rule_files: [" + strings.Join(RuleFiles, ", ") + "]\n" +
		"alerting: {alertmanagers: [{static_configs: [{targets: ['" + address + "']}]}]}\nscrape_configs:\n"
	for job, address := range w.addresses {
		config += "  - {job_name: " + job + ", static_configs: [{targets: ['" + address + "']}]}\n"
	}
	writeFile(t, filepath.Join(w.dir, "prometheus.yaml"), config)
	w.prometheus = freeAddress(t)
	start(t, w.dir, prometheus, "--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--web.listen-address="+w.prometheus, "--rules.alert.resend-delay=10s")
}

// eventually waits until nothing is missing, and ends the test when patience is over.
func (w *world) eventually(t *testing.T, problem string, missing func() []string) {
	t.Helper()
	began := time.Now()
	for deadline := began.Add(patience()); ; time.Sleep(time.Second) {
		lines := missing()
		if len(lines) == 0 {
			return
		}
		if time.Now().After(deadline) {
			slices.Sort(lines)
			t.Fatalf("%s within %s:\n%s\ndelivered so far:\n%s", problem, patience(), strings.Join(lines, "\n"), w.inbox)
		}
	}
}

func (w *world) begin() {
	failAll := icwssim.Fault{Code: http.StatusInternalServerError}
	w.servers["errors"].Inject(failAll)
	w.servers["errors"].ExpireSessions()
	var none []icwssim.Edit
	for _, st := range w.servers["emptied"].Truth().Statuses {
		none = append(none, icwssim.Remove(st.ID))
	}
	w.servers["emptied"].Apply(none...)
	w.servers["failing"].failing.Store(true)
	w.killed.end(syscall.SIGKILL)
	go func() { // until the end, which waits for it
		flapping, down := w.servers["flapping"], false
		for {
			select {
			case w.flapping <- struct{}{}:
				flapping.Clear()
				return
			case <-time.After(shorter(2 * time.Minute)):
			}
			if down = !down; down {
				flapping.Inject(failAll)
				flapping.ExpireSessions()
			} else {
				flapping.Clear()
			}
		}
	}()
}

func (w *world) end(t *testing.T) {
	t.Helper()
	<-w.flapping
	w.servers["errors"].Clear()
	for _, st := range icwssim.DefaultCatalogue() {
		w.servers["emptied"].Apply(icwssim.Add(st))
	}
	w.servers["failing"].failing.Store(false)
	w.start("icws-killed")
}

// notification is one alert that the Alertmanager delivered.
type notification struct {
	Status string
	Labels map[string]string
	at     time.Time
}

func (n notification) String() string { return fmt.Sprint(n.Status, " ", n.Labels) }

// about is the server of a page: of one with a server of its own, its job says which.
func (n notification) about() string {
	if n.Labels["job"] == "icws-killed" {
		return "killed"
	}
	return n.Labels["server"]
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

func (b *inbox) has(server, alert, status string) bool {
	return !b.first(server, alert, status).IsZero()
}

// first is when it was delivered first; zero: never.
func (b *inbox) first(server, alert, status string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.received {
		if n.about() == server && n.Labels["alertname"] == alert && n.Status == status {
			return n.at
		}
	}
	return time.Time{}
}

// wrong are pages of servers that work, and ends of what was never delivered.
func (b *inbox) wrong() (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := map[string]bool{}
	for _, n := range b.received {
		key := fmt.Sprint(n.Labels)
		if n.Status == "resolved" && !sent[key] {
			lines = append(lines, "never sent: "+n.String())
		}
		sent[key] = true
		if n.Labels["severity"] == "critical" && pageOf[n.about()] == "" {
			lines = append(lines, n.String())
		}
	}
	return lines
}

func (b *inbox) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var text strings.Builder
	for _, n := range b.received {
		if n.Labels["severity"] != "none" {
			fmt.Fprintln(&text, n)
		}
	}
	return text.String()
}

// query asks Prometheus and returns the label sets of the result; none while it starts.
func query(t *testing.T, prometheus, expr string) (labels []map[string]string) {
	t.Helper()
	response, err := http.PostForm("http://"+prometheus+"/api/v1/query", map[string][]string{"query": {expr}})
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	_ = json.NewDecoder(response.Body).Decode(&answer) // then nothing is there yet
	for _, r := range answer.Data.Result {
		labels = append(labels, r.Metric)
	}
	return labels
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

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
	exited chan struct{}
}

func start(t *testing.T, dir, name string, args ...string) *process {
	t.Helper()
	log, err := os.CreateTemp(dir, filepath.Base(name)+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exec.Command(name, args...), make(chan struct{})}
	p.Stdout, p.Stderr, p.Dir = log, log, dir
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Wait(); log.Close(); close(p.exited) }()
	t.Cleanup(func() {
		p.end(syscall.SIGTERM)
		if t.Failed() {
			content, _ := os.ReadFile(log.Name())
			t.Logf("the last of %s %s:\n%s", filepath.Base(name), args[:2], content[max(0, len(content)-1500):])
		}
	})
	return p
}

func (p *process) end(signal os.Signal) {
	_ = p.Process.Signal(signal)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
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
