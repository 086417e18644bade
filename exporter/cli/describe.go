package cli

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"icws_exporter/exporter/cli/describe"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,fish,zsh" help:"bash, fish or zsh."`
}

// Run prints the script for the shell to read.
func (c completionCommand) Run(s *streams) error {
	return describeTo(s, func(w io.Writer, app *kong.Application) error {
		return describe.WriteCompletion(w, c.Shell, app)
	})
}

type manCommand struct{}

// Run prints the manual page.
func (manCommand) Run(s *streams) error { return describeTo(s, describe.WriteManual) }

func describeTo(s *streams, write func(io.Writer, *kong.Application) error) error {
	parser, err := newParser(&grammar{}, s.out, s.log)
	if err != nil {
		return err
	}
	if err := write(s.out, parser.Model); err != nil {
		return fmt.Errorf("describe the command line: %w", err)
	}
	return nil
}
