package secret

import (
	"context"
	"fmt"
	"log/slog"
)

// Log returns a handler that has next log what may be shown: the values of all
// attributes go through Show. The message and the keys are ours; only their control
// characters are made visible.
func (s *Screen) Log(next slog.Handler) slog.Handler { return &screenedLog{next, s.Show} }

// EscapeLog returns a handler that makes control characters visible, for a log whose
// texts come from no server. Lines in a value stay: every format quotes them.
func EscapeLog(next slog.Handler) slog.Handler { return &screenedLog{next, escapeLines} }

type screenedLog struct {
	next slog.Handler
	show func(string) string
}

func (h *screenedLog) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h *screenedLog) Handle(ctx context.Context, r slog.Record) error {
	shown := slog.NewRecord(r.Time, r.Level, Escape(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		shown.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, shown)
}

func (h *screenedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &screenedLog{h.next.WithAttrs(h.attrs(attrs)), h.show}
}

func (h *screenedLog) WithGroup(name string) slog.Handler {
	return &screenedLog{h.next.WithGroup(name), h.show}
}

func (h *screenedLog) attrs(attrs []slog.Attr) []slog.Attr {
	shown := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		shown[i] = h.attr(a)
	}
	return shown
}

func (h *screenedLog) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: a.Key, Value: h.value(a.Value.Resolve())}
}

func (h *screenedLog) value(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(h.show(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		if texts, ok := v.Any().([]string); ok {
			shown := make([]string, len(texts))
			for i, text := range texts {
				shown[i] = h.show(text)
			}
			return slog.AnyValue(shown)
		}
		// Whatever it is, what would be printed of it is a text.
		return slog.StringValue(h.show(fmt.Sprintf("%+v", v.Any())))
	default:
		return v // numbers and times
	}
}
