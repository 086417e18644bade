package exporter_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/logging"
	"icws_exporter/probe/icwssim"
)

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A server that says by turns what cannot be read and the whole list made each of
// them a line, as often as it liked. What it provokes is paced, and what is paced is
// few lines.
func TestAServerCannotFloodTheLog(t *testing.T) {
	server := simulate(t, icwssim.Options{})
	var log lockedBuffer
	fleet, _ := newFleet(t, exporter.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	began := time.Now()
	apply(t, fleet, configuration(t, "all", server.entry("flooding")))
	eventually(t, "it is up", allUp(fleet))
	for range 20 * logging.LinesPerMinute {
		server.Send("{}}")
		server.SendFull()
		server.SubscriptionState(icwssim.SubscriptionFaulted)
		server.SendFull()
	}
	eventually(t, "the probe has seen it", func() bool {
		return !allUp(fleet)() || strings.Contains(log.String(), "faulted") || strings.Contains(log.String(), "decode")
	})
	minutes := int(time.Since(began)/time.Minute) + 1
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if most := 3 * logging.LinesPerMinute * minutes; len(lines) > most {
		t.Errorf("the log has %d lines, more than %d", len(lines), most)
	}
}
