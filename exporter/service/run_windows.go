package service

import (
	"slices"
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Inside reports whether a process with these arguments was started by the Service
// Control Manager.
func Inside(args []string) bool { return slices.Contains(args, Mark) }

// Run does the work of a service, and returns its exit code when the service has
// ended. The process has to end then.
func Run(work Work) int {
	h := &handler{work: work, code: 1}
	_ = svc.Run("", h) // without a connection there is nobody to tell
	return h.code
}

// endTime is how long the Service Control Manager is asked to wait for the end: more
// than the exporter takes at most.
const endTime = 30 * time.Second

type handler struct {
	work Work
	code int
}

// Execute runs as long as the service; see svc.Handler.
func (h *handler) Execute(args []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (isOurs bool, code uint32) {
	commands, over := make(chan command), make(chan struct{})
	translated := make(chan struct{})
	go func() {
		defer close(translated)
		translate(requests, commands, over)
	}()
	var events EventLog = noEvents{}
	if log, err := eventlog.Open(args[0]); err == nil {
		defer func() { _ = log.Close() }()
		events = log
	}
	h.code = loop(commands, func(s state) { status <- statusOf(s) }, events, h.work)
	close(over)
	<-translated
	return h.code != 0, uint32(h.code) //nolint:gosec // an exit code
}

// translate hands on what is asked until over is closed.
func translate(requests <-chan svc.ChangeRequest, commands chan<- command, over <-chan struct{}) {
	for {
		c := interrogate
		select {
		case r := <-requests:
			switch r.Cmd {
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				c = end
			case svc.ParamChange:
				c = reload
			}
		case <-over:
			return
		}
		select {
		case commands <- c:
		case <-over:
			return
		}
	}
}

func statusOf(s state) svc.Status {
	const accepts = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown
	switch s {
	case running:
		return svc.Status{State: svc.Running, Accepts: accepts | svc.AcceptParamChange}
	case ending:
		return svc.Status{State: svc.StopPending, WaitHint: uint32(endTime.Milliseconds())}
	default:
		return svc.Status{State: svc.StartPending, Accepts: accepts, WaitHint: uint32(endTime.Milliseconds())}
	}
}

// noEvents is the event log of a service that was installed without one.
type noEvents struct{}

func (noEvents) Warning(uint32, string) error { return nil }
func (noEvents) Error(uint32, string) error   { return nil }
