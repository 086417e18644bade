package exporter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/config"
)

// stuckLog is a log that never takes a line of the probe of one server, so that
// its loop hangs.
type stuckLog struct {
	slog.Handler
	server  string
	release <-chan struct{}
	stuck   bool
}

func (l stuckLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	l.stuck = l.stuck || slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == "server" && a.Value.String() == l.server })
	l.Handler = l.Handler.WithAttrs(attrs)
	return l
}

func (l stuckLog) Handle(ctx context.Context, r slog.Record) error {
	if l.stuck {
		<-l.release
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

func TestAHangingProbeHoldsUpNothingForEver(t *testing.T) {
	all := []string{
		"  - {name: before, hosts: [cic-1]}\n", "  - {name: hanging, hosts: [cic-2]}\n", "  - {name: later, hosts: [cic-3]}\n",
	}
	for name, end := range map[string]func(*exporter.Fleet, config.Validated) error{
		"reload": func(f *exporter.Fleet, none config.Validated) error { _, err := f.Apply(none); return err },
		"close":  func(f *exporter.Fleet, _ config.Validated) error { f.Close(); return nil },
		"close during a reload": func(f *exporter.Fleet, none config.Validated) error {
			var reload sync.WaitGroup
			var err error
			reload.Go(func() { _, err = f.Apply(none) })
			synctest.Wait() // it waits for the probe that hangs
			f.Close()
			reload.Wait()
			if !errors.Is(err, exporter.ErrClosed) {
				return fmt.Errorf("the reload gives %w", err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			some, none := configuration(t, "all", all...), configuration(t, "all")
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				release := make(chan struct{})
				fleet, _ := newFleet(t, exporter.Options{
					Logger: slog.New(stuckLog{Handler: slog.NewTextHandler(&log, nil), server: "hanging", release: release}),
					Dial:   func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
				})
				apply(t, fleet, some)
				time.Sleep(time.Minute)
				start := time.Now()
				if err := end(fleet, none); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 15*time.Second {
					t.Errorf("it takes %s", took)
				}
				wantLog(t, log.String(), "level=ERROR")
				wantLog(t, log.String(), `its session may stay there until the server lets it expire" server=hanging waited=15s`)
				close(release)
			})
		})
	}
}
