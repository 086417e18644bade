package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"icws_exporter/exporter/capture"
	"icws_exporter/exporter/check"
	"icws_exporter/exporter/config"
)

type checkCommand struct {
	serverFlags `embed:""`

	Observe time.Duration `help:"Look at the live subscription for so long, and count pings and changes. Default ${default}." default:"0s" placeholder:"DURATION" group:"Check"`
	JSON    bool          `name:"json" help:"Print one JSON document instead of lines." group:"Check"`
	Record  string        `help:"Keep a redacted capture of every request, answer and event in this directory, which must be new or empty. For one server." placeholder:"DIR" group:"Check"`
}

// Help is what --help says below the flags' summary.
func (checkCommand) Help() string {
	return "With --config.file all servers of the file are checked, or those that --server names.\n\n" +
		"One log-on per server is tried, and the session is left again, also after Ctrl-C or when the terminal closes.\n\n" +
		"Beside a running exporter, check with another user, or take the server out of the exporter's configuration first: " +
		"where a server lets a user log on only once, the check ends the exporter's session, and the exporter stays away for 15 minutes.\n\n" +
		"Exit codes: 0 no step failed (there may be warnings), 1 a step failed or the check was interrupted, " +
		"2 a mistake in the command line or the configuration."
}

var errCheckFailed = errors.New("the check found something that has to be fixed")

// Run checks the servers one after the other.
func (c *checkCommand) Run(ctx context.Context, s *streams) error {
	if c.Observe < 0 {
		return usageError{fmt.Errorf("--observe: %s is negative; 0s means not at all", c.Observe)}
	}
	watched, servers, err := c.servers()
	if err != nil {
		return usageError{err}
	}
	recorder, err := c.recorder(watched.Limits(), servers)
	if err != nil {
		return usageError{err}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	text := check.NewTextWriter(s.out, isTerminal(s.out) && os.Getenv("NO_COLOR") == "") //nolint:misspell // its name everywhere
	options := check.Options{Limits: watched.Limits(), UserAgent: userAgent(), Observe: c.Observe, Through: recorder.RoundTripper}
	if !c.JSON {
		options.OnStep = func(step check.Step) {
			text.Step(step)
			if text.Err() != nil {
				stop() // nobody reads on
			}
		}
	}
	var reports []check.Report
	for _, server := range servers {
		if !c.JSON {
			text.Server(server.Name)
		}
		report := check.Run(ctx, server, options)
		reports = append(reports, report)
		if !c.JSON {
			text.End(report)
		}
	}
	return errors.Join(c.result(s, text, reports), recorder.Close())
}

func (c *checkCommand) result(s *streams, text *check.TextWriter, reports []check.Report) error {
	document := check.NewDocument(reports)
	err := text.Err()
	if c.JSON {
		encoder := json.NewEncoder(s.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(document)
	}
	switch {
	case err != nil:
		return printed(err)
	case !document.OK:
		return errCheckFailed
	default:
		return nil
	}
}

// servers are those to check: with a file --server chooses among its names.
func (c *checkCommand) servers() (config.Validated, []config.Server, error) {
	flags := c.serverFlags
	var chosen []string
	switch {
	case flags.ConfigFile != "":
		chosen, flags.Server = flags.Server, nil
	case len(flags.Server) == 0:
		return config.Validated{}, nil, errors.New("nothing to check: name a server with --server URL, or give --config.file FILE")
	}
	// The secrets of the others may be elsewhere.
	watched, err := flags.part(func(name string) bool { return len(chosen) == 0 || slices.Contains(chosen, name) })
	if err != nil {
		return watched, nil, err
	}
	all := watched.Servers()
	for _, name := range chosen {
		if !slices.ContainsFunc(all, func(s config.Server) bool { return s.Name == name }) {
			return watched, nil, fmt.Errorf("--server: the file has no server %q; it has %s", name, namesOf(all))
		}
	}
	if len(chosen) > 0 {
		all = slices.DeleteFunc(all, func(s config.Server) bool { return !slices.Contains(chosen, s.Name) })
	}
	return watched, all, nil
}

func namesOf(servers []config.Server) string {
	const most = 20
	names := make([]string, 0, most+1)
	for _, s := range servers[:min(len(servers), most)] {
		names = append(names, s.Name)
	}
	if more := len(servers) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// recorder is nil unless a capture is asked for.
func (c *checkCommand) recorder(limits config.Limits, servers []config.Server) (*capture.Recorder, error) {
	switch {
	case c.Record == "":
		return nil, nil
	case len(servers) != 1:
		return nil, errors.New("--record: a capture is of one server; choose it with --server NAME")
	}
	recorder, err := capture.NewRecorder(c.Record, servers[0], limits, userAgent())
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	return recorder, nil
}
