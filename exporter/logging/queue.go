// Package logging is the way of a log line from who logs it to who reads it: bounded
// for each server, and never waited for.
package logging

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// errDropped is what Write returns for a line that is lost.
var errDropped = errors.New("the log line is dropped: the reader of the log is too slow")

// Queue is a writer that never waits for the one behind it: lines that come faster
// than they can be written wait in memory, up to a limit, and those beyond it are
// dropped and counted. Any goroutine may use it.
type Queue struct {
	limit int // bytes that may wait

	mu      sync.Mutex // never held while something is written
	to      io.Writer
	waiting []byte
	lines   uint64 // in waiting
	closed  bool

	wake    chan struct{} // holds a token when there is something to do
	written chan struct{} // closed when the last line is written
	dropped atomic.Uint64
}

// NewQueue makes a queue of at most limit bytes before to, which it writes to from a
// goroutine of its own until Close.
func NewQueue(to io.Writer, limit int) *Queue {
	q := &Queue{to: to, limit: limit, wake: make(chan struct{}, 1), written: make(chan struct{})}
	go q.write()
	return q
}

// Write takes one log line, or drops it, and returns at once.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	fits := !q.closed && len(q.waiting)+len(line) <= q.limit
	if fits {
		q.waiting = append(q.waiting, line...)
		q.lines++
	}
	q.mu.Unlock()
	if !fits {
		q.dropped.Add(1)
		return 0, errDropped
	}
	q.signal()
	return len(line), nil
}

// Dropped returns how many lines were lost: since they did not fit, or since they
// could not be written.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Unwrap returns the writer behind the queue.
func (q *Queue) Unwrap() io.Writer {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.to
}

// Redirect has what is not written yet, and all after it, written to another writer.
func (q *Queue) Redirect(to io.Writer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.to = to
}

// Close takes no more lines and waits for those it has, but no longer than patience.
// It reports whether they are written.
func (q *Queue) Close(patience time.Duration) bool {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
	select {
	case <-q.written:
		return true
	case <-time.After(patience):
		return false
	}
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// write writes what waits, as a whole, over and over.
func (q *Queue) write() {
	defer close(q.written)
	var batch []byte
	for range q.wake {
		for {
			var lines uint64
			var closed bool
			batch, lines, closed = q.take(batch)
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			if _, err := q.Unwrap().Write(batch); err != nil {
				q.dropped.Add(lines) // perhaps some were written
			}
		}
	}
}

// take exchanges what waits for the space of the batch before.
func (q *Queue) take(space []byte) (batch []byte, lines uint64, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch, lines = q.waiting, q.lines
	q.waiting, q.lines = space[:0], 0
	return batch, lines, q.closed
}

// TellDropped returns a handler before next, which writes to a Queue: the first
// record that gets through again says how many before it were dropped.
func TellDropped(next slog.Handler) slog.Handler {
	var untold atomic.Uint64
	return Each(next, func(ctx context.Context, r slog.Record, next slog.Handler) error {
		n := untold.Swap(0)
		if n > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Uint64("lines_dropped_before", n))
		}
		err := next.Handle(ctx, r)
		if errors.Is(err, errDropped) {
			untold.Add(n + 1)
		}
		return err
	})
}
