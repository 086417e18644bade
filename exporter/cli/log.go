package cli

import (
	"fmt"
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
	File   string `help:"File to write the log to as well. A full one, of 10 MiB, gets the ending .1." placeholder:"FILE"`
}

// open has the log written to the file as well, if there is one. The file is closed
// by the end of the process: until then there may be something to log.
func (f *logFlags) open(log *logging.Queue) error {
	if f.File == "" {
		return nil
	}
	file, err := logging.OpenFile(f.File)
	if err != nil {
		return fmt.Errorf("--log.file: %w", err)
	}
	log.Redirect(io.MultiWriter(file, log.Unwrap()))
	return nil
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// handler returns the handler of the log.
func (s *streams) handler() slog.Handler {
	f, w := s.logging, s.log
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
	handler := logging.TellDropped(format)
	if s.events != nil {
		handler = slog.NewMultiHandler(handler, s.events)
	}
	return secret.EscapeLog(handler)
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
