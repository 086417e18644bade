package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"icws_exporter/probe/icwssim"
)

// TestMain lets this test binary be icws_exporter too, for the scripts and for
// the tests that start a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"icws_exporter": func() { os.Exit(Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		"curl":          curl,
		"kubectl":       kubectl,
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
			sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: "pa55word", Name: "cic-script"})
			server := httptest.NewServer(sim)
			env.Defer(func() { sim.Close(); server.Close() })
			env.Setenv("SIMULATED", server.URL)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "serves": serves, "simulates": simulates, "http": request,
		},
	})
}

// secretsOfScripts are what the scripts give and no output may show.
var secretsOfScripts = []string{"pa55word", "s3cret-in-url"}

// exits CODE COMMAND ARGS... runs the command and wants this exit code, no secret
// in the output, and nothing on stdout unless the command succeeds, or is a check
// whose result is a failure.
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
	found := code != ExitUsage && slices.Contains(args, "check")
	if code != ExitOK && stdout != "" && !found {
		ts.Fatalf("%q fails and writes to stdout: %s", args[1:], stdout)
	}
	for _, secret := range secretsOfScripts {
		if strings.Contains(stdout+stderr, secret) {
			ts.Fatalf("%q shows a secret", args[1:])
		}
	}
}

// serves FLAGS... starts icws_exporter serve with the flags, on a free port and
// until the script ends. URL is then where its pages are, and HEALTH where its
// health listener is when the flags want one.
func serves(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("serves cannot be negated")
	}
	command := exec.Command("icws_exporter", append([]string{"serve", "--web.listen-address=127.0.0.1:0"}, args...)...)
	command.Dir = ts.MkAbs(".")
	p, err := run(command, []string{"ICWS_PASSWORD=" + ts.Getenv("ICWS_PASSWORD")})
	ts.Check(err)
	ts.Defer(p.kill)
	address := func(before string) string {
		pattern := regexp.MustCompile(before + `.*?(127\.0\.0\.1:\d+)`)
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			if match := pattern.FindStringSubmatch(p.stderr.String()); match != nil {
				return match[1]
			}
			if time.Now().After(deadline) {
				ts.Fatalf("it does not serve:\n%s", p.stderr.String())
			}
		}
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--web.health-listen-address") }) {
		ts.Setenv("HEALTH", "http://"+address("Health checks"))
	}
	ts.Setenv("URL", "http://"+address("Listening on"))
}

// simulates ARGS... runs a simulated server until the end of the script, and sets
// SIM to its URL.
func simulates(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("simulates cannot be negated")
	}
	command := exec.Command("icws_exporter", append([]string{"simulate", "--listen-address=127.0.0.1:0"}, args...)...)
	command.Dir = ts.MkAbs(".")
	p, err := run(command, []string{"ICWS_PASSWORD=" + ts.Getenv("ICWS_PASSWORD")})
	ts.Check(err)
	ts.Defer(p.kill)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if match := regexp.MustCompile(`URL +(https?://\S+)`).FindStringSubmatch(p.stdout.String()); match != nil {
			ts.Setenv("SIM", match[1])
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it does not simulate:\n%s", p.stderr.String())
		}
	}
}

// http CODE METHOD URL wants the code and writes the body to stdout, where no
// secret may be.
func request(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: http code method url")
	}
	r, err := http.NewRequest(args[1], args[2], nil)
	ts.Check(err)
	response, err := client.Do(r)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if strconv.Itoa(response.StatusCode) != args[0] {
		ts.Fatalf("%s %s answers %s: %s", args[1], args[2], response.Status, body)
	}
	for _, secret := range secretsOfScripts {
		if strings.Contains(string(body), secret) {
			ts.Fatalf("%s %s shows a secret", args[1], args[2])
		}
	}
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}
