package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests; reaching it is a failure.
const patience = 60 * time.Second

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a running icws_exporter.
type process struct {
	*exec.Cmd
	stdout, stderr output
	exited         chan error
}

// start starts icws_exporter with the arguments and with variables added to the
// environment. It is killed at the end of the test if it still runs then.
func start(t *testing.T, variables []string, args ...string) *process {
	t.Helper()
	p, err := run(exec.Command("icws_exporter", args...), variables)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("stdout of %q:\n%s\nstderr:\n%s", args, p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

func run(command *exec.Cmd, variables []string) (*process, error) {
	p := &process{Cmd: command, exited: make(chan error, 1)}
	p.Env = append(os.Environ(), variables...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.Wait(); close(p.exited) }()
	return p, nil
}

func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.exited
}

// wait returns how the process ended.
func (p *process) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.exited:
		return err
	case <-time.After(patience):
		t.Fatalf("the process does not end\n%s", p.goroutines())
		return nil
	}
}

// goroutines ends a process that hangs and returns what it did.
func (p *process) goroutines() string {
	_ = p.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(patience):
	}
	return p.stderr.String()
}

// end sends the signal and wants the process to end well.
func (p *process) end(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		if err != nil {
			t.Errorf("after %s the process ends with %v", signal, err)
		}
	case <-time.After(patience):
		t.Fatalf("after %s the process does not end\n%s", signal, p.goroutines())
	}
}

// eventually polls until the condition holds or patience is at its end.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// find waits for output that matches and returns the first group.
func find(t *testing.T, o *output, pattern string) string {
	t.Helper()
	var match []string
	eventually(t, "output like "+pattern, func() bool {
		match = regexp.MustCompile(pattern).FindStringSubmatch(o.String())
		return match != nil
	})
	return match[1]
}

// pagesOf waits for the log to tell the n addresses that are served on.
func pagesOf(t *testing.T, p *process, n int) []string {
	t.Helper()
	listening := regexp.MustCompile(`Listening on.*?(127\.0\.0\.1:\d+)`)
	var urls []string
	eventually(t, "the exporter listens", func() bool {
		urls = nil
		for _, m := range listening.FindAllStringSubmatch(p.stderr.String(), -1) {
			urls = append(urls, "http://"+m[1])
		}
		return len(urls) == n
	})
	return urls
}

var client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// get returns the body of a page, whatever its code.
func get(t *testing.T, url string) string {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func getJSON(t *testing.T, url string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(get(t, url)), v); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// samples are the samples of a text exposition, by name and labels as written.
type samples map[string]float64

func scrape(t *testing.T, page string) samples {
	t.Helper()
	return samplesOf(t, get(t, page+"/metrics"))
}

func samplesOf(t *testing.T, exposition string) samples {
	t.Helper()
	found := samples{}
	for line := range strings.Lines(exposition) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			t.Fatalf("the exposition has the line %q", line)
		}
		found[line[:i]] = value
	}
	return found
}

// sum adds up the samples of a family that have the label.
func (s samples) sum(family, label string) float64 {
	total := 0.0
	for series, value := range s {
		if strings.HasPrefix(series, family+"{") && strings.Contains(series, label) {
			total += value
		}
	}
	return total
}
