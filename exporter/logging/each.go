package logging

import (
	"context"
	"log/slog"
)

// Each returns a handler that has handle see each record on its way to next, which
// handle calls for those that go on. A record that handle changes it clones first.
func Each(next slog.Handler, handle func(ctx context.Context, r slog.Record, next slog.Handler) error) slog.Handler {
	return &each{next, handle}
}

type each struct {
	slog.Handler
	handle func(context.Context, slog.Record, slog.Handler) error
}

func (h *each) Handle(ctx context.Context, r slog.Record) error { return h.handle(ctx, r, h.Handler) }

func (h *each) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &each{h.Handler.WithAttrs(attrs), h.handle}
}

func (h *each) WithGroup(name string) slog.Handler {
	return &each{h.Handler.WithGroup(name), h.handle}
}
