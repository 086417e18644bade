package cli

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this test binary be icws_exporter too, for the scripts and for
// the tests that start a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"icws_exporter": func() { os.Exit(Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Defer(func() { taken.Close() })
			env.Setenv("BUSY", taken.Addr().String())
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

// secretsOfScripts are what the scripts give and no output may show.
var secretsOfScripts = []string{"pa55word", "s3cret-in-url"}

// exits CODE COMMAND ARGS... runs the command and wants this exit code, no secret
// in the output, and nothing on stdout unless the command succeeds.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("%q exits with %d, want %d", args[1:], code, want)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if code != ExitOK && stdout != "" {
		ts.Fatalf("%q fails and writes to stdout: %s", args[1:], stdout)
	}
	for _, secret := range secretsOfScripts {
		if strings.Contains(stdout+stderr, secret) {
			ts.Fatalf("%q shows a secret", args[1:])
		}
	}
}
