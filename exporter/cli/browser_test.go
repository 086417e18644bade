//go:build e2e

package cli

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browsers are the names under which Chromium is installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// newBrowser starts Chromium until the test ends. Without one the test fails:
// whoever asks for the browser tests wants them to run.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	i := slices.IndexFunc(browsers, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if i < 0 {
		t.Fatalf("no browser: install Debian's chromium (one of %v must be in the PATH)", browsers)
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(browsers[i]), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	for _, flag := range []string{
		"disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // ends the browser and waits for it
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	return ctx
}

// tab is a page in the browser. Whatever it requests must be of its origin.
type tab struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu       sync.Mutex
	requests []string
}

func newTab(t *testing.T, browser context.Context, origin string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	p := &tab{t: t, ctx: ctx, origin: origin}
	if err := chromedp.Listen(ctx, p.notice); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, url := range p.requests {
			if !strings.HasPrefix(url, origin+"/") {
				t.Errorf("the page requested %s, which is not of its origin", url)
			}
		}
		if len(p.requests) == 0 {
			t.Error("no request of the page was seen: the test is blind")
		}
	})
	return p
}

func (p *tab) notice(event any) {
	if e, ok := event.(*network.EventRequestWillBeSent); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.requests = append(p.requests, e.Request.URL)
	}
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.origin + path))
}

// evaluate has the page evaluate an expression, as the console of the browser does.
func evaluate[T any](p *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// run1 evaluates an expression in a page that stays.
func run1[T any](p *tab, expression string) T {
	p.t.Helper()
	value, err := evaluate[T](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// text is what a person reads in an element, in one line; empty without one.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return run1[string](p, textOf(selector))
}

func textOf(selector string) string {
	return fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? "").replace(/\s+/g, " ")`, selector)
}

// reads waits until a person reads all of the texts in the element. Meanwhile the
// page may be replaced by another, which answers nothing.
func (p *tab) reads(selector string, texts ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		last, err := evaluate[string](p, textOf(selector))
		missing := slices.IndexFunc(texts, func(text string) bool { return !strings.Contains(last, text) })
		if err == nil && missing < 0 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s never says all of %q, but %q, %v", selector, texts, last, err)
		}
	}
}

// prefer sets the colours that the person prefers: light or dark.
func (p *tab) prefer(scheme string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}, //nolint:misspell // a word of CSS
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) withoutScript() {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) resize(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// staged is a demo whose incidents wait for the test: each begins when it is told
// to, and ends when the test has seen it.
type staged struct {
	t       *testing.T
	page    string
	servers *demoServers
	steps   map[string]chan struct{}
	ended   chan struct{} // the test is over: nothing waits any more
}

// stage starts a demo with these incidents of the tour, in its order.
func stage(t *testing.T, names ...string) *staged {
	t.Helper()
	s := &staged{t: t, steps: map[string]chan struct{}{}, ended: make(chan struct{})}
	ready := make(chan *demoServers, 1)
	var events scenario
	for _, i := range tour {
		if slices.Contains(names, i.name) {
			events.incidents = append(events.incidents, s.waiting(i, ready))
		}
	}
	events.incidents = append(events.incidents, incident{name: "over", what: "the test is over.", begin: func(*demoServers) { <-s.ended }})
	ctx, stop := context.WithCancel(context.Background())
	command := &demoCommand{ListenAddress: "127.0.0.1:0", events: events}
	var stdout output
	done := make(chan error, 1)
	go func() {
		done <- command.Run(ctx, &streams{out: &stdout, log: io.Discard, logging: &logFlags{Level: "info", Format: "logfmt"}})
	}()
	t.Cleanup(func() {
		close(s.ended)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s.page = find(t, &stdout, `Open +(http://127\.0\.0\.1:\d+)/`)
	s.servers = <-ready
	return s
}

// waiting is an incident that begins, and ends, at a step of the test.
func (s *staged) waiting(i incident, ready chan<- *demoServers) incident {
	step := make(chan struct{})
	s.steps[i.name] = step
	begin, every := i.begin, i.every
	i.lasts, i.recovery, i.every = 0, 0, 0
	i.begin = func(d *demoServers) {
		select {
		case ready <- d:
		default:
		}
		if !s.await(step) {
			return
		}
		for again := true; again; {
			if begin != nil {
				begin(d)
			}
			again = every > 0 && !s.awaitFor(step, every)
		}
		if every == 0 {
			s.await(step)
		}
	}
	return i
}

func (s *staged) await(step chan struct{}) bool {
	select {
	case <-step:
		return true
	case <-s.ended:
		return false
	}
}

func (s *staged) awaitFor(step chan struct{}, d time.Duration) bool {
	select {
	case <-step:
		return true
	case <-s.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// begin has the incident happen, and end has it be put right.
func (s *staged) begin(name string) { s.step(name) }
func (s *staged) end(name string)   { s.step(name) }

func (s *staged) step(name string) {
	s.t.Helper()
	select {
	case s.steps[name] <- struct{}{}:
	case <-time.After(patience):
		s.t.Fatalf("the incident %s does not come", name)
	}
}
