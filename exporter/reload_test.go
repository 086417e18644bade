package exporter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// file stands for the configuration file: a load gives what it holds.
type file struct {
	mu      sync.Mutex
	content config.Validated
	err     error
}

func (f *file) load() (config.Validated, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.content, f.err
}

func (f *file) hold(content config.Validated, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.content, f.err = content, err
}

func TestAReloadIsATransaction(t *testing.T) {
	a, b := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{})
	var log bytes.Buffer
	fleet, metrics := newFleet(t, exporter.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	first := configuration(t, "all", a.entry("a"))
	disk := &file{content: first}
	r := exporter.NewReloader(fleet, disk.load)
	if last := r.Last(); !last.At.IsZero() {
		t.Errorf("before the start the last outcome is %v", last)
	}
	if err := r.Start(first); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is up", allUp(fleet))
	session := sessionIDs(a)
	started := r.Last()
	if !started.OK() || started.At.IsZero() {
		t.Errorf("after the start the last outcome is %v", started)
	}

	bad := errors.New("icws.yaml:3:1: servers[0].user: missing")
	disk.hold(config.Validated{}, bad)
	if err := r.Reload(t.Context()); !errors.Is(err, bad) {
		t.Errorf("a bad file gives %v", err)
	}
	if last := r.Last(); last.OK() || last.Problem != bad.Error() || last.At.Before(started.At) {
		t.Errorf("after a bad file the last outcome is %v", last)
	}
	wantLine(t, metrics, "icws_exporter_config_last_reload_successful 0")
	wantLine(t, metrics, `icws_up{server="a",site=""} 1`)

	disk.hold(configuration(t, "all", a.entry("a"), b.entry("b")), nil)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b is up too", allUp(fleet))
	wantLine(t, metrics, "icws_exporter_config_last_reload_successful 1")
	if last := r.Last(); !last.OK() {
		t.Errorf("after a good file the last outcome is %v", last)
	}
	if after := sessionIDs(a); len(after) != 1 || after[0] != session[0] {
		t.Errorf("the sessions of the unchanged server went from %q to %q", session, after)
	}

	fleet.Close()
	if err := r.Reload(t.Context()); !errors.Is(err, exporter.ErrClosed) {
		t.Errorf("a reload after the end gives %v", err)
	}
	if !r.Last().OK() {
		t.Error("a reload after the end counts as a bad configuration")
	}
	wantLog(t, log.String(), `level=ERROR msg="configuration not reloaded; the last good one stays in effect" err="icws.yaml:3:1: servers[0].user: missing"`)
	wantLog(t, log.String(), `level=INFO msg="configuration reloaded" added="1 (b)" changed=0 removed=0 kept=1`)
}

// wantLog wants exactly one line with the text.
func wantLog(t *testing.T, log, text string) {
	t.Helper()
	if n := strings.Count(log, text); n != 1 {
		t.Errorf("the log has %d lines with %s:\n%s", n, text, log)
	}
}

// lockedLog is a log that may be read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// following runs f in a bubble of virtual time with a fleet that reaches no server and
// follows what load gives.
func following(t *testing.T, interval time.Duration, load func() (config.Validated, error), f func(log *lockedLog, last func() exporter.Outcome)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log lockedLog
		fleet, _ := newFleet(t, exporter.Options{
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Dial:   func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
		})
		r := exporter.NewReloader(fleet, load)
		first, err := load()
		if err == nil {
			err = r.Start(first)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var ending sync.WaitGroup
		ending.Go(func() { r.Follow(ctx, interval) })
		f(&log, r.Last)
		stop()
		ending.Wait()
	})
}

// parsed is a configuration without servers; the comment makes its content.
func parsed(t *testing.T, comment string) config.Validated {
	t.Helper()
	v, err := config.Parse("test.yaml", []byte("servers: [] # "+comment), "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAChangedFileIsReloadedOnce(t *testing.T) {
	disk := &file{content: parsed(t, "first")}
	following(t, 30*time.Second, disk.load, func(log *lockedLog, last func() exporter.Outcome) {
		start := last().At
		time.Sleep(time.Hour)
		synctest.Wait()
		if log.String() != "" || !last().At.Equal(start) {
			t.Errorf("an unchanged file was reloaded:\n%s", log)
		}
		disk.hold(parsed(t, "second"), nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		wantLog(t, log.String(), "configuration reloaded")
		if took := last().At.Sub(start); took > time.Hour+31*time.Second {
			t.Errorf("the change was noticed after %s", took-time.Hour)
		}
	})
}

// An editor or a copy writes a file in pieces, and a piece can be a configuration.
func TestAHalfWrittenFileIsNotTaken(t *testing.T) {
	for name, piece := range map[string]func() (config.Validated, error){
		"bad": func() (config.Validated, error) {
			return config.Validated{}, errors.New("test.yaml:1:1: the file is empty")
		},
		"good": func() (config.Validated, error) { return parsed(t, "seco"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			disk := &file{content: parsed(t, "first")}
			following(t, 30*time.Second, disk.load, func(log *lockedLog, last func() exporter.Outcome) {
				start := last().At
				time.Sleep(29500 * time.Millisecond)
				disk.hold(piece())
				time.Sleep(time.Second)
				disk.hold(parsed(t, "second"), nil)
				synctest.Wait()
				if log.String() != "" {
					t.Errorf("half a file was tried:\n%s", log)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				wantLog(t, log.String(), "configuration ")
				wantLog(t, log.String(), "configuration reloaded")
				if took := last().At.Sub(start); took > 35*time.Second {
					t.Errorf("the whole file was taken after %s", took)
				}
			})
		})
	}
}

// Whoever rotates a password may remove its file first: the configuration is the same.
func TestAPasswordIsReplacedWithoutAReload(t *testing.T) {
	directory := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	password := write("pw", "old")
	path := write("icws.yaml", "servers: [{name: lab, hosts: [cic-lab], user: svc-prom, password_file: pw}]")
	load := func() (config.Validated, error) { return config.Load(path) }
	following(t, 30*time.Second, load, func(log *lockedLog, last func() exporter.Outcome) {
		start := last().At
		if err := os.Remove(password); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := load(); err == nil {
			t.Error("a configuration without its password can be loaded, so this test shows nothing")
		}
		write("pw", "new")
		time.Sleep(time.Minute)
		synctest.Wait()
		if strings.Contains(log.String(), "configuration ") || !last().At.Equal(start) {
			t.Errorf("another password was a reload:\n%s", log)
		}
		// A changed server is tried again when the password that it lacked is there.
		write("icws.yaml", "servers: [{name: lab, hosts: [cic-lab], user: svc-icws, password_file: gone}]")
		time.Sleep(time.Minute)
		synctest.Wait()
		wantLog(t, log.String(), "configuration not reloaded")
		write("gone", "there")
		time.Sleep(time.Minute)
		synctest.Wait()
		wantLog(t, log.String(), "configuration reloaded")
	})
}

func TestABadContentIsTriedOnce(t *testing.T) {
	good := parsed(t, "first")
	disk := &file{content: good}
	following(t, 30*time.Second, disk.load, func(log *lockedLog, last func() exporter.Outcome) {
		disk.hold(config.Validated{}, errors.New("test.yaml:1:1: bad"))
		time.Sleep(time.Hour)
		synctest.Wait()
		wantLog(t, log.String(), "configuration not reloaded")
		if last().OK() {
			t.Error("the last outcome is good although the file is bad")
		}
		disk.hold(config.Validated{}, errors.New("test.yaml:2:1: bad in another way"))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantLog(t, log.String(), "bad in another way")
		// Back to what is in effect: nothing to do but to say that all is well.
		disk.hold(good, nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		wantLog(t, log.String(), "configuration reloaded")
		if !last().OK() {
			t.Error("the last outcome is bad although the file is good again")
		}
	})
}

func TestWhoWaitsForAReloadCanGiveUp(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	fleet, _ := newFleet(t, exporter.Options{})
	r := exporter.NewReloader(fleet, func() (config.Validated, error) {
		close(started)
		<-release
		return parsed(t, "slow"), nil
	})
	first := make(chan error, 1)
	go func() { first <- r.Reload(t.Context()) }()
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a second reload that gave up waiting returns %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the first reload returns %v", err)
	}
}

func TestTheLogOfAReloadStaysShort(t *testing.T) {
	var log bytes.Buffer
	fleet, _ := newFleet(t, exporter.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	problems := make([]string, 500)
	for i := range problems {
		problems[i] = fmt.Sprintf("icws.yaml:%d:1: servers[%d].name: missing", i+1, i)
	}
	r := exporter.NewReloader(fleet, func() (config.Validated, error) {
		return config.Validated{}, errors.New(strings.Join(problems, "\n"))
	})
	if err := r.Reload(t.Context()); strings.Count(err.Error(), "\n") != 499 {
		t.Errorf("whoever reloads is told %v, not every problem", err)
	}
	wantLog(t, log.String(), "servers[9].name")
	wantLog(t, log.String(), "and 490 more problems")
	if strings.Contains(log.String(), "servers[10]") {
		t.Errorf("the log has more than ten problems:\n%s", log.String())
	}
}

// What a file is on may stop to answer. That is seen, holds up nobody, and passes.
func TestAReloadThatCannotReadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet, metrics := newFleet(t, exporter.Options{})
		good := configuration(t, "any")
		hung, loads := make(chan struct{}), 0
		r := exporter.NewReloader(fleet, func() (config.Validated, error) {
			if loads++; loads == 1 {
				<-hung
			}
			return good, nil
		})
		if err := r.Start(good); err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			text  string
			after time.Duration
		}{{"could not be read within 10s", 10 * time.Second}, {"another reload", 20 * time.Second}} {
			began := time.Now()
			err := r.Reload(t.Context())
			if err == nil || !strings.Contains(err.Error(), want.text) || time.Since(began) != want.after {
				t.Errorf("after %s: got %v, want one that says %q after %s", time.Since(began), err, want.text, want.after)
			}
			wantLine(t, metrics, "icws_exporter_config_last_reload_successful 0")
			if r.Last().OK() {
				t.Error("the pages do not tell of the failed reload")
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Reload(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("in the end: got %v", err)
		}
		close(hung)
		synctest.Wait()
		if err := r.Reload(t.Context()); err != nil {
			t.Errorf("once the files can be read again: %v", err)
		}
		wantLine(t, metrics, "icws_exporter_config_last_reload_successful 1")
		fleet.Close()
	})
}

// A reload that waits for files does not hold up the end.
func TestTheEndDoesNotWaitForFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet, _ := newFleet(t, exporter.Options{})
		hung := make(chan struct{})
		r := exporter.NewReloader(fleet, func() (config.Validated, error) { <-hung; return config.Validated{}, nil })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if err := r.Reload(ctx); !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
		close(hung)
		fleet.Close()
	})
}
