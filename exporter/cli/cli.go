// Package cli is the command line: a file per command, the flags in the terms of
// the Prometheus ecosystem, and the exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	ExitOK      = 0
	ExitFailure = 1 // something failed while running, such as a port that is in use
	ExitUsage   = 2 // the command line, a file it names or the configuration cannot be used
)

type grammar struct {
	Version kong.VersionFlag `help:"Print the version and exit."`
	Log     logFlags         `embed:"" prefix:"log."`

	Serve         serveCommand         `cmd:"" help:"Watch ICWS servers and serve their metrics."`
	Demo          demoCommand          `cmd:"" help:"Watch two simulated servers: everything in one process, nothing to configure."`
	Simulate      simulateCommand      `cmd:"" help:"Simulate one ICWS server, for fire drills and tests."`
	Check         checkCommand         `cmd:"" help:"Check everything that watching a server needs, once, and say what to mend."`
	Health        healthCommand        `cmd:"" help:"Ask a running exporter whether it is healthy: exit code 0 or 1, for the health checks of containers."`
	Metrics       metricsCommand       `cmd:"" help:"Print the reference of all metrics, as Markdown."`
	Configuration configurationCommand `cmd:"" help:"Print the reference of the configuration file, as Markdown."`
	Dashboards    dashboardsCommand    `cmd:"" help:"List, print or write the Grafana dashboards."`
	Rules         rulesCommand         `cmd:"" help:"List, print or write the alerts for Prometheus, with their runbooks."`
	Completion    completionCommand    `cmd:"" help:"Print the completion of the command line for a shell."`
	Man           manCommand           `cmd:"" help:"Print the manual page."`
}

// streams are where a command writes: its results to out, its log to log.
type streams struct {
	out, log io.Writer
	logging  *logFlags
}

// usageError is a mistake in what the operator gave us, as opposed to a failure.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Run parses the arguments (without the program's name), runs the command until
// it is done or SIGINT or SIGTERM asks it to end, and returns the exit code.
// Results go to stdout; the log and errors go to stderr, an error as one line
// per mistake.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, as is usual.
	context.AfterFunc(ctx, stop)
	// Writing to somebody who has gone, such as head, is an error then, and not the
	// end of a process that has sessions to leave.
	signal.Ignore(syscall.SIGPIPE)

	var flags grammar
	command, exit, err := parse(&flags, args, stdout, stderr)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "icws_exporter: %v\nSee icws_exporter --help.\n", err)
		return ExitUsage
	case command == nil:
		return exit
	}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(&streams{out: stdout, log: stderr, logging: &flags.Log})
	if err == nil {
		return ExitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "icws_exporter: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if errors.As(err, new(usageError)) {
		return ExitUsage
	}
	return ExitFailure
}

// parse returns the command to run, or nothing when --help or --version has
// already said what there is to say, with the exit code.
func parse(flags *grammar, args []string, stdout, stderr io.Writer) (command *kong.Context, exit int, err error) {
	type exited int
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			command, exit, err = nil, int(e), nil
		default:
			panic(e)
		}
	}()
	parser, err := newParser(flags, stdout, stderr, kong.Exit(func(code int) { panic(exited(code)) }))
	if err != nil {
		return nil, 0, err
	}
	command, err = parser.Parse(args)
	return command, 0, err
}

func newParser(flags *grammar, stdout, stderr io.Writer, more ...kong.Option) (*kong.Kong, error) {
	parser, err := kong.New(flags, append(more,
		kong.Name("icws_exporter"),
		kong.Description("Prometheus exporter for ICWS, the web API of Genesys PureConnect.\n\n"+
			"Exit codes: 0 ended as asked, 1 a failure while running, 2 a mistake in the command line or the configuration."),
		kong.Writers(stdout, stderr),
		variables(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("the grammar of the command line: %w", err)
	}
	return parser, nil
}

// variables are what the help texts of the grammar refer to.
func variables() kong.Vars {
	return kong.Vars{"version": versionText(), "scenarios": strings.Join(scenarioNames()[1:], ", ")}
}
