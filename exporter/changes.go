package exporter

import (
	"fmt"
	"log/slog"
	"strings"
)

// Changes say what an Apply did to the watched servers. The names are sorted.
type Changes struct {
	// Added, Changed and Removed were started, started anew and left.
	Added, Changed, Removed []string
	// Kept counts the servers whose sessions went on.
	Kept int
}

func changesBetween(before, after *generation) Changes {
	var c Changes
	for _, w := range after.watched {
		switch former := before.find(w.server.Name); {
		case former == nil:
			c.Added = append(c.Added, w.server.Name)
		case former.run != w.run:
			c.Changed = append(c.Changed, w.server.Name)
		default:
			c.Kept++
		}
	}
	for _, w := range before.watched {
		if after.find(w.server.Name) == nil {
			c.Removed = append(c.Removed, w.server.Name)
		}
	}
	return c
}

// attrs are the changes as the attributes of a log line.
func (c Changes) attrs() []any {
	return []any{
		slog.String("added", nameList(c.Added)), slog.String("changed", nameList(c.Changed)),
		slog.String("removed", nameList(c.Removed)), slog.Int("kept", c.Kept),
	}
}

// nameList is how many there are and the first of them: "2 (berlin, lab)".
func nameList(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", len(names), first(names, ", "))
}

// first joins as many names as a log line can bear, and says how many more there are.
func first(names []string, separator string) string {
	if more := len(names) - maxLogged; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxLogged], separator), more)
	}
	return strings.Join(names, separator)
}
