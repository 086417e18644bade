package cli

import (
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"icws_exporter/exporter"
)

// notifier tells systemd how the exporter is, where systemd asks for it (a unit with
// Type=notify sets NOTIFY_SOCKET). It never waits for systemd.
type notifier struct {
	states chan string
	ending chan struct{} // closed to end
	ended  chan struct{}
	// stops is set once nothing but the end is left to tell.
	stops atomic.Bool
}

func newNotifier() *notifier {
	n := &notifier{states: make(chan string, 8), ending: make(chan struct{}), ended: make(chan struct{})}
	go n.run()
	return n
}

func (n *notifier) run() {
	defer close(n.ended)
	send := func(state string) { _, _ = daemon.SdNotify(false, state) } // who does not listen does not want to know
	for {
		select {
		case state := <-n.states:
			send(state)
		case <-n.ending:
			for len(n.states) > 0 {
				send(<-n.states)
			}
			return
		}
	}
}

// tell sends the state, or leaves it out when systemd does not take those before.
func (n *notifier) tell(state string) {
	select {
	case n.states <- state:
	default:
	}
}

// follow tells that the exporter is ready, and of every reload.
func (n *notifier) follow(r *exporter.Reloader) {
	r.Announce = func(begins bool) {
		switch {
		case n.stops.Load():
		case begins:
			n.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
		case r.Last().OK():
			n.tell(daemon.SdNotifyReady + "\nSTATUS=Watching.")
		default:
			n.tell(daemon.SdNotifyReady + "\nSTATUS=Watching with the last good configuration; the new one was refused, see the log.")
		}
	}
	r.Announce(false)
}

func (n *notifier) stopping() {
	n.stops.Store(true)
	n.tell(daemon.SdNotifyStopping + "\nSTATUS=Leaving the servers.")
}

// close waits for what is still to be told, but not long.
func (n *notifier) close() {
	close(n.ending)
	select {
	case <-n.ended:
	case <-time.After(flushTime):
	}
}
