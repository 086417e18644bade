package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// lastWords is how long a command that has to end still waits for the reader of what
// it prints.
const lastWords = 2 * time.Second

var errNobodyReads = errors.New("nobody reads what is printed")

// results is the standard output of a command. A write waits for the reader, as
// usual, but only until the command has to end: a reader that stands still must not
// keep it, and its sessions, for ever. Any goroutine may use it.
type results struct {
	to     io.Writer
	writes chan resultWrite
	given  chan struct{} // closed when nobody is waited for any more
	ended  chan struct{} // closed when the last write is done
}

type resultWrite struct {
	text []byte
	done chan writeResult
}

type writeResult struct {
	n   int
	err error
}

// newResults makes the output of a command that has to end with ctx.
func newResults(ctx context.Context, to io.Writer) *results {
	r := &results{to: to, writes: make(chan resultWrite), given: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		for w := range r.writes {
			n, err := to.Write(w.text)
			w.done <- writeResult{n, err}
		}
	}()
	context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, func() { close(r.given) }) })
	return r
}

func (r *results) Write(text []byte) (int, error) {
	w := resultWrite{bytes.Clone(text), make(chan writeResult, 1)} // it may be written after Write has returned
	select {
	case r.writes <- w:
	case <-r.given:
		return 0, errNobodyReads
	}
	select {
	case result := <-w.done:
		return result.n, result.err
	case <-r.given:
		return 0, errNobodyReads
	}
}

// close ends the output once nobody writes to it any more. A write that still waits
// for the reader ends with the process.
func (r *results) close() {
	close(r.writes)
	select {
	case <-r.ended:
	case <-r.given:
	}
}

// Unwrap returns what is written to.
func (r *results) Unwrap() io.Writer { return r.to }

// printed says of an error of printing what it is.
func printed(err error) error {
	if err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// outputFile is a file as it is printed or written.
type outputFile struct{ name, text string }

// writeFiles writes files below a directory, which is made if it is not there, and
// names them.
func writeFiles(s *streams, dir string, files []outputFile) error {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(f.text), 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the files: %w", err)
		}
		fmt.Fprintln(s.out, path)
	}
	return nil
}
