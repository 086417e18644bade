package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/files"
)

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Check configuration files whole, without connecting to anything."`
}

type configCheckCommand struct {
	Files      []string `arg:"" name:"file" help:"YAML configuration; may be repeated."`
	SyntaxOnly bool     `help:"Look at no password, certificate and key: they may be on another machine."`
	LintFatal  bool     `help:"Exit with 3 when there is a warning."`
}

// Help is what --help says below the flags' summary.
func (configCheckCommand) Help() string {
	return "Every file is checked as serve does it at its start: keys and values, what contradicts, and whether each password, " +
		"certificate and key can be read and used. Nothing is resolved or connected to. To try the servers themselves, use check.\n\n" +
		"Exit codes, as promtool has them: 0 all files are valid, 1 one is not, 3 there are warnings and --lint-fatal was given; " +
		"2 a mistake in the command line."
}

// exitLint is the exit code of promtool for what is valid and has warnings.
const exitLint exit = 3

// Run checks the files one after the other.
func (c *configCheckCommand) Run(_ context.Context, s *streams) error {
	var holds func(string) bool
	if c.SyntaxOnly {
		holds = func(string) bool { return false }
	}
	var problems error
	warned := false
	for _, file := range c.Files {
		watched, err := config.LoadPart(file, holds)
		if err != nil {
			problems = errors.Join(problems, err)
			fmt.Fprintf(s.out, "%s is not valid\n", file)
			continue
		}
		fmt.Fprintf(s.out, "%s is valid: %s\n", file, number(len(watched.Servers()), "server"))
		describeServers(s.out, watched, !c.SyntaxOnly)
		warnings := warningsOf(watched, !c.SyntaxOnly)
		for _, warning := range warnings {
			fmt.Fprintf(s.out, "  warning: %s\n", warning)
		}
		warned = warned || len(warnings) > 0
	}
	if problems == nil && warned && c.LintFatal {
		return exitLint
	}
	return problems
}

// describeServers says of each server what it is and where its password is; read says
// that it was read.
func describeServers(out io.Writer, watched config.Validated, read bool) {
	for _, server := range watched.Servers() {
		place, change := server.PasswordPlace()
		if read {
			place = "readable, from " + place
		} else {
			place = "not looked at, in " + place
		}
		if change != "" {
			place += " (" + change + ")"
		}
		fmt.Fprintf(out, "  %s: %s, hosts %s, user %s, password %s\n", server.Name, server.URL, strings.Join(server.Hosts, ", "), server.User, place)
	}
}

// warningsOf are about what is valid, and yet seldom meant; read says that files were
// looked at.
func warningsOf(watched config.Validated, read bool) []string {
	var warnings []string
	for _, file := range passwordFiles(watched) {
		file = files.Absolute(file)
		if read && readableForAll(file) {
			warnings = append(warnings, "everybody on this machine may read the password in "+file+"; take that right away, with chmod o= or chmod 600")
		}
	}
	for _, shared := range exporter.SharedUsers(watched.Servers()) {
		warnings = append(warnings, shared+": "+advice.For(advice.SameUser, advice.About{}).Line())
	}
	for _, server := range watched.Servers() {
		if strings.HasPrefix(server.URL, "http://") {
			warnings = append(warnings, server.Name+": "+advice.For(advice.PlainHTTP, advice.About{Flags: server.ByFlags}).Line())
		}
	}
	return warnings
}

// readableForAll reports whether everybody may read a file. Of Windows it knows
// nothing: there the installation of the service prints what to do.
func readableForAll(file string) bool {
	info, err := os.Stat(file)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0
}

// number is a count with its noun.
func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
