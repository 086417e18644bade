package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// endTime bounds the end of every command: what a signal has asked to end is waited
// for no longer. It is more than the probes and the pages take, and with flushTime
// less than what service managers grant (30 seconds).
const (
	endTime   = 24 * time.Second
	flushTime = time.Second
)

var errHangs = errors.New("not everything has ended " + endTime.String() +
	" after the signal, so the process ends without it; sessions may be left on their servers until they expire there")

// hangups are the SIGHUPs of this process. One that nobody takes would end it, so they
// are caught before anything else is done.
type hangups struct {
	signals chan os.Signal
	// ignored: whoever started the process wants it to outlive its terminal (nohup).
	ignored bool
}

func catchHangups() *hangups {
	h := &hangups{make(chan os.Signal, 1), signal.Ignored(syscall.SIGHUP)}
	signal.Notify(h.signals, syscall.SIGHUP)
	return h
}

func (h *hangups) release() { signal.Stop(h.signals) }

// end calls cancel when the terminal closes, until ctx ends, for the commands that have
// nothing to reload.
func (h *hangups) end(ctx context.Context, cancel context.CancelFunc) {
	if h.ignored {
		return
	}
	select {
	case <-h.signals:
		cancel()
	case <-ctx.Done():
	}
}

// inTime calls run and returns its error, or errHangs when it has not returned
// endTime after ctx ended. The process is expected to end then.
func inTime(ctx context.Context, run func() error) error {
	done, late := make(chan error, 1), make(chan struct{})
	go func() { done <- run() }()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(endTime, func() { close(late) }) })
	defer stop()
	select {
	case err := <-done:
		return err
	case <-late:
		return errHangs
	}
}
