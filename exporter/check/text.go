package check

import (
	"fmt"
	"io"
	"strings"
)

// TextWriter prints reports for people, a line per step; steps in a row that are
// skipped for the same reason share one. The first failed Write sticks; Err
// returns it.
type TextWriter struct {
	w       io.Writer
	colours bool
	skipped []Step // not printed yet
	err     error
}

// NewTextWriter prints to w, in colours where that is wanted.
func NewTextWriter(w io.Writer, colours bool) *TextWriter {
	return &TextWriter{w: w, colours: colours}
}

// Err returns the first error of writing.
func (t *TextWriter) Err() error { return t.err }

func (t *TextWriter) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

// Server begins the report of a server.
func (t *TextWriter) Server(name string) { t.printf("%s\n", name) }

// Step prints one step, and its advice below it.
func (t *TextWriter) Step(s Step) {
	if n := len(t.skipped); n > 0 && (s.Status != Skipped || t.skipped[n-1].Detail != s.Detail || t.skipped[n-1].Host != s.Host) {
		t.flush()
	}
	if s.Status == Skipped {
		t.skipped = append(t.skipped, s)
		return
	}
	t.line(s.Name, s)
}

func (t *TextWriter) flush() {
	switch n := len(t.skipped); {
	case n > 2:
		last := t.skipped[n-1]
		t.line(t.skipped[0].Name+" to "+last.Name, last)
	default:
		for _, s := range t.skipped {
			t.line(s.Name, s)
		}
	}
	t.skipped = nil
}

// statusColours are the codes of the terminal: green, yellow, red, grey.
var statusColours = map[Status]string{OK: "32", Warning: "33", Failed: "31", Skipped: "90"}

func (t *TextWriter) line(title string, s Step) {
	status := fmt.Sprintf("%-8s", s.Status)
	if t.colours {
		status = "\x1b[" + statusColours[s.Status] + "m" + status + "\x1b[0m"
	}
	detail := s.Detail
	if s.Host != "" {
		detail = s.Host + ": " + detail
	}
	took := fmt.Sprintf("%.3f s", s.Seconds)
	if s.Status == Skipped {
		took = ""
	}
	t.printf("  %s %s  %s\n", status, columns(title, took), detail)
	if s.Advice != "" {
		t.printf("%s-> %s\n", strings.Repeat(" ", 40), s.Advice)
	}
}

// columns lets a title that has no time beside it be longer.
func columns(title, took string) string {
	const width = 27
	return title + fmt.Sprintf("%*s", max(0, width-len(title)), took)
}

// End ends the report of a server with what came of it.
func (t *TextWriter) End(r Report) {
	t.flush()
	counts := map[Status]int{}
	for _, s := range r.Steps {
		counts[s.Status]++
	}
	verdict := "can be watched"
	switch {
	case !r.OK && r.delivered():
		verdict = "can be watched, but something has failed"
	case !r.OK:
		verdict = "cannot be watched as it is"
	}
	t.printf("  %s %s: %d ok, %d warning, %d failed, %d skipped\n\n", r.Server, verdict,
		counts[OK], counts[Warning], counts[Failed], counts[Skipped])
}
