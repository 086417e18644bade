package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that was started to be measured. What it costs is read from
// /proc, so that whoever asks it something is not part of the figure.
type process struct {
	pid   int
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has; err and log are to be read after that
	err   error
	log   bytes.Buffer
}

// start runs a program until stop.
func start(program string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(context.Background(), program, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.pid = p.cmd.Process.Pid
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the program as a service manager would.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// waitFor calls ready until it is true, or fails with what the program has said.
func (p *process) waitFor(what string, patience time.Duration, ready func() bool) error {
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended before it was %s: %w\n%s", p.cmd.Path, what, errors.Join(p.err, errEnded), tail(p.log.String()))
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s was not %s within %s", p.cmd.Path, what, patience)
		}
	}
	return nil
}

var errEnded = errors.New("it has to go on until it is stopped")

func tail(text string) string { return text[max(0, len(text)-2000):] }

// self is this process, for work that needs no other.
var self = &process{pid: os.Getpid()}

// proc is the path of a file about the process.
func (p *process) proc(name string) string { return filepath.Join("/proc", strconv.Itoa(p.pid), name) }

// cpu is the CPU time of all its threads, user and system.
func (p *process) cpu() (time.Duration, error) {
	files, err := filepath.Glob(p.proc("task/*/schedstat"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no CPU time of process %d: has it ended?", p.pid)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread ended just now; Go's hardly ever do
		}
		if err != nil {
			return 0, err
		}
		onCPU, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(onCPU, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// during returns the CPU time that the process takes while do runs.
func (p *process) during(do func() error) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return after - before, err
}

// memory returns the bytes of resident memory, now and at most since forgetPeak.
func (p *process) memory() (now, peak float64, err error) {
	if now, err = p.status("VmRSS"); err == nil {
		peak, err = p.status("VmHWM")
	}
	return now, peak, err
}

// status returns a size that the kernel tells of the process, in bytes.
func (p *process) status(name string) (float64, error) {
	return p.size("status", name)
}

// touched returns the bytes of resident memory that the process touches in a while.
func (p *process) touched(while time.Duration) (float64, error) {
	if err := os.WriteFile(p.proc("clear_refs"), []byte("1"), 0); err != nil {
		return 0, err
	}
	time.Sleep(while)
	return p.size("smaps_rollup", "Referenced")
}

// size finds a size by its name in a file of /proc.
func (p *process) size(file, name string) (float64, error) {
	text, err := os.ReadFile(p.proc(file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kilobytes * 1024, err
		}
	}
	return 0, fmt.Errorf("the kernel tells no %s of process %d", name, p.pid)
}

// forgetPeak begins a new peak of the resident memory.
func (p *process) forgetPeak() error { return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }
