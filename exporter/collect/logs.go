package collect

import (
	"context"
	"log/slog"
)

const numLogLevels = 4

var logLevels = []string{"debug", "info", "warn", "error"}

// logLevelIndex returns the place of a level in logLevels; a level between two
// counts as the lower one.
func logLevelIndex(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 2
	case l >= slog.LevelInfo:
		return 1
	default:
		return 0
	}
}

// CountLogs returns a handler that hands every record to next and counts it in s
// (icws_exporter_log_messages_total). What next is not enabled for is not
// counted.
func CountLogs(next slog.Handler, s *Set) slog.Handler { return &logCounter{next: next, set: s} }

type logCounter struct {
	next slog.Handler
	set  *Set
}

func (c *logCounter) Enabled(ctx context.Context, l slog.Level) bool { return c.next.Enabled(ctx, l) }

func (c *logCounter) Handle(ctx context.Context, r slog.Record) error {
	c.set.logMessages[logLevelIndex(r.Level)].Add(1)
	return c.next.Handle(ctx, r)
}

func (c *logCounter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logCounter{next: c.next.WithAttrs(attrs), set: c.set}
}

func (c *logCounter) WithGroup(name string) slog.Handler {
	return &logCounter{next: c.next.WithGroup(name), set: c.set}
}
