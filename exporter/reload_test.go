package exporter_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"icws_exporter/exporter"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// file stands for the configuration file: a load gives what it holds.
type file struct {
	content config.Validated
	err     error
}

func (f *file) load() (config.Validated, error) { return f.content, f.err }

func TestAReloadIsATransaction(t *testing.T) {
	a, b := simulate(t, icwssim.Options{}), simulate(t, icwssim.Options{})
	var log bytes.Buffer
	fleet, metrics := newFleet(t, exporter.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	first := configuration(t, "all", a.entry("a"))
	disk := file{content: first}
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

	disk.err = errors.New("icws.yaml:3:1: servers[0].user: missing")
	if err := r.Reload(t.Context()); !errors.Is(err, disk.err) {
		t.Errorf("a bad file gives %v", err)
	}
	if last := r.Last(); last.OK() || last.Problem != disk.err.Error() || last.At.Before(started.At) {
		t.Errorf("after a bad file the last outcome is %v", last)
	}
	wantLine(t, metrics, "icws_exporter_config_last_reload_successful 0")
	wantLine(t, metrics, `icws_up{server="a"} 1`)

	disk = file{content: configuration(t, "all", a.entry("a"), b.entry("b"))}
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
