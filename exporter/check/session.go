package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/config"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// sessionStep is a step of a session.
type sessionStep struct {
	name string
	look func(*sessionCheck, context.Context) finding
	// wanted says which servers have the step; nil: all.
	wanted func(config.Server) bool
}

// sessionSteps are the steps of a session, without those that end it.
var sessionSteps = []sessionStep{
	{StepFeatures, (*sessionCheck).features, nil},
	{StepTransport, (*sessionCheck).transport, nil},
	{StepStream, (*sessionCheck).stream, nil},
	{StepSubscribe, (*sessionCheck).subscribe, nil},
	{StepFirstMessage, (*sessionCheck).firstMessage, nil},
	{StepStatusList, (*sessionCheck).statusList, nil},
	{StepSecondSubscribe, (*sessionCheck).secondSubscribe, nil},
	{StepSwitchover, (*sessionCheck).switchover, nil},
	{StepUsers, (*sessionCheck).users, config.Server.CountsUsers},
	{StepLicences, (*sessionCheck).licences, func(s config.Server) bool { return s.Licences }},
	{StepObserve, (*sessionCheck).observe, nil},
}

// sessionSteps are those of the server.
func (e *examination) sessionSteps() []sessionStep {
	return slices.DeleteFunc(slices.Clone(sessionSteps), func(s sessionStep) bool { return s.wanted != nil && !s.wanted(e.server) })
}

func (e *examination) skipSession(reason string) {
	e.note(skipped(reason).step(StepLogOn, "", 0))
	e.skipAfterLogOn(reason)
}

func (e *examination) skipAfterLogOn(reason string) {
	for _, s := range e.sessionSteps() {
		e.note(skipped(reason).step(s.name, "", 0))
	}
	e.note(skipped(reason).step(StepUnsubscribe, "", 0))
	e.note(skipped(reason).step(StepDisconnect, "", 0))
}

// sessionCheck drives the probe's own session and looks at what that says and does.
type sessionCheck struct {
	*examination
	probe   *probe.Probe
	visit   *probe.Visit
	session *icws.Session
	seen    *witness

	noStream   bool // and none can be had
	subscribed bool // a PUT was accepted
	delivered  bool // the first full message came
}

// session logs on, looks at everything that needs a session, and leaves.
func (e *examination) session(ctx context.Context) {
	v := &sessionCheck{examination: e, seen: &witness{}}
	cfg := e.server.Probe(e.opts.Limits)
	cfg.Hosts = e.logOnHosts()
	p, err := probe.New(cfg, probe.Options{
		NewTransport: e.transport, Observer: v.seen, UserAgent: e.opts.UserAgent, Screen: e.screen, BeforeLogOn: e.mayLogOn,
	})
	if err != nil {
		e.step(StepLogOn, func() finding { return broken(err) })
		e.skipAfterLogOn("there is no session")
		return
	}
	v.probe, v.visit = p, p.Visit()
	e.step(StepLogOn, func() finding { return v.logOn(ctx, cfg) })
	if v.session == nil {
		v.visit.Leave(ctx)
		e.skipAfterLogOn("there is no session")
		return
	}
	for _, s := range e.sessionSteps() {
		e.step(s.name, func() finding {
			if ctx.Err() != nil {
				return interrupted()
			}
			return s.look(v, ctx)
		})
	}
	v.leave(ctx)
}

func interrupted() finding { return failed("interrupted", advise(advice.Interrupted, "")) }

// logOn makes one round over the hosts.
func (v *sessionCheck) logOn(ctx context.Context, cfg probe.Config) finding {
	if ctx.Err() != nil {
		return interrupted()
	}
	session, err := v.visit.LogOn(ctx)
	if err != nil {
		f := broken(err)
		if refused := refusedHosts(cfg, err); len(refused) > 0 {
			f.advice += fmt.Sprintf("; not tried: %s, because %s", list(refused), v.whyNot())
		}
		return f
	}
	v.session = session
	return v.loggedOn(cfg, v.probe.Snapshot().ActiveHost())
}

// refusedHosts are those that the answers to a log-on name and that may not get the
// password.
func refusedHosts(cfg probe.Config, err error) []string {
	var round *icws.RoundError
	if !errors.As(err, &round) {
		return nil
	}
	var refused []string
	for _, attempt := range round.Attempts {
		var response *icws.ResponseError
		if !errors.As(attempt.Err, &response) {
			continue
		}
		for _, host := range response.AlternateHosts {
			if !cfg.Permits(host) && !slices.Contains(refused, host) {
				refused = append(refused, host)
			}
		}
	}
	return refused
}

// logOnHosts are the configured hosts that may get the password.
func (e *examination) logOnHosts() []string {
	return slices.DeleteFunc(slices.Clone(e.server.Hosts), func(host string) bool {
		mayBe, looked := e.mayBeICWS[host]
		return looked && !mayBe
	})
}

// mayLogOn keeps the password from a host that a server listed and that is no ICWS;
// the configured ones were looked at before.
func (e *examination) mayLogOn(ctx context.Context, host string, c *icws.Client) error {
	if _, looked := e.mayBeICWS[host]; looked {
		return nil
	}
	if _, err := c.Version(ctx); !mayBeICWS(err) {
		return &notICWSError{err}
	}
	return nil
}

func (v *sessionCheck) loggedOn(cfg probe.Config, host string) finding {
	s := v.session
	text := fmt.Sprintf("a session on %s", host)
	if s.ICServer() != "" {
		text += ", IC server " + s.ICServer()
	}
	var refused []string
	if others := s.AlternateHosts(); len(others) > 0 {
		text += ", other hosts " + list(others)
		for _, other := range others {
			if !cfg.Permits(other) {
				refused = append(refused, other)
			}
		}
	}
	days := s.DaysUntilPasswordExpiration()
	if days != nil {
		text += fmt.Sprintf(", the password expires in %d days", *days)
	}
	switch {
	case days != nil && time.Duration(*days)*24*time.Hour < advice.PasswordSoon:
		return warned(text, advise(advice.PasswordExpiring, ""))
	case len(refused) > 0:
		return warned(text, fmt.Sprintf("after a switchover these would not be tried: %s, because %s", list(refused), v.whyNot()))
	default:
		return good("%s", text)
	}
}

// whyNot says why a host that the server lists would get no password.
func (v *sessionCheck) whyNot() string {
	if strings.Contains(v.server.URL, "{host}") {
		return advise(advice.NotPermitted, "")
	}
	return advise(advice.NotMovable, "{host}")
}

func (v *sessionCheck) features(context.Context) finding {
	features := v.session.Features()
	if len(features) == 0 {
		return warned("the server did not list its features", advise(advice.NoFeatures, ""))
	}
	var versions []string
	for _, name := range []string{"connection", "messaging", "status"} {
		versions = append(versions, name+" "+strconv.Itoa(features[name]))
	}
	text := fmt.Sprintf("%s, of %d features", list(versions), len(features))
	if features["status"] < 1 {
		return warned(text, advise(advice.NoStatusFeature, ""))
	}
	return good("%s", text)
}

func (v *sessionCheck) transport(context.Context) finding {
	version := v.session.Feature("messaging")
	can := fmt.Sprintf("the server has messaging %d, streaming needs %d", version, icws.MessagingWithStream)
	switch mode := v.server.Transport; {
	case mode == probe.ModePoll:
		return good("polling every %s, as configured", model.Duration(v.server.PollInterval))
	case mode == probe.ModeSSE && version < icws.MessagingWithStream:
		return warned("event stream, as configured; "+can, advise(advice.NoStreaming, ""))
	case mode == probe.ModeSSE:
		return good("event stream, as configured")
	case version >= icws.MessagingWithStream:
		return good("event stream: %s", can)
	default:
		return good("polling every %s: %s", model.Duration(v.server.PollInterval), can)
	}
}

// switchover asks for what only newer servers have and no metric needs.
func (v *sessionCheck) switchover(ctx context.Context) finding {
	if have := v.session.Feature("connection"); have < icws.ConnectionWithSwitchover {
		return skipped(fmt.Sprintf("the server has connection %d, this needs %d", have, icws.ConnectionWithSwitchover))
	}
	status, err := v.visit.Switchover(ctx)
	if err != nil {
		return tolerated(err)
	}
	text := "primary " + status.PrimaryHost
	if status.BackupHost != "" {
		text += ", backup " + status.BackupHost
	} else {
		text += ", no backup"
	}
	switch {
	case status.Active:
		return warned(text+", a switchover is under way", advise(advice.SwitchoverUnderWay, ""))
	case len(status.SubsystemsDown) > 0:
		return warned(text+", subsystems down: "+list(status.SubsystemsDown), advise(advice.SubsystemsDown, ""))
	default:
		return good("%s", text)
	}
}

// leave ends what the session began, also after ctx has ended: a session left
// behind costs the server a slot. The probe says how: it tries again what fails.
func (v *sessionCheck) leave(ctx context.Context) {
	start := time.Now()
	v.seen.forget(icws.OpUnsubscribe) // a renewal is none
	ended := v.visit.Leave(ctx)
	took := time.Since(start)
	unsubscribe := good("removed")
	switch x, asked := v.seen.last(icws.OpUnsubscribe); {
	case !asked:
		unsubscribe = skipped("there is no subscription")
	case x.Err != nil:
		unsubscribe = tolerated(x.Err)
	}
	x, asked := v.seen.last(icws.OpDisconnect)
	v.note(unsubscribe.step(StepUnsubscribe, "", min(took, v.seen.took(icws.OpUnsubscribe))))
	v.note(disconnected(x, asked, ended).step(StepDisconnect, "", took))
}

func disconnected(x icws.Exchange, asked, ended bool) finding {
	switch {
	case !asked:
		return good("the server has ended the session itself")
	case ended && x.Err == nil:
		return good("the session has ended")
	case ended:
		detail, _ := explain(x.Err)
		return warned(detail, advise(advice.SessionMayBeLeft, ""))
	default:
		detail, _ := explain(x.Err)
		return failed(detail, advise(advice.SessionLeft, ""))
	}
}

// witness notes what the probe does and hears. It is told on several goroutines.
type witness struct {
	unobserved

	mu        sync.Mutex
	exchanges [icws.NumOperations]*icws.Exchange // the last of each operation
	kinds     [probe.NumMessageKinds]int
	drift     int
	pings     int
	lastPing  time.Time
	longest   time.Duration // between two pings
}

// Exchange notes how an operation went.
func (w *witness) Exchange(x icws.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges[x.Operation] = &x
}

// MessageReceived counts a message.
func (w *witness) MessageReceived(_ probe.Subscription, kind probe.MessageKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kinds[kind]++
}

// DeliveryChecked notes what differed.
func (w *witness) DeliveryChecked(of probe.Subscription, c probe.DeliveryCheck) {
	if of != probe.StatusMessages {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drift = c.Drift
}

// StreamHeartbeat notes a ping.
func (w *witness) StreamHeartbeat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !w.lastPing.IsZero() {
		w.longest = max(w.longest, now.Sub(w.lastPing))
	}
	w.pings++
	w.lastPing = now
}

func (w *witness) last(op icws.Operation) (x icws.Exchange, happened bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.exchanges[op] == nil {
		return x, false
	}
	return *w.exchanges[op], true
}

func (w *witness) took(op icws.Operation) time.Duration {
	x, _ := w.last(op)
	return x.Duration
}

func (w *witness) forget(op icws.Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges[op] = nil
}

// counted returns how many messages of each kind came so far.
func (w *witness) counted() [probe.NumMessageKinds]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kinds
}

// pinged says how often the stream pinged.
func (w *witness) pinged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.pings {
	case 0:
		return "no ping"
	case 1:
		return "1 ping"
	default:
		return fmt.Sprintf("%d pings, at most %s apart", w.pings, w.longest.Round(10*time.Millisecond))
	}
}
