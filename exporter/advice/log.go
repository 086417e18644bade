package advice

import (
	"context"
	"log/slog"

	"icws_exporter/exporter/logging"
)

// Log returns a handler that adds to a line that says why a server is down what to do
// about it, and the runbook. flags: the server was given by flags.
func Log(next slog.Handler, flags bool) slog.Handler {
	return logging.Each(next, func(ctx context.Context, r slog.Record, next slog.Handler) error {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key != "down" {
				return true
			}
			if advice := For(Reason(a.Value.String()), About{Flags: flags}); advice.Do != "" {
				r = r.Clone()
				r.AddAttrs(slog.String("advice", advice.Do), slog.String("runbook", advice.Runbook))
			}
			return false
		})
		return next.Handle(ctx, r)
	})
}
