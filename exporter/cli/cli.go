// Package cli is the command line: a file per command, the flags in the terms of
// the Prometheus ecosystem, and the exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"icws_exporter/exporter/logging"
	"icws_exporter/exporter/service"
	"icws_exporter/probe/secret"
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

	Serve      serveCommand      `cmd:"" help:"Watch IC servers and serve their metrics."`
	Demo       demoCommand       `cmd:"" help:"Watch two simulated servers: everything in one process, nothing to configure."`
	Simulate   simulateCommand   `cmd:"" help:"Simulate one IC server, for fire drills and tests."`
	Check      checkCommand      `cmd:"" help:"Check everything that watching a server needs, once, and say what to fix."`
	Health     healthCommand     `cmd:"" help:"Ask a running exporter whether it is healthy: exit code 0 or 1, for the health checks of containers."`
	Config     configCommand     `cmd:"" help:"Check a configuration file, without connecting to anything."`
	Dashboards dashboardsCommand `cmd:"" help:"Write the Grafana dashboards."`
	Service    serviceCommand    `cmd:"" help:"Install, remove, start, stop or reload the exporter as a service of Windows."`
	Rules      rulesCommand      `cmd:"" help:"List, print or write the alerts for Prometheus, with their runbooks."`
	Completion completionCommand `cmd:"" help:"Print the completion of the command line for a shell."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"Say how a command line can go on, for the scripts of completion."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`
}

// streams are where a command writes: its results to out, its log to log, which
// never waits. Its own signals come from hangups.
type streams struct {
	out, log io.Writer
	logging  *logFlags
	hangups  <-chan os.Signal
	// dropped counts the lines of the log that were lost; nil means none.
	dropped func() uint64
	// Of a service of Windows, else nil: ready is to be called when the command does
	// its work, and events takes what an administrator should see.
	ready  func()
	events slog.Handler
}

// usageError is a mistake in what the operator gave us, as opposed to a failure.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// maxLogWaiting is how many bytes of the log wait for its reader. They are in memory
// twice while they are written.
const maxLogWaiting = 1 << 20

// Run parses the arguments (without the program's name), runs the command until
// it is done or SIGINT or SIGTERM asks it to end, and returns the exit code, at the
// latest endTime and flushTime after that. Results go to stdout; the log and errors
// go to stderr, an error as one line per mistake. In a service of Windows the Service
// Control Manager asks, and errors go to its event log.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	caught := catchHangups()
	defer caught.release()
	// net/http tells the log of the standard library what a server sent unasked: up to
	// 4 KiB of it, as often as the server likes. Nothing else uses that log.
	stdlog.SetOutput(io.Discard)
	if service.Inside(args) {
		args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == service.Mark })
		return service.Run(func(ctx context.Context, session *service.Session) int {
			events := newServiceEvents(session.Events)
			defer events.close()
			return runIn(ctx, args, io.Discard, io.Discard, surroundings{hangups: &hangups{session.Reloads, true}, ready: session.Ready, events: events})
		})
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, as is usual.
	context.AfterFunc(ctx, stop)
	// Writing to somebody who has gone, such as head, is an error then, and not the
	// end of a process that has sessions to leave.
	signal.Ignore(syscall.SIGPIPE)
	return runIn(ctx, args, stdout, stderr, surroundings{hangups: caught})
}

// surroundings are what started the process.
type surroundings struct {
	hangups *hangups
	cancel  context.CancelFunc // ends what runs
	ready   func()
	events  *serviceEvents // nil but in a service of Windows
}

func runIn(ctx context.Context, args []string, stdout, stderr io.Writer, from surroundings) int {
	ctx, from.cancel = context.WithCancel(ctx)
	defer from.cancel()
	log := logging.NewQueue(stderr, maxLogWaiting)
	defer log.Close(flushTime)
	err := inTime(ctx, func() error { return runCommand(ctx, args, stdout, log, from) })
	if exited := exit(0); errors.As(err, &exited) {
		return int(exited)
	}
	if err == nil {
		return ExitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(log, "icws_exporter: %s\n", secret.Escape(strings.TrimSuffix(line, "\n")))
	}
	from.events.failed(err)
	if errors.As(err, new(usageError)) {
		return ExitUsage
	}
	return ExitFailure
}

// exit is the end of a command line that has already had its answer.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// runCommand finds the command in the arguments and runs it.
func runCommand(ctx context.Context, args []string, stdout io.Writer, log *logging.Queue, from surroundings) error {
	out := newResults(ctx, stdout)
	defer out.close()
	var flags grammar
	command, code, err := parse(&flags, args, out, log)
	switch {
	case err != nil:
		fmt.Fprintf(log, "icws_exporter: %v\nSee icws_exporter --help.\n", err)
		from.events.failed(err)
		return exit(ExitUsage)
	case command == nil:
		return exit(code)
	}
	if command.Command() != "serve" {
		go from.hangups.end(ctx, from.cancel) // it ends with ctx
	}
	if err := flags.Log.open(log); err != nil {
		return usageError{err}
	}
	s := &streams{out: out, log: log, logging: &flags.Log, hangups: from.hangups.signals, dropped: log.Dropped, ready: from.ready}
	if from.events != nil {
		s.events = from.events
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(s)
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
	return kong.Vars{"version": versionText(), "scenarios": strings.Join(scenarioNames()[1:len(tour)+1], ", ")}
}
