package incidents

import (
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"

	"icws_exporter/alerts"
)

// mostLines is how many lines a command of a runbook may print: it is read at night.
const mostLines = 40

// followRunbooks does what the runbooks of these alerts say, for every server: it asks
// Prometheus their queries and runs their commands in a shell, against the exporter. It
// returns the alerts of which no query shows anything.
func (w *world) followRunbooks(names []string) (silent []string) {
	i := slices.IndexFunc(w.exporters, func(p *process) bool { return p.fleet != nil })
	if i < 0 {
		return nil // its runbook begins with starting it
	}
	exporter, end := w.exporters[i].onSocket(w)
	defer end()
	for _, name := range names {
		book, ok := alerts.Runbook(name)
		if !ok {
			w.t.Errorf("%s has no runbook", name)
		}
		answers := 0
		for _, s := range w.sites {
			for _, query := range alerts.Queries(book) {
				answers += len(w.monitor.query(w.t, strings.NewReplacer("$SERVER", s.label, "$SITE", "branch").Replace(query)))
			}
			if s.removed || !w.exporters[i].shard.Holds(s.label) {
				continue
			}
			for _, text := range alerts.Commands(book) {
				w.run(name, text, exporter, s.label)
			}
		}
		if answers == 0 {
			silent = append(silent, name)
		}
	}
	return silent
}

// run runs a command of a runbook.
func (w *world) run(name, text, exporter, server string) {
	c := exec.Command("sh", "-c", text)
	c.Env = append(os.Environ(), "EXPORTER="+exporter, "SERVER="+server)
	out, err := c.CombinedOutput()
	if err != nil || len(out) == 0 {
		w.t.Errorf("the runbook of %s: %s for %s: %v: %q", name, text, server, err, out)
	}
	if lines := strings.Count(string(out), "\n"); lines > mostLines {
		w.t.Errorf("the runbook of %s: %s for %s prints %d lines", name, text, server, lines)
	}
}

// onSocket serves the pages of the exporter on a socket until end is called, for which
// the time of the bubble stands still. An answer that is an error fails the test.
func (p *process) onSocket(w *world) (address string, end func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		watched := &status{ResponseWriter: out}
		p.handler.ServeHTTP(watched, r)
		if code := watched.code.Load(); code >= 400 && code != http.StatusServiceUnavailable { // so it says that it is not healthy
			w.t.Errorf("%s is answered %d", r.URL, code)
		}
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(l) }() // it ends with Close
	return l.Addr().String(), func() { _ = server.Close(); <-ended }
}

// status keeps the code of an answer.
type status struct {
	http.ResponseWriter
	code atomic.Int64
}

func (s *status) WriteHeader(code int) {
	s.code.Store(int64(code))
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// followThoseThatFire follows the runbooks of the alerts that fire: something must be
// seen of each. Where nothing goes wrong, all runbooks must be fit to be followed.
func (w *world) followThoseThatFire(i incident) {
	if len(i.delivered) == 0 {
		w.followRunbooks(alerts.Runbooks())
		return
	}
	names := map[string]bool{}
	for _, labels := range w.monitor.query(w.t, `ALERTS{alertstate="firing"}`) {
		names[labels["alertname"]] = true
	}
	for _, name := range w.followRunbooks(slices.Sorted(maps.Keys(names))) {
		w.t.Errorf("no query of the runbook of %s shows anything while it fires", name)
	}
}
