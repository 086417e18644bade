package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"icws_exporter/exporter/config"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

const (
	// logOnGrace is how long a log-on under way may go on after an interrupt: a
	// session whose 201 nobody reads could not be ended.
	logOnGrace = 2 * time.Second
	// leaveTimeout bounds each request that ends something.
	leaveTimeout = 3 * time.Second
	// fewDays is how long before its end a password is warned of.
	fewDays = 14
)

// sessionSteps are the steps of a session, without those that end it.
var sessionSteps = []struct {
	name string
	look func(*visitor, context.Context) finding
}{
	{StepFeatures, (*visitor).features},
	{StepTransport, (*visitor).transport},
	{StepStream, (*visitor).stream},
	{StepSubscribe, (*visitor).subscribe},
	{StepFirstMessage, (*visitor).firstMessage},
	{StepStatusList, (*visitor).statusList},
	{StepSecondSubscribe, (*visitor).secondSubscribe},
	{StepSwitchover, (*visitor).switchover},
	{StepObserve, (*visitor).observe},
}

func (e *examination) skipSession(reason string) {
	e.note(skipped(reason).step(StepLogOn, "", 0))
	e.skipAfterLogOn(reason)
}

func (e *examination) skipAfterLogOn(reason string) {
	for _, s := range sessionSteps {
		e.note(skipped(reason).step(s.name, "", 0))
	}
	e.note(skipped(reason).step(StepUnsubscribe, "", 0))
	e.note(skipped(reason).step(StepDisconnect, "", 0))
}

// visitor is one session and what is known in it.
type visitor struct {
	*examination
	session *icws.Session
	pings   *pings

	streams    bool   // we want the event stream
	source     source // nil: none
	asked      bool   // a PUT was sent and not refused: there may be a subscription
	subscribed bool   // a PUT was accepted
	delivered  bool   // the first full message came
	full       message
}

// session logs on, looks at everything that needs a session, and leaves.
func (e *examination) session(ctx context.Context, password config.Secret) {
	v := &visitor{examination: e, pings: new(pings)}
	e.step(StepLogOn, func() finding { return v.logOn(ctx, password) })
	if v.session == nil {
		e.skipAfterLogOn("there is no session")
		return
	}
	for _, s := range sessionSteps {
		e.step(s.name, func() finding {
			if ctx.Err() != nil {
				return failed("interrupted", "run the check again")
			}
			return s.look(v, ctx)
		})
	}
	v.leave(ctx)
}

// logOn makes one round over the hosts.
func (v *visitor) logOn(ctx context.Context, password config.Secret) finding {
	if ctx.Err() != nil {
		return failed("interrupted", "run the check again")
	}
	cfg := v.server.Probe(v.opts.Limits)
	var rejected []string
	round := icws.Round{
		Hosts: v.logOnHosts(),
		Client: func(host string) (*icws.Client, error) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return v.logOnClient(ctx, host)
		},
		Permit:   cfg.Permits,
		Rejected: func(host string) { rejected = append(rejected, host) },
	}
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(logOnGrace, cancel) })()
	host, session, err := round.Connect(late, icws.Credentials{User: v.server.User, Password: password})
	if err != nil {
		f := broken(err)
		if len(rejected) > 0 {
			f.advice += fmt.Sprintf("; not tried: %s, because %s", list(rejected), v.whyNot())
		}
		return f
	}
	v.session = session
	return v.loggedOn(cfg, host)
}

// logOnHosts are the configured hosts that may get the password.
func (e *examination) logOnHosts() []string {
	return slices.DeleteFunc(slices.Clone(e.server.Hosts), func(host string) bool {
		mayBe, looked := e.mayBeICWS[host]
		return looked && !mayBe
	})
}

// logOnClient is the client of a host that is to get the password. One that a server
// listed was not looked at before.
func (v *visitor) logOnClient(ctx context.Context, host string) (*icws.Client, error) {
	client, err := v.client(host, v.pings.note)
	if _, looked := v.mayBeICWS[host]; err != nil || looked {
		return client, err
	}
	if _, err := client.Version(ctx); !mayBeICWS(err) {
		client.Close()
		return nil, &notICWSError{err}
	}
	return client, nil
}

func (v *visitor) loggedOn(cfg probe.Config, host string) finding {
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
	case days != nil && *days < fewDays:
		return warned(text, "give the user a password that does not expire, or renew it in time")
	case len(refused) > 0:
		return warned(text, fmt.Sprintf("after a switchover these would not be tried: %s, because %s", list(refused), v.whyNot()))
	default:
		return good("%s", text)
	}
}

// whyNot says why a host that the server lists would get no password.
func (v *visitor) whyNot() string {
	if strings.Contains(v.server.URL, "{host}") {
		return "allowed_hosts does not permit that; add them to hosts or to allowed_hosts"
	}
	return "the url has no {host}; write {host} where the host stands, and all of them into hosts"
}

// Versions of features that decide something (protocol.md, 3.2 and 1.7).
const (
	streamingMessaging   = 2
	switchoverConnection = 11
)

func (v *visitor) features(context.Context) finding {
	features := v.session.Features()
	if len(features) == 0 {
		return warned("the server did not list its features", "an old server: the exporter polls it, and cannot see its switchover status")
	}
	var versions []string
	for _, name := range []string{"connection", "messaging", "status"} {
		versions = append(versions, name+" "+strconv.Itoa(features[name]))
	}
	text := fmt.Sprintf("%s, of %d features", list(versions), len(features))
	if features["status"] < 1 {
		return warned(text, "status messages are not among the features; the subscription may be refused")
	}
	return good("%s", text)
}

func (v *visitor) transport(context.Context) finding {
	version := v.session.Feature("messaging")
	can := fmt.Sprintf("the server has messaging %d, streaming needs %d", version, streamingMessaging)
	switch mode := v.server.Transport; {
	case mode == probe.ModePoll:
		return good("polling every %s, as configured", v.server.PollInterval)
	case mode == probe.ModeSSE && version < streamingMessaging:
		v.streams = true
		return warned("event stream, as configured; "+can, "set transport to auto")
	case mode == probe.ModeSSE:
		v.streams = true
		return good("event stream, as configured")
	case version >= streamingMessaging:
		v.streams = true
		return good("event stream: %s", can)
	default:
		return good("polling every %s: %s", v.server.PollInterval, can)
	}
}

// switchover asks for what only newer servers have and no metric needs.
func (v *visitor) switchover(ctx context.Context) finding {
	if have := v.session.Feature("connection"); have < switchoverConnection {
		return skipped(fmt.Sprintf("the server has connection %d, this needs %d", have, switchoverConnection))
	}
	status, err := v.session.SwitchoverStatus(ctx)
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
		return warned(text+", a switchover is under way", "wait until it has ended, then check again")
	case len(status.SubsystemsDown) > 0:
		return warned(text+", subsystems down: "+list(status.SubsystemsDown), "look at them on the IC server")
	default:
		return good("%s", text)
	}
}

// leave ends what the session began, also after ctx has ended: a session left
// behind costs the server a slot.
func (v *visitor) leave(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if v.source != nil {
		v.source.close()
	}
	v.step(StepUnsubscribe, func() finding {
		if !v.asked {
			return skipped("there is no subscription")
		}
		err := bounded(ctx, func(ctx context.Context) error { return v.session.Unsubscribe(ctx, icws.StatusMessages) })
		if err != nil {
			return tolerated(err)
		}
		return good("removed")
	})
	v.step(StepDisconnect, func() finding { return v.disconnect(ctx) })
}

// disconnect tries twice: whatever broke the steps before may break the first.
func (v *visitor) disconnect(ctx context.Context) finding {
	const kept = "the session stays on the server until it expires there, and costs it a slot until then"
	err := bounded(ctx, v.session.Disconnect)
	if err != nil && !isUnauthorized(err) {
		err = bounded(ctx, v.session.Disconnect)
	}
	switch {
	case err == nil:
		return good("the session has ended")
	case isUnauthorized(err):
		detail, _ := explain(err)
		return warned(detail, "the server had ended the session itself; or a proxy lost its cookie, and "+kept)
	default:
		detail, _ := explain(err)
		return failed(detail, kept)
	}
}

func isUnauthorized(err error) bool {
	var response *icws.ResponseError
	return errors.As(err, &response) && response.Code == http.StatusUnauthorized
}

func bounded(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	return call(ctx)
}

// pings counts the heartbeats of a stream. The stream's reader writes it.
type pings struct {
	count         atomic.Int64
	last, longest atomic.Int64 // nanoseconds; the longest gap
}

func (p *pings) note() {
	now := time.Now().UnixNano()
	if last := p.last.Swap(now); last != 0 {
		p.longest.Store(max(p.longest.Load(), now-last))
	}
	p.count.Add(1)
}

func (p *pings) String() string {
	switch n := p.count.Load(); n {
	case 0:
		return "no ping"
	case 1:
		return "1 ping"
	default:
		return fmt.Sprintf("%d pings, at most %s apart", n, time.Duration(p.longest.Load()).Round(10*time.Millisecond))
	}
}
