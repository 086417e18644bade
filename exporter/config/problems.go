package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// File is the name of the configuration; empty when a flag is to blame.
	File string
	// Line and Column count from 1; 0 means the whole file, or a flag.
	Line, Column int
	// Key is the path of the key, such as servers[1].hosts[0], or the flag.
	Key string
	// Message says what is wrong, a semicolon, and what is expected. It never
	// repeats a secret.
	Message string
}

// String is the problem as file:line:column: key: message, without the parts it
// does not have.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error holds every problem of a configuration, in the order of the file.
type Error struct {
	Problems []Problem
	// Content tells what was read.
	Content Content
}

// Error prints one problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// place is where a setting stands: a position in the file, or a flag.
type place struct {
	line, column int
	key          string
}

// problems collects what is wrong. A default is read once per server that uses
// it, so the same problem may be added many times and is kept once.
type problems struct {
	file string
	seen map[Problem]struct{}
}

func (p *problems) add(at place, format string, args ...any) {
	problem := Problem{p.file, at.line, at.column, at.key, fmt.Sprintf(format, args...)}
	if p.seen == nil {
		p.seen = make(map[Problem]struct{})
	}
	p.seen[problem] = struct{}{}
}

// found returns the problems, or nil when there are none.
func (p *problems) found() *Error {
	if len(p.seen) == 0 {
		return nil
	}
	var list []Problem
	for problem := range p.seen {
		list = append(list, problem)
	}
	slices.SortFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Message, b.Message))
	})
	return &Error{Problems: list}
}
