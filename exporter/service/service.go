// Package service has the exporter run as a service of Windows: it installs and
// removes the service, and answers the Service Control Manager while it runs.
package service

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// ErrNotHere is returned by everything that needs Windows, on other systems.
var ErrNotHere = errors.New("services of Windows exist on Windows only; on Linux use the systemd unit, deploy/systemd")

// Mark is the argument by which a process knows that the Service Control Manager
// started it.
const Mark = "--as-service"

// Definition says what a service is to run, and as whom.
type Definition struct {
	Name string
	// Account is a user or a virtual account such as NT SERVICE\icws_exporter.
	Account string
	// Executable is an absolute path, and Arguments are those of the command line, with
	// Mark among them.
	Executable string
	Arguments  []string
}

// VirtualAccount is the account that Windows has for a service of this name alone. It
// has no password and no rights but its own.
func VirtualAccount(name string) string { return `NT SERVICE\` + name }

// EventLog takes what an administrator should see in the event log.
type EventLog interface {
	Warning(id uint32, text string) error
	Error(id uint32, text string) error
}

// Session is what connects a running service with the Service Control Manager.
type Session struct {
	// Reloads has a signal when the configuration is to be read anew.
	Reloads chan os.Signal
	// Ready is to be called once, when the service does its work.
	Ready  func()
	Events EventLog
}

// Work is what a service does until ctx ends. It returns an exit code.
type Work func(ctx context.Context, s *Session) int

// command is what the Service Control Manager asks for.
type command int

const (
	interrogate command = iota
	end
	reload
)

// state is what the Service Control Manager is told.
type state int

const (
	starting state = iota
	running
	ending
)

// loop does the work, and answers what is asked meanwhile.
func loop(commands <-chan command, report func(state), events EventLog, work Work) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready, done := make(chan struct{}, 1), make(chan int, 1)
	s := &Session{Reloads: make(chan os.Signal, 1), Ready: func() { ready <- struct{}{} }, Events: events}
	now := starting
	become := func(to state) {
		now = to
		report(now)
	}
	become(starting)
	go func() { done <- work(ctx, s) }()
	for {
		select {
		case <-ready:
			if now == starting {
				become(running)
			}
		case c := <-commands:
			switch c {
			case end:
				become(ending)
				cancel()
			case reload:
				select {
				case s.Reloads <- syscall.SIGHUP:
				default: // one is waiting already
				}
				report(now)
			default:
				report(now)
			}
		case code := <-done:
			return code
		}
	}
}
