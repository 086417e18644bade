package advice

import (
	"context"
	"log/slog"
)

// Log returns a handler that adds to a line that says why a server is down what to do
// about it, and the runbook.
func Log(next slog.Handler) slog.Handler { return &adviser{next} }

type adviser struct{ slog.Handler }

func (h *adviser) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "down" {
			return true
		}
		if advice := For(Reason(a.Value.String()), About{}); advice.Do != "" {
			r = r.Clone()
			r.AddAttrs(slog.String("advice", advice.Do), slog.String("runbook", advice.Runbook))
		}
		return false
	})
	return h.Handler.Handle(ctx, r)
}

func (h *adviser) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &adviser{h.Handler.WithAttrs(attrs)}
}

func (h *adviser) WithGroup(name string) slog.Handler { return &adviser{h.Handler.WithGroup(name)} }
