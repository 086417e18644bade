package exporter_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strconv"
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

// A server that says by turns what cannot be read and the whole list makes each of
// them a line, as often as it likes.
func TestAServerCannotFloodTheLog(t *testing.T) {
	server := simulate(t, icwssim.Options{})
	var log lockedBuffer
	fleet, metrics := newFleet(t, exporter.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	began := time.Now()
	apply(t, fleet, configuration(t, "all", server.entry("flooding")))
	eventually(t, "it is up", allUp(fleet))
	const messages = 20 * logging.LinesPerMinute
	failures := regexp.MustCompile(`\nicws_message_decode_failures_total\{[^}]*server="flooding"[^}]*\} (\d+)`)
	eventually(t, "many messages have been read", func() bool {
		server.Send("{}}")
		server.SendFull()
		read := 0
		for _, match := range failures.FindAllStringSubmatch(exposition(t, metrics), -1) {
			n, _ := strconv.Atoi(match[1])
			read += n
		}
		return read > messages
	})
	minutes := int(time.Since(began)/time.Minute) + 1
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if most := 3 * logging.LinesPerMinute * minutes; len(lines) > most {
		t.Errorf("the log has %d lines, more than %d", len(lines), most)
	}
	if !strings.Contains(log.String(), "lines_left_out_for=") {
		t.Errorf("the log does not tell that lines are left out:\n%s", log.String())
	}
	onPage := 0
	for _, line := range fleet.Servers()[0].History.Recent().Log {
		if strings.Contains(line.Attributes, "lines_left_out_for=") {
			onPage++
		}
	}
	if onPage == 0 {
		t.Error("the page's log does not tell that lines are left out")
	}
}
