package cli

import (
	"strings"
	"sync/atomic"

	"github.com/coreos/go-systemd/v22/daemon"

	"icws_exporter/exporter"
	"icws_exporter/exporter/logging"
)

// notifier tells systemd how the exporter is, where systemd asks for it (a unit with
// Type=notify sets NOTIFY_SOCKET). It never waits for systemd.
type notifier struct {
	states *logging.Queue
	// stops is set once nothing but the end is left to tell.
	stops atomic.Bool
}

// endOfState stands behind each state in the queue.
const endOfState = "\x00"

func newNotifier() *notifier { return &notifier{states: logging.NewQueue(systemd{}, 4<<10)} }

// systemd takes states, a datagram each.
type systemd struct{}

func (systemd) Write(states []byte) (int, error) {
	for state := range strings.SplitSeq(strings.TrimSuffix(string(states), endOfState), endOfState) {
		_, _ = daemon.SdNotify(false, state) // who does not listen does not want to know
	}
	return len(states), nil
}

// tell sends the state, or leaves it out when systemd does not take those before.
func (n *notifier) tell(state string) { _, _ = n.states.Write([]byte(state + endOfState)) }

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
func (n *notifier) close() { n.states.Close(flushTime) }
