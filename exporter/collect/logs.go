package collect

import (
	"context"
	"log/slog"

	"icws_exporter/exporter/logging"
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
func CountLogs(next slog.Handler, s *Set) slog.Handler {
	return logging.Each(next, func(ctx context.Context, r slog.Record, next slog.Handler) error {
		s.logMessages[logLevelIndex(r.Level)].Add(1)
		return next.Handle(ctx, r)
	})
}
