package probe

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

// What a History keeps: so many of each, and so many bytes of them. Together they
// are less than 20 kB a server, whatever the server says.
const (
	maxEvents, maxEventBytes       = 40, 15 << 8
	maxFailures, maxFailureBytes   = 40, 3 << 10
	maxSuccesses, maxSuccessBytes  = 25, 5 << 9
	maxChecks, maxCheckBytes       = 20, 3 << 9
	maxLogLines, maxLogBytes       = 60, 17 << 8
	maxHistoryText, maxHistoryName = 400, 128
)

// Event is a change in the life of a probe.
type Event struct {
	At time.Time
	// Subject is what changed: state, session, subscription (to the status messages),
	// another subscription by its name, breaker or host.
	Subject string
	// Became is what it is now, in the words of the metrics.
	Became string
	// Reason says why, when there is something to say.
	Reason string
}

func (e Event) bytes() int { return 72 + len(e.Reason) }

// Request is one request as it went, or several in a row that went alike.
type Request struct {
	// At is when it ended, the last of them.
	At        time.Time
	Operation icws.Operation
	Host      string
	// Code is 0 when no headers came.
	Code    int
	ErrorID string
	// Failure is why there was no usable answer (icws_request_failures_total);
	// empty when there was one.
	Failure string
	// Duration is that of the last of them; 0 for a stream that broke.
	Duration time.Duration
	// Times counts the requests that went alike.
	Times int
}

func (r Request) bytes() int { return 112 + len(r.Host) + len(r.ErrorID) }

// alike reports whether the two differ in nothing but their time.
func (r Request) alike(o Request) bool {
	return r.Operation == o.Operation && r.Host == o.Host && r.Code == o.Code && r.ErrorID == o.ErrorID && r.Failure == o.Failure
}

// Check is one delivery check of the status messages.
type Check struct {
	At     time.Time
	Result CheckResult
	// Took is the time from the first PUT to the full message, or that of reading the
	// list; 0 when neither came.
	Took time.Duration
	// Drift counts the entries that the check corrected, and DriftIDs are some.
	Drift    int
	DriftIDs string
}

func (c Check) bytes() int { return 72 + len(c.DriftIDs) }

// Outage is the time in which a probe is not live, however often it tries.
type Outage struct {
	// Since is when the probe was last live, or when it first did something; zero
	// while it is live.
	Since time.Time
	// Reason is the last that was given for one of its states since then.
	Reason string
}

// Recent is what a History holds, newest first. Nobody changes it afterwards.
type Recent struct {
	Events []Event
	// Failures are requests that were refused or had no usable answer. They have a
	// list of their own, so that successes do not push them out.
	Failures, Successes []Request
	Checks              []Check
	Log                 []LogLine
}

// History is an Observer that remembers what happened lately to one server, for
// the people who look at its page, and passes everything on. Any goroutine may use
// it. A nil History has nothing to tell.
type History struct {
	Observer
	screen *secret.Screen

	mu        sync.Mutex
	events    recent[Event]
	failures  recent[Request]
	successes recent[Request]
	checks    recent[Check]
	log       recent[LogLine]
	outage    Outage
	states    stateMinutes
	breaker   BreakerState // closed or open
	logText   bytes.Buffer
	minutes   *[60]minute // nil before the first request
}

// NewHistory makes an empty history before next, with a screen of its own.
func NewHistory(next Observer) *History {
	return &History{
		Observer:  next,
		screen:    secret.NewScreen(),
		events:    recent[Event]{most: maxEvents, mostBytes: maxEventBytes},
		failures:  recent[Request]{most: maxFailures, mostBytes: maxFailureBytes},
		successes: recent[Request]{most: maxSuccesses, mostBytes: maxSuccessBytes},
		checks:    recent[Check]{most: maxChecks, mostBytes: maxCheckBytes},
		log:       recent[LogLine]{most: maxLogLines, mostBytes: maxLogBytes},
	}
}

// Screen returns the screen that all that is remembered has gone through, for the
// probe to teach it and for whoever shows other texts of the same server.
func (h *History) Screen() *secret.Screen {
	if h == nil {
		return nil
	}
	return h.screen
}

// shown is a text from outside as it may be shown, cut to a length.
func (h *History) shown(text string, most int) string { return shortened(h.screen.Show(text), most) }

// Recent returns what happened lately.
func (h *History) Recent() Recent {
	if h == nil {
		return Recent{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return Recent{
		Events:    h.events.newestFirst(),
		Failures:  h.failures.newestFirst(),
		Successes: h.successes.newestFirst(),
		Checks:    h.checks.newestFirst(),
		Log:       h.log.newestFirst(),
	}
}

// Exchange remembers one request. One that we broke off ourselves says nothing
// about the server.
func (h *History) Exchange(e icws.Exchange) {
	h.Observer.Exchange(e)
	if e.Failed() && e.Reason == icws.FailCanceled {
		return
	}
	r := Request{
		At: e.Start.Add(e.Duration), Operation: e.Operation, Host: h.shown(e.Host, maxHistoryName),
		Code: e.Code, ErrorID: h.shown(e.ErrorID, maxHistoryName), Duration: e.Duration, Times: 1,
	}
	if e.Failed() {
		r.Failure = e.Reason.String()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.countAnswer(r.At, e.Code)
	if e.Err != nil {
		addRequest(&h.failures, r)
	} else {
		addRequest(&h.successes, r)
	}
}

// addRequest adds r, or counts it with the last one that went alike.
func addRequest(list *recent[Request], r Request) {
	if last := list.last(); last != nil && last.alike(r) {
		last.At, last.Duration = r.At, r.Duration
		last.Times++
		return
	}
	list.add(r)
}

// StreamBroke remembers the end of a stream as a failed request.
func (h *History) StreamBroke(why icws.FailureReason) {
	h.Observer.StreamBroke(why)
	h.mu.Lock()
	defer h.mu.Unlock()
	addRequest(&h.failures, Request{At: time.Now(), Operation: icws.OpStream, Failure: why.String(), Times: 1})
}

// StateChanged remembers a change of the probe's state.
func (h *History) StateChanged(to State, reason string) {
	h.Observer.StateChanged(to, reason)
	h.note("state", to.String(), reason)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states.change(to, time.Now())
	if to == StateLive {
		h.outage = Outage{}
		return
	}
	if h.outage.Since.IsZero() {
		h.outage.Since = time.Now()
	}
	if reason != "" {
		h.outage.Reason = h.shown(reason, maxHistoryText)
	}
}

// Outage returns since when the probe is not live, and why; nothing when it is.
func (h *History) Outage() Outage {
	if h == nil {
		return Outage{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.outage
}

// SessionClosed remembers the end of a session.
func (h *History) SessionClosed(why CloseReason) {
	h.Observer.SessionClosed(why)
	h.note("session", "closed", why.String())
}

// SubscriptionLost remembers the loss of a subscription.
func (h *History) SubscriptionLost(of Subscription, why LossReason) {
	h.Observer.SubscriptionLost(of, why)
	subject := "subscription"
	if of != StatusMessages {
		subject = of.String()
	}
	h.note(subject, "lost", why.String())
}

// BreakerChanged remembers that the circuit breaker opened or closed. The tries in
// between would push out how the outage began.
func (h *History) BreakerChanged(to BreakerState) {
	h.Observer.BreakerChanged(to)
	h.mu.Lock()
	before := h.breaker
	if to != BreakerHalfOpen {
		h.breaker = to
	}
	h.mu.Unlock()
	if to != BreakerHalfOpen && to != before {
		h.note("breaker", to.String(), "")
	}
}

// SwitchedOver remembers that the session moved to another host.
func (h *History) SwitchedOver() {
	h.Observer.SwitchedOver()
	h.note("host", "switched_over", "")
}

func (h *History) note(subject, became, reason string) {
	e := Event{At: time.Now(), Subject: subject, Became: became, Reason: h.shown(reason, maxHistoryText)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events.add(e)
}

// DeliveryChecked remembers a delivery check of the status messages. Those of
// other subscriptions would push them out; how these go the Snapshot says.
func (h *History) DeliveryChecked(of Subscription, c DeliveryCheck) {
	h.Observer.DeliveryChecked(of, c)
	if of != StatusMessages {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks.add(Check{
		At: time.Now(), Result: c.Result, Took: c.Took, Drift: c.Drift,
		DriftIDs: h.shown(strings.Join(loggable(c.IDs), ", "), maxHistoryText),
	})
}

// DriftSince counts the drift of the status messages that the remembered checks after t found.
func (h *History) DriftSince(t time.Time) int {
	if h == nil {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, c := range h.checks.items {
		if c.At.After(t) {
			n += c.Drift
		}
	}
	return n
}

// recent is a list that forgets its oldest items once it has too many of them, or
// too many bytes.
type recent[T interface{ bytes() int }] struct {
	items           []T
	held            int
	most, mostBytes int
}

func (l *recent[T]) add(item T) {
	l.items = append(l.items, item)
	l.held += item.bytes()
	forgotten := 0
	for len(l.items)-forgotten > l.most || l.held > l.mostBytes && forgotten < len(l.items)-1 {
		l.held -= l.items[forgotten].bytes()
		forgotten++
	}
	l.items = slices.Delete(l.items, 0, forgotten)
}

// last returns the newest item, or nil. Its bytes must not be changed.
func (l *recent[T]) last() *T {
	if len(l.items) == 0 {
		return nil
	}
	return &l.items[len(l.items)-1]
}

func (l *recent[T]) newestFirst() []T {
	items := slices.Clone(l.items)
	slices.Reverse(items)
	return items
}

// shortened cuts a text to a length, and keeps no longer one alive.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(strings.Clone(text[:most]), "") + "…"
}
