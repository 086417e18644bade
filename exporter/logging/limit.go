package logging

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// How many lines of one server are logged in a minute, of each level. A state that
// changes for good takes a few. Who asks for debug wants more.
const (
	LinesPerMinute      = 30
	DebugLinesPerMinute = 300
)

// Limit bounds the log lines of one server: of each level so many a minute, so that
// a flood of one level does not hide another. What is left out is counted in the
// next line that is not. Any goroutine may use it; the zero Limit is ready.
type Limit struct {
	mu      sync.Mutex
	minutes [4]minute
	leftOut int
}

// minute is a minute of one level.
type minute struct {
	began time.Time
	lines int
}

// Handler returns a handler that hands to next what is within the limit. All handlers
// of one Limit share it.
func (l *Limit) Handler(next slog.Handler) slog.Handler { return Each(next, l.handle) }

// admit counts a record. It reports whether the record is within the limit, what was
// left out before it, and, when it is the last of its minute, for how long no more of
// its level are logged.
func (l *Limit) admit(level slog.Level, now time.Time) (admitted bool, leftOut int, pause time.Duration) {
	most, index := LinesPerMinute, 0
	switch {
	case level < slog.LevelInfo:
		most = DebugLinesPerMinute
	case level < slog.LevelWarn:
		index = 1
	case level < slog.LevelError:
		index = 2
	default:
		index = 3
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &l.minutes[index]
	if age := now.Sub(m.began); age >= time.Minute || age < 0 {
		*m = minute{began: now}
	}
	if m.lines == most {
		l.leftOut++
		return false, 0, 0
	}
	m.lines++
	leftOut, l.leftOut = l.leftOut, 0
	if m.lines == most {
		pause = time.Minute - now.Sub(m.began)
	}
	return true, leftOut, pause
}

func (l *Limit) handle(ctx context.Context, r slog.Record, next slog.Handler) error {
	admitted, leftOut, pause := l.admit(r.Level, r.Time)
	if !admitted {
		return nil
	}
	if leftOut > 0 || pause > 0 {
		r = r.Clone()
	}
	if leftOut > 0 {
		r.AddAttrs(slog.Int("lines_left_out_before", leftOut))
	}
	if pause > 0 {
		r.AddAttrs(slog.String("lines_left_out_for", pause.Round(time.Second).String()))
	}
	return next.Handle(ctx, r)
}
