package cli

import (
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"

	"icws_exporter/exporter/logging"
	"icws_exporter/probe/secret"
)

type logFlags struct {
	Level  string `help:"Least severe level to log: debug, info, warn, error. Default ${default}." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	Format string `help:"Format of the log: auto (colours on a terminal, else logfmt), logfmt, json. Default ${default}." enum:"auto,logfmt,json" default:"auto" placeholder:"FORMAT"`
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// handler returns the handler of the log for w.
func (f *logFlags) handler(w io.Writer) slog.Handler {
	level := logLevels[f.Level]
	var format slog.Handler
	switch {
	case f.Format == "json":
		format = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	case f.Format == "auto" && isTerminal(w) && os.Getenv("NO_COLOR") == "": //nolint:misspell // its name everywhere
		format = tint.NewTextHandler(w, &tint.Options{Level: level})
	default:
		format = slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	}
	return secret.EscapeLog(logging.TellDropped(format))
}

func isTerminal(w io.Writer) bool {
	switch w := w.(type) {
	case *os.File:
		info, err := w.Stat()
		return err == nil && info.Mode()&os.ModeCharDevice != 0
	case interface{ Unwrap() io.Writer }:
		return isTerminal(w.Unwrap())
	default:
		return false
	}
}
