package probe

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// recorder counts what a probe reports, by name, and its bad manners.
type recorder struct {
	mu      sync.Mutex
	counts  map[string]int
	longest time.Duration // of the deliveries of status messages
	manners manners
}

// mind counts the bad manners that f finds.
func (r *recorder) mind(f func(*manners) []string) {
	r.mu.Lock()
	found := f(&r.manners)
	r.mu.Unlock()
	for _, name := range found {
		r.add(name, 1)
	}
}

func (r *recorder) add(name string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[name] += n
}

func (r *recorder) get(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[name]
}

// total sums what was counted under names with the prefix.
func (r *recorder) total(prefix string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for name, count := range r.counts {
		if strings.HasPrefix(name, prefix) {
			n += count
		}
	}
	return n
}

func (r *recorder) StateChanged(to State, _ string) {
	r.add("state "+to.String(), 1)
	r.mind(func(m *manners) []string { m.stateChanged(to); return nil })
}
func (r *recorder) Exchange(e icws.Exchange) {
	r.add("request "+e.Operation.String(), 1)
	switch e.Operation {
	case icws.OpVersion: // beside the loop
		r.mind(func(m *manners) []string { return m.look(e) })
	case icws.OpDisconnect: // may be beside it too, of a session that is owed
		r.mind(func(m *manners) []string { return m.leave(e) })
	case icws.OpSubscribeOptional, icws.OpUnsubscribeOptional, icws.OpUserStatus, icws.OpConfiguration:
		// Beside the loop, whose requests they do not hold up.
	default:
		r.mind(func(m *manners) []string { return m.exchange(e) })
	}
	if e.Failed() {
		r.add("failed "+e.Reason.String(), 1)
	}
	if e.Code != 0 {
		r.add(fmt.Sprintf("response %s %d", e.Operation, e.Code), 1)
		if e.Operation == icws.OpConnect && e.Code == http.StatusCreated {
			r.add("session on "+e.Host, 1)
		}
	}
}
func (r *recorder) Read(n int) { r.add("bytes", n) }
func (r *recorder) StreamBroke(v icws.FailureReason) {
	r.add("stream broke "+v.String(), 1)
	r.add("failed "+v.String(), 1)
}
func (r *recorder) StreamHeartbeat() { r.add("pings", 1) }
func (r *recorder) SessionOpening() {
	r.add("opens", 1)
}
func (r *recorder) SessionOpenFailed(v OpenFailure) {
	r.add("open failed "+v.String(), 1)
	r.mind(func(m *manners) []string { return m.openFailed(v) })
}
func (r *recorder) SessionClosed(v CloseReason) { r.add("closed "+v.String(), 1) }
func (r *recorder) SessionAbandoned()           { r.add("abandoned", 1) }
func (r *recorder) SwitchedOver()               { r.add("switchovers", 1) }
func (r *recorder) AlternateHostRejected()      { r.add("rejected", 1) }
func (r *recorder) BreakerChanged(to BreakerState) {
	r.add("breaker "+to.String(), 1)
	r.mind(func(m *manners) []string { return m.breakerChanged(to) })
}
func (r *recorder) BreakerRejected() { r.add("breaker rejections", 1) }
func (r *recorder) SubscriptionLost(of Subscription, v LossReason) {
	r.add(about(of)+"lost "+v.String(), 1)
	if of == StatusMessages {
		r.mind(func(m *manners) []string { return m.lost(v) })
	}
}
func (r *recorder) DeliveryChecked(of Subscription, c DeliveryCheck) {
	r.add(about(of)+"check "+c.Result.String(), 1)
	r.add(about(of)+"drift", c.Drift)
}
func (r *recorder) Delivered(of Subscription, took time.Duration) {
	r.add(about(of)+"delivered", 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if of == StatusMessages {
		r.longest = max(r.longest, took)
		r.manners.delivered = true
	}
}

// deliveries are how many were measured, and the longest.
func (r *recorder) deliveries() (n int, longest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts["delivered"], r.longest
}
func (r *recorder) MessageReceived(of Subscription, v MessageKind) {
	r.add(about(of)+"message "+v.String(), 1)
}
func (r *recorder) MessageDecodeFailed(of Subscription) { r.add(about(of)+"decode failures", 1) }
func (r *recorder) Resynced(of Subscription, v ResyncReason) {
	r.add(about(of)+"resync "+v.String(), 1)
}
func (r *recorder) UsersMoved(_ string, n int) { r.add("users moved", n) }

// about keeps the events of the subscription that may fail apart.
func about(of Subscription) string {
	if of == StatusMessages {
		return ""
	}
	return "users: "
}

func (r *recorder) CatalogueCommitted(c catalogue.Result) {
	for change := range catalogue.NumChanges {
		r.add(catalogue.Change(change).String(), c.Changes[change])
	}
}
