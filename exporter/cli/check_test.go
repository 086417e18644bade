package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/exporter/check"
	"icws_exporter/probe/icwssim"
)

// checked runs check --json and returns its report.
func checked(t *testing.T, arguments ...string) check.Report {
	t.Helper()
	out, err := exec.Command("icws_exporter", append([]string{"check", "--json"}, arguments...)...).Output()
	var d check.Document
	if jsonErr := json.Unmarshal(out, &d); jsonErr != nil || len(d.Servers) != 1 {
		t.Fatalf("%v, %v: %s", err, jsonErr, out)
	}
	return d.Servers[0]
}

// From a capture of a server to a simulated one that is watched in its place.
func TestACaptureIsCheckedAndWatched(t *testing.T) {
	for name, o := range map[string]icwssim.Options{
		"streamed": {Name: "cic-real", Statuses: icwssim.Catalogue(60, 3), Quirks: icwssim.Quirks{IsDeltaLast: true, FullInChanged: true}},
		"polled":   {Name: "cic-real", MessagingVersion: 1},
	} {
		t.Run(name, func(t *testing.T) {
			sim, server := simulated(t, false, o)
			password := "--password-file=" + writeFile(t, "pw", testPassword+"\n")
			dir := filepath.Join(t.TempDir(), "capture")
			real := checked(t, "--server=a="+server.URL, "--user=svc-prom", password, "--record="+dir)
			if !real.OK || len(sim.Sessions()) != 0 {
				t.Fatalf("%+v", real)
			}
			replay := start(t, nil, "simulate", "--listen-address=127.0.0.1:0", "--replay="+dir)
			url := find(t, &replay.stdout, `URL +(http://127\.0\.0\.1:\d+)`)
			again := checked(t, "--server=a="+url, "--user=anybody", password)
			for i, step := range real.Steps {
				if other := again.Steps[i]; step.Name != other.Name || step.Status != other.Status {
					t.Errorf("%s was %s, on the replay %s is %s", step.Name, step.Status, other.Name, other.Status)
				}
			}
			p := start(t, nil, "serve", "--server=chicago="+url, "--user=anybody", password, "--web.listen-address=127.0.0.1:0")
			page := pagesOf(t, p, 1)[0]
			eventually(t, "live with the same counts", func() bool {
				s := scrape(t, page)
				return s[`icws_up{server="chicago",site=""}`] == 1 && equalsTruth(s, "chicago", sim)
			})
			p.end(t, syscall.SIGTERM)
			replay.end(t, syscall.SIGTERM)
			if !strings.Contains(replay.stdout.String(), "Sessions left on it: 0.") {
				t.Errorf("the replay says at its end:\n%s", replay.stdout.String())
			}
		})
	}
}

// hearHangups has the processes of a test hear SIGHUP although the tests run under nohup: a process
// that ignores it hands that on, and one that takes it does not.
func hearHangups(t *testing.T) {
	taken := make(chan os.Signal, 1)
	signal.Notify(taken, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(taken) })
}

// Ctrl-C and the end of the terminal end the session, and are a failure of the check.
func TestAnInterruptedCheck(t *testing.T) {
	hearHangups(t)
	for _, sent := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sent.String(), func(t *testing.T) {
			sim, server := simulated(t, false, icwssim.Options{})
			p := start(t, nil, "check", "--server=a="+server.URL, "--user=svc-prom",
				"--password-file="+writeFile(t, "pw", testPassword), "--observe=1h")
			eventually(t, "it observes", func() bool { return strings.Contains(p.stdout.String(), "switchover") })
			if err := p.Process.Signal(sent); err != nil {
				t.Fatal(err)
			}
			if err := p.wait(t); err == nil || p.ProcessState.ExitCode() != ExitFailure {
				t.Errorf("it ends with %v", err)
			}
			if out := p.stdout.String(); !strings.Contains(out, "interrupted") || !strings.Contains(out, "the session has ended") {
				t.Errorf("it says\n%s", out)
			}
			if left := sim.Sessions(); len(left) > 0 {
				t.Errorf("left on the server: %+v", left)
			}
		})
	}
}

// With nohup the check goes on when the terminal closes.
func TestACheckUnderNohup(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	command := exec.Command("sh", "-c", `trap '' HUP; exec icws_exporter "$@"`, "sh", "check", "--server=a="+server.URL, "--user=svc-prom",
		"--password-file="+writeFile(t, "pw", testPassword), "--observe=1s")
	p, err := run(command, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	eventually(t, "it observes", func() bool { return strings.Contains(p.stdout.String(), "switchover") })
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(t); err != nil || !strings.Contains(p.stdout.String(), "a can be watched") || len(sim.Sessions()) > 0 {
		t.Errorf("it ends with %v and %d sessions, and says\n%s", err, len(sim.Sessions()), p.stdout.String())
	}
}

// check | head: the rest of the output is lost, the session is not.
func TestACheckWhoseReaderIsGone(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("icws_exporter", "check", "--server=a="+server.URL, "--user=svc-prom",
		"--password-file="+writeFile(t, "pw", testPassword), "--observe=1s")
	command.Stdout = writer
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	lines := bufio.NewScanner(reader)
	for lines.Scan() && !strings.Contains(lines.Text(), "log_on") {
	}
	_ = reader.Close() // what is left to write comes after the observation
	var exit *exec.ExitError
	if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != ExitFailure {
		t.Errorf("it ends with %v", err)
	}
	if left := sim.Sessions(); len(left) > 0 {
		t.Errorf("left on the server: %+v", left)
	}
}

// goneAfter takes what is written until it has a word, and nothing more.
type goneAfter struct {
	output
	word string
}

func (g *goneAfter) Write(p []byte) (int, error) {
	if strings.Contains(g.String(), g.word) {
		return 0, syscall.EPIPE
	}
	return g.output.Write(p)
}

func TestACheckThatNobodyReadsEnds(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var log output
	code := Run(ctx, []string{"check", "--server=a=" + server.URL, "--user=svc-prom",
		"--password-file=" + writeFile(t, "pw", testPassword), "--observe=1h"}, &goneAfter{word: "log_on"}, &log)
	if code != ExitFailure || ctx.Err() != nil || !strings.Contains(log.String(), "print the result: "+syscall.EPIPE.Error()) {
		t.Errorf("it ends with %d, %v and says\n%s", code, ctx.Err(), log.String())
	}
	if left := sim.Sessions(); len(left) > 0 {
		t.Errorf("left on the server: %+v", left)
	}
}
