package cli

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// pipe is a pipe of one page, to be filled fast.
type pipe struct{ reader, writer *os.File }

func newPipe(t *testing.T) *pipe {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, writer.Fd(), setPipeSize, 4096); errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	return &pipe{reader, writer}
}

// fill has nobody read any more: what is written from now on waits.
func (p *pipe) fill(t *testing.T) {
	t.Helper()
	var written atomic.Int64
	go func() { // it ends with the pipe
		for { // byte by byte, since the last page takes what fits into it
			if _, err := p.writer.Write([]byte("x")); err != nil {
				return
			}
			written.Add(1)
		}
	}()
	before, same := int64(0), 0
	eventually(t, "the pipe is full", func() bool {
		now := written.Load()
		if now == before && now > 0 {
			same++
		} else {
			same = 0
		}
		before = now
		return same == 5
	})
}

// await reads until a line matches, and returns its first group.
func (p *pipe) await(t *testing.T, pattern string) string {
	t.Helper()
	for lines := bufio.NewScanner(p.reader); lines.Scan(); {
		if match := regexp.MustCompile(pattern).FindStringSubmatch(lines.Text()); match != nil {
			return match[1]
		}
	}
	t.Fatalf("no line like %s", pattern)
	return ""
}

// startWith starts icws_exporter with the pipe as one of its outputs.
func startWith(t *testing.T, stdout, stderr *pipe, variables []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("icws_exporter", args...), exited: make(chan error, 1)}
	p.Env = append(os.Environ(), variables...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if stdout != nil {
		p.Stdout = stdout.writer
	}
	if stderr != nil {
		p.Stderr = stderr.writer
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.Wait(); close(p.exited) }()
	t.Cleanup(p.kill)
	return p
}

// A reader of the log that stands still stops neither a probe nor the end.
func TestServeWhoseLogReaderStandsStill(t *testing.T) {
	sim, server := simulated(t, false, icwssim.Options{})
	// Every reload of this is refused, with a long line.
	dir := filepath.Join(t.TempDir(), strings.Repeat(strings.Repeat("d", 200)+"/", 15))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(dir, "pw")
	file := filepath.Join(dir, "icws.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(password, testPassword)
	good := "defaults: {user: svc-prom, password_file: pw}\nservers:\n" + entry("a", server.URL)
	write(file, good)
	log := newPipe(t)
	p := startWith(t, nil, log, nil, "serve", "--config.file="+file, "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle")
	page := "http://" + log.await(t, `Listening on.*?(127\.0\.0\.1:\d+)`)
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="a",site=""}`] == 1 })
	log.fill(t)
	write(file, good+strings.Repeat("  - {}\n", 30))
	eventually(t, "lines are lost, and counted", func() bool {
		response, err := client.Post(page+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusInternalServerError {
			t.Fatalf("a reload is answered %s, %v", response.Status, err)
		}
		return scrape(t, page)["icws_exporter_log_lines_dropped_total"] > 0
	})
	sim.Step(100)
	eventually(t, "the probe goes on", func() bool { return equalsTruth(scrape(t, page), "a", sim) })
	p.end(t, syscall.SIGTERM)
	if left := sim.Sessions(); len(left) > 0 {
		t.Errorf("left on the server: %+v", left)
	}
}

// Ctrl-C ends a check whose output nobody reads, and its session.
func TestCheckWhoseReaderStandsStill(t *testing.T) {
	hearHangups(t)
	for _, end := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		sim, server := simulated(t, false, icwssim.Options{})
		out := newPipe(t)
		p := startWith(t, out, nil, []string{"ICWS_PASSWORD=" + testPassword}, "check", "--server="+server.URL, "--user=svc-prom", "--observe=1h")
		eventually(t, "the check has logged on", func() bool { return len(sim.Sessions()) == 1 })
		out.fill(t)
		if err := p.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		if err := p.wait(t); err == nil {
			t.Errorf("%s: an interrupted check ends well", end)
		}
		if left := sim.Sessions(); len(left) > 0 {
			t.Errorf("%s: left on the server: %+v", end, left)
		}
	}
}

// A command whose output nobody reads on ends when it is told to.
func TestAPrintingCommandEndsWithoutAReader(t *testing.T) {
	hearHangups(t)
	for _, end := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		out := newPipe(t)
		p := startWith(t, out, nil, nil, "rules", "print")
		if _, err := io.ReadFull(out.reader, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := p.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		err := p.wait(t)
		if code := p.ProcessState.ExitCode(); code != ExitFailure {
			t.Errorf("after %s: exit code %d, %v; stderr %s", end, code, err, p.stderr.String())
		}
	}
}

// A SIGHUP that comes before the command line is read does not end the process: its
// output stands still while it is read.
func TestSIGHUPBeforeAnythingElse(t *testing.T) {
	out := newPipe(t)
	p := startWith(t, out, nil, []string{"COLUMNS=40"}, "serve", "--help") // more than a page
	if _, err := io.ReadFull(out.reader, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := p.wait(t)
	if status := p.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() { //nolint:misspell // its name
		t.Errorf("ended by %s, want an exit: %v", status.Signal(), err)
	}
}

// A server that takes connections and says nothing holds up no end.
func TestSIGTERMWhileTheLogOnIsNotAnswered(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	asked := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			go func() {
				_, _ = io.ReadFull(conn, make([]byte, 1))
				asked <- struct{}{}
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	p := start(t, []string{"ICWS_PASSWORD=" + testPassword}, "serve", "--server=a=http://"+listener.Addr().String(), "--user=svc-prom",
		"--web.listen-address=127.0.0.1:0")
	<-asked
	p.end(t, syscall.SIGTERM)
}

// notifications collects what systemd would be told.
func notifications(t *testing.T) (path string, next func() string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // short: the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(); os.RemoveAll(dir) })
	return path, func() string {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 4096)
		n, err := socket.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
}

func TestSystemdIsToldHowTheExporterIs(t *testing.T) {
	_, server := simulated(t, false, icwssim.Options{})
	w := newWatching(t, entry("a", server.URL))
	socket, next := notifications(t)
	p := start(t, []string{"NOTIFY_SOCKET=" + socket}, "serve", "--config.file="+w.file, "--web.listen-address=127.0.0.1:0")
	wants := func(after string, lines ...string) {
		t.Helper()
		told := strings.Split(strings.TrimSpace(next()), "\n")
		for _, line := range lines {
			if !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, line) }) {
				t.Errorf("after %s systemd is told %q, want %q", after, told, line)
			}
		}
	}
	wants("the start", "READY=1", "STATUS=Watching.")
	page := pagesOf(t, p, 1)[0]
	if got := get(t, page+"/-/healthy"); !strings.Contains(got, "healthy") {
		t.Errorf("ready, and /-/healthy answers %q", got)
	}
	for _, c := range []struct{ entry, status string }{
		{"  - {}\n", "STATUS=Watching with the last good configuration"}, {entry("b", server.URL), "STATUS=Watching."},
	} {
		w.change(t, c.entry)
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		wants("SIGHUP", "RELOADING=1", "MONOTONIC_USEC=")
		wants(fmt.Sprintf("the reload of %q", c.entry), "READY=1", c.status)
	}
	p.end(t, syscall.SIGTERM)
	wants("SIGTERM", "STOPPING=1")
}

// A named pipe that nobody writes into is refused wherever a file is named.
func TestNoCommandWaitsForANamedPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve", "--config.file=" + fifo},
		{"serve", "--server=http://127.0.0.1:1", "--user=u", "--password-file=" + fifo},
		{"check", "--config.file=" + fifo},
		{"check", "--server=http://127.0.0.1:1", "--user=u", "--password-file=" + fifo},
		{"simulate", "--listen-address=127.0.0.1:0", "--password-file=" + fifo},
	} {
		p := start(t, nil, args...)
		_ = p.wait(t)
		if code := p.ProcessState.ExitCode(); code != ExitUsage || !strings.Contains(p.stderr.String(), "named pipe") {
			t.Errorf("%q ends with %d and says %s", args, code, p.stderr.String())
		}
	}
}

// A password that becomes a named pipe makes a reload fail, and not hang.
func TestAReloadDoesNotWaitForANamedPipe(t *testing.T) {
	_, server := simulated(t, false, icwssim.Options{})
	w := newWatching(t, entry("a", server.URL))
	p := start(t, nil, "serve", "--config.file="+w.file, "--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "it is up", func() bool { return scrape(t, page)[`icws_up{server="a",site=""}`] == 1 })
	if err := os.Remove(w.password); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(w.password, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	find(t, &p.stderr, `(msg="configuration not reloaded.*a named pipe)`)
	if scrape(t, page)["icws_exporter_config_last_reload_successful"] != 0 {
		t.Error("the metric does not tell of the failed reload")
	}
	p.end(t, syscall.SIGTERM)
}
