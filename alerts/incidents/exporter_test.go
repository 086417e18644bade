package incidents

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
)

// process is one exporter, put together as serve does it.
type process struct {
	n             *network
	address, file string
	shard         exporter.Shard
	log           *logText

	fleet    *exporter.Fleet
	reloader *exporter.Reloader
	handler  http.Handler
	server   *http.Server
	serving  sync.WaitGroup
	outgoing *outgoing
}

// externalURL is where a proxy has the pages of all exporters.
var externalURL = &url.URL{Scheme: "https", Host: "proxy.example.com", Path: "/icws/"}

func newProcess(n *network, dir, address string) *process {
	return &process{n: n, address: address, file: filepath.Join(dir, address+".yaml"), log: newLogText()}
}

func (p *process) configure(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *process) start(t *testing.T) {
	t.Helper()
	metrics := collect.New(collect.Options{ExternalURL: externalURL})
	p.outgoing = &outgoing{n: p.n}
	p.fleet = exporter.New(exporter.Options{
		Metrics: metrics, Logger: slog.New(collect.CountLogs(p.log, metrics)), UserAgent: "incidents", Shard: p.shard, Dial: p.outgoing.dial,
	})
	p.reloader = exporter.NewReloader(p.fleet, func() (config.Validated, error) { return config.Load(p.file) })
	first, err := config.Load(p.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.reloader.Start(first); err != nil {
		t.Fatal(err)
	}
	p.handler = web.NewHandler(web.Options{Fleet: p.fleet, Metrics: metrics, Reloader: p.reloader, Lifecycle: true, Shards: p.fleet, ExternalURL: externalURL})
	p.server = &http.Server{Handler: p.handler}
	l := p.n.listen(p.address)
	p.serving.Go(func() { _ = p.server.Serve(l) }) // it ends with stop
}

// reload has it read its configuration; that it refuses one may be the incident.
func (p *process) reload(t *testing.T) { _ = p.reloader.Reload(t.Context()) }

// stop ends it as SIGTERM does.
func (p *process) stop() {
	if p.fleet == nil {
		return
	}
	p.n.remove(p.address)
	_ = p.server.Close()
	p.fleet.Close()
	p.serving.Wait()
	p.fleet = nil
}

// kill ends it as SIGKILL does: no server hears of it.
func (p *process) kill() {
	p.outgoing.end()
	p.stop()
}

// outgoing are the connections that a process has opened.
type outgoing struct {
	n     *network
	ended atomic.Bool
	mu    sync.Mutex
	open  []net.Conn
}

func (o *outgoing) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	if o.ended.Load() {
		return nil, net.ErrClosed
	}
	c, err := o.n.dial(ctx, kind, address)
	if err == nil {
		o.mu.Lock()
		o.open = append(o.open, c)
		o.mu.Unlock()
	}
	return c, err
}

func (o *outgoing) end() {
	o.ended.Store(true)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.open {
		_ = c.Close() // it may be closed already
	}
}

// logText keeps the log, and can have whoever logs hang.
type logText struct {
	slog.Handler
	text *lines
	hung *atomic.Pointer[chan struct{}]
}

func newLogText() *logText {
	text := &lines{}
	return &logText{slog.NewTextHandler(text, nil), text, &atomic.Pointer[chan struct{}]{}}
}

// hang has all that log from now on wait until what it returns is called.
func (l *logText) hang() (release func()) {
	hung := make(chan struct{})
	l.hung.Store(&hung)
	return func() { l.hung.Store(nil); close(hung) }
}

func (l *logText) Handle(ctx context.Context, r slog.Record) error {
	if hung := l.hung.Load(); hung != nil {
		<-*hung
	}
	return l.Handler.Handle(ctx, r)
}

func (l *logText) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logText{l.Handler.WithAttrs(attrs), l.text, l.hung}
}

func (l *logText) WithGroup(name string) slog.Handler {
	return &logText{l.Handler.WithGroup(name), l.text, l.hung}
}

// lines is a log in memory.
type lines struct {
	mu   sync.Mutex
	text []byte
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line...)
	return len(line), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
