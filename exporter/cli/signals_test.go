package cli

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatHangsIsLeftBehindInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		defer close(release)
		time.AfterFunc(time.Hour, cancel)
		began := time.Now()
		err := inTime(ctx, func() error { <-release; return nil })
		if !errors.Is(err, errHangs) || time.Since(began) != time.Hour+endTime {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

func TestWhatEndsInTimeIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		want := errors.New("its own error")
		if err := inTime(ctx, func() error { time.Sleep(endTime - time.Second); return want }); !errors.Is(err, want) {
			t.Errorf("got %v", err)
		}
	})
}

// stuck is a writer whose reader stands still until it is released.
type stuck struct {
	release chan struct{}
	text    bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) { <-s.release; return s.text.Write(p) }

func TestResultsWaitForTheirReaderUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		to := &stuck{release: make(chan struct{})}
		out := newResults(ctx, to)
		time.AfterFunc(time.Hour, func() { to.release <- struct{}{} })
		began, line := time.Now(), []byte("line\n")
		if n, err := out.Write(line); n != len(line) || err != nil || time.Since(began) != time.Hour {
			t.Errorf("got %d, %v after %s", n, err, time.Since(began))
		}
		cancel()
		for range 3 {
			if _, err := out.Write(line); !errors.Is(err, errNobodyReads) {
				t.Errorf("got %v", err)
			}
		}
		out.close()
		if waited := time.Since(began) - time.Hour; waited != lastWords {
			t.Errorf("the end waits for %s", waited)
		}
		close(to.release)
	})
}

func TestResultsOfACommandThatEndsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var to bytes.Buffer
		out := newResults(ctx, &to)
		cancel()
		if _, err := out.Write([]byte("last words")); err != nil {
			t.Error(err)
		}
		out.close()
		if to.String() != "last words" {
			t.Errorf("written: %q", to.String())
		}
		time.Sleep(lastWords)
	})
}
