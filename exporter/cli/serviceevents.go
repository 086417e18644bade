package cli

import (
	"bytes"
	"log/slog"

	"icws_exporter/exporter/logging"
	"icws_exporter/exporter/service"
)

// eventID is that of all events: they are told apart by their text.
const eventID = 1

// serviceEvents is the part of the log that goes to the event log of Windows too:
// warnings and errors. Nothing waits for it.
type serviceEvents struct {
	slog.Handler
	queue *logging.Queue
	log   service.EventLog
}

func newServiceEvents(log service.EventLog) *serviceEvents {
	queue := logging.NewQueue(eventWriter{log}, maxLogWaiting)
	return &serviceEvents{queue: queue, log: log, Handler: slog.NewTextHandler(queue, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{} // an event has its own
			}
			return a
		},
	})}
}

// failed tells why the service could not start or go on. It may be called on nil.
func (e *serviceEvents) failed(err error) {
	if e != nil {
		_ = e.log.Error(eventID, err.Error()) // there is nowhere else to say it
	}
}

func (e *serviceEvents) close() { e.queue.Close(flushTime) }

// eventWriter makes an event of every line, of the level that the line begins with.
type eventWriter struct{ log service.EventLog }

func (w eventWriter) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		text := string(bytes.TrimSpace(line))
		report := w.log.Warning
		if bytes.HasPrefix(line, []byte("level=ERROR")) {
			report = w.log.Error
		}
		if err := report(eventID, text); err != nil {
			return 0, err
		}
	}
	return len(lines), nil
}
