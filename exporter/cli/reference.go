package cli

import (
	"io"

	"github.com/alecthomas/kong"

	"icws_exporter/exporter/cli/describe"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
)

type (
	metricsCommand       struct{}
	configurationCommand struct{}
	manCommand           struct{}
	completionCommand    struct {
		Shell string `arg:"" enum:"bash,fish,zsh" help:"bash, fish or zsh."`
	}
)

// Run prints the reference that is generated from the metric table.
func (metricsCommand) Run(s *streams) error { return printed(collect.WriteReference(s.out)) }

// Run prints the reference that is generated from the table of keys.
func (configurationCommand) Run(s *streams) error { return printed(config.WriteReference(s.out)) }

// Run prints the manual page.
func (manCommand) Run(s *streams) error { return describeTo(s, describe.WriteManual) }

// Run prints the script for the shell to read.
func (c completionCommand) Run(s *streams) error {
	return describeTo(s, func(w io.Writer, app *kong.Application) error {
		return describe.WriteCompletion(w, c.Shell, app)
	})
}

func describeTo(s *streams, write func(io.Writer, *kong.Application) error) error {
	parser, err := newParser(&grammar{}, s.out, s.log)
	if err != nil {
		return err
	}
	return printed(write(s.out, parser.Model))
}
