package cli

import (
	"fmt"
	"io"

	"icws_exporter/exporter/cli/describe"
)

type (
	manCommand        struct{}
	completionCommand struct {
		Shell string `arg:"" enum:"bash,fish,zsh" help:"bash, fish or zsh."`
	}
	completeCommand struct {
		Words []string `arg:"" help:"Words of a command line; the last one is being typed."`
	}
)

// Run prints the manual page.
func (manCommand) Run(s *streams) error {
	parser, err := newParser(&grammar{}, s.out, s.log)
	if err != nil {
		return err
	}
	return printed(describe.WriteManual(s.out, parser.Model))
}

// Run prints the script for the shell to read.
func (c completionCommand) Run(s *streams) error {
	_, err := io.WriteString(s.out, describe.Scripts[c.Shell])
	return printed(err)
}

// Run prints what may stand in the place of the last word, for these scripts.
func (c completeCommand) Run(s *streams) error {
	parser, err := newParser(&grammar{}, s.out, s.log)
	if err != nil {
		return err
	}
	for _, candidate := range describe.Complete(parser.Model, c.Words) {
		fmt.Fprintln(s.out, candidate)
	}
	return nil
}
