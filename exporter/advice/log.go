package advice

import (
	"context"
	"log/slog"
)

// Log returns a handler that adds to a line that says why a server is down what to do
// about it, and the runbook. flags: the server was given by flags.
func Log(next slog.Handler, flags bool) slog.Handler { return &adviser{next, flags} }

type adviser struct {
	slog.Handler
	flags bool
}

func (h *adviser) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "down" {
			return true
		}
		if advice := For(Reason(a.Value.String()), About{Flags: h.flags}); advice.Do != "" {
			r = r.Clone()
			r.AddAttrs(slog.String("advice", advice.Do), slog.String("runbook", advice.Runbook))
		}
		return false
	})
	return h.Handler.Handle(ctx, r)
}

func (h *adviser) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &adviser{h.Handler.WithAttrs(attrs), h.flags}
}

func (h *adviser) WithGroup(name string) slog.Handler {
	return &adviser{h.Handler.WithGroup(name), h.flags}
}
