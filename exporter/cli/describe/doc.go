// Package describe writes a command line, as kong has it, for others than kong:
// completion scripts for shells, and a manual page.
//
// It is our own because no library for kong is kept: the last releases of
// kong-completion, mango-kong and kongplete are of 2022 and 2023.
package describe

import (
	"strings"

	"github.com/alecthomas/kong"
)

// command is a command with what may stand behind it.
type command struct {
	path     string // the names that lead to it, such as "rules print"; empty for the program
	about    string
	synopsis string
	flags    []*kong.Flag // with those of the commands above it
}

// commands are all that are not hidden, each before those below it.
func commands(node *kong.Node, path string, above []*kong.Flag) []command {
	own := command{path: path, about: text(node.Help), synopsis: node.Summary()}
	for _, f := range append(above[:len(above):len(above)], node.Flags...) {
		if !f.Hidden {
			own.flags = append(own.flags, f)
		}
	}
	all := []command{own}
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		all = append(all, commands(child, strings.TrimSpace(path+" "+child.Name), own.flags)...)
	}
	return all
}

// text is a help text in one line.
func text(help string) string { return strings.Join(strings.Fields(help), " ") }
