package advice

import (
	"context"
	"log/slog"
)

// ofStates are the reasons of the states of a probe that wait for somebody, by the
// names that the log has for them.
var ofStates = map[string]Reason{
	"auth_hold": RefusedLogOn, "unauthorized_hold": Unauthorized, "displaced_hold": Displaced, "gone_hold": Gone,
}

// Log returns a handler that adds to a line about a state that waits for somebody
// what to do about it, and the runbook.
func Log(next slog.Handler) slog.Handler { return &adviser{next} }

type adviser struct{ slog.Handler }

func (h *adviser) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "state" {
			return true
		}
		if advice := For(ofStates[a.Value.String()], About{}); advice.Do != "" {
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
