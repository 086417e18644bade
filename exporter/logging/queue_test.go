package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a writer that waits until it is opened, as a full pipe does.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	text bytes.Buffer
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}

func TestAQueueWritesEveryLineInOrder(t *testing.T) {
	var out bytes.Buffer
	q := NewQueue(&out, 1<<20)
	var want strings.Builder
	for i := range 10_000 {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		if n, err := q.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("got %d and %v", n, err)
		}
	}
	if !q.Close(time.Minute) || out.String() != want.String() || q.Dropped() != 0 {
		t.Errorf("%d of %d bytes are written, %d lines dropped", out.Len(), want.Len(), q.Dropped())
	}
	if _, err := q.Write([]byte("late\n")); err == nil || q.Dropped() != 1 {
		t.Error("a line after the end is not counted")
	}
}

func TestNobodyWaitsForTheReaderOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		q := NewQueue(g, 100)
		log := slog.New(TellDropped(slog.NewTextHandler(q, &slog.HandlerOptions{ReplaceAttr: withoutTime})))
		log.Info("first")
		synctest.Wait() // the writer stands in the gate with it
		for range 50 {
			log.Info("waiting") // 23 bytes: four fit
		}
		if q.Dropped() != 46 {
			t.Errorf("%d lines dropped, want 46", q.Dropped())
		}
		close(g.open)
		synctest.Wait()
		log.Info("again")
		log.Info("last")
		if !q.Close(time.Second) {
			t.Error("the end does not wait for the lines")
		}
		want := "level=INFO msg=first\n" + strings.Repeat("level=INFO msg=waiting\n", 4) +
			"level=INFO msg=again lines_dropped_before=46\nlevel=INFO msg=last\n"
		if got := g.text.String(); got != want {
			t.Errorf("written:\n%s", got)
		}
	})
}

func TestTheEndDoesNotWaitForTheReaderOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		q := NewQueue(g, 100)
		write(q)
		began := time.Now()
		if q.Close(time.Second) || time.Since(began) != time.Second {
			t.Errorf("the end waits for %s", time.Since(began))
		}
		close(g.open)
	})
}

func write(q *Queue) bool {
	_, err := q.Write([]byte("line\n"))
	return err == nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestALineThatCannotBeWrittenIsCounted(t *testing.T) {
	reader, writer := io.Pipe()
	_ = reader.CloseWithError(errors.New("nobody reads"))
	q := NewQueue(writer, 100)
	write(q)
	if !q.Close(time.Minute) || q.Dropped() != 1 {
		t.Errorf("%d lines dropped, want 1", q.Dropped())
	}
}

func TestALineLongerThanTheQueueIsDropped(t *testing.T) {
	q := NewQueue(io.Discard, 10)
	if _, err := q.Write(make([]byte, 11)); !errors.Is(err, errDropped) || q.Dropped() != 1 {
		t.Errorf("got %v", err)
	}
	q.Close(time.Minute)
}
