package probe

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"time"
)

// LogLine is one line that a probe logged.
type LogLine struct {
	At      time.Time
	Level   slog.Level
	Message string
	// Attributes are key=value pairs, without the name of the server.
	Attributes string
}

func (l LogLine) bytes() int { return 72 + len(l.Message) + len(l.Attributes) }

// Tee returns a handler that hands every record to next, and keeps what is at
// least of level info, also when next does not want it. Both get what may be shown:
// a record goes through the screen first.
func (h *History) Tee(next slog.Handler) slog.Handler {
	return h.screen.Log(&logTee{next: next, history: h, text: slog.NewTextHandler(&h.logText, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey, slog.LevelKey, slog.MessageKey, "server":
				return slog.Attr{}
			}
			return a
		},
	})})
}

// logTee is the handler of History.Tee. text writes into history.logText, which
// the history's lock guards.
type logTee struct {
	next, text slog.Handler
	history    *History
}

func (t *logTee) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || t.next.Enabled(ctx, l)
}

func (t *logTee) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		t.keep(ctx, r)
	}
	if !t.next.Enabled(ctx, r.Level) {
		return nil
	}
	return t.next.Handle(ctx, r)
}

func (t *logTee) keep(ctx context.Context, r slog.Record) {
	h := t.history
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.logText = bytes.Buffer{} }() // a long line must not stay in memory
	if err := t.text.Handle(ctx, r); err != nil {
		return // a buffer takes everything
	}
	h.log.add(LogLine{
		At: r.Time, Level: r.Level,
		Message:    shortened(r.Message, maxHistoryText),
		Attributes: shortened(strings.TrimSpace(h.logText.String()), maxHistoryText),
	})
}

func (t *logTee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logTee{next: t.next.WithAttrs(attrs), text: t.text.WithAttrs(attrs), history: t.history}
}

func (t *logTee) WithGroup(name string) slog.Handler {
	return &logTee{next: t.next.WithGroup(name), text: t.text.WithGroup(name), history: t.history}
}
