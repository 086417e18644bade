package check

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe/icws"
)

// hosts looks at every configured host, and reports whether one answered.
func (e *examination) hosts(ctx context.Context) (reached bool) {
	for _, host := range e.server.Hosts {
		if e.host(ctx, host) {
			reached = true
		}
	}
	return reached
}

// host asks one host for its version over a connection of its own and looks on:
// so the name, the port and the certificate are seen the way the exporter goes,
// through a proxy too.
func (e *examination) host(ctx context.Context, host string) (reached bool) {
	client, err := e.client(host)
	if err != nil {
		return e.note(broken(err).step(StepVersion, host, 0))
	}
	defer client.Close()
	base, err := icws.ExpandURL(e.server.URL, host)
	if err != nil {
		return e.note(broken(err).step(StepVersion, host, 0))
	}
	t := &trace{}
	start := time.Now()
	version, err := client.Version(httptrace.WithClientTrace(ctx, t.hooks()))
	l := &hostLook{host: host, base: base, byFlags: e.server.ByFlags, proxy: e.server.HTTP.ProxyURL.URL(), trace: t.seen(), version: version, err: err, took: time.Since(start)}
	for _, s := range l.steps() {
		e.note(s)
	}
	e.mayBeICWS[host] = mayBeICWS(err)
	return l.answered()
}

// mayBeICWS reports whether the answer to the question for the version leaves it
// open that ICWS is there. What is certainly something else gets no password.
func mayBeICWS(err error) bool {
	var response *icws.ResponseError
	switch {
	case err == nil:
		return true
	case errors.As(err, &response):
		isICWSError := response.ErrorID != "" || response.ErrorCode != 0
		return isICWSError || response.Code >= 500 || response.Code == http.StatusTooManyRequests
	}
	switch icws.ReasonOf(err) {
	case icws.FailTimeout, icws.FailDNS, icws.FailRefused, icws.FailReset, icws.FailCanceled:
		return true // nothing answered
	default:
		return false
	}
}

// hostLook is what was seen of one host.
type hostLook struct {
	host    string
	base    *url.URL
	byFlags bool
	proxy   *url.URL // nil: direct
	trace   seen
	version icws.Version
	err     error
	took    time.Duration
}

// answered reports whether the host spoke HTTP with us, whatever it said.
func (l *hostLook) answered() bool {
	var response *icws.ResponseError
	var request *icws.RequestError
	switch {
	case l.err == nil, errors.As(l.err, &response):
		return true
	default:
		return errors.As(l.err, &request) && request.Code != 0
	}
}

func (l *hostLook) steps() []Step {
	// The name and the port are those of whom we connect to.
	near, address := l.host, l.base.Hostname()
	var steps []Step
	if l.proxy != nil {
		near, address = "proxy "+l.proxy.Host, l.proxy.Hostname()
		reason := "the proxy " + l.proxy.Host + " looks the name up and connects (to one server for a whole session, if the name has several); the steps of the proxy follow"
		steps = append(steps, skipped(reason).step(StepDNS, l.host, 0), skipped(reason).step(StepTCP, l.host, 0))
	}
	dns, dnsTook := l.dns(address)
	steps = append(steps, dns.step(StepDNS, near, dnsTook))
	tcp, tcpTook := l.tcp(dns)
	steps = append(steps, tcp.step(StepTCP, near, tcpTook))
	secure, tlsTook := l.tls(tcp)
	steps = append(steps, secure.step(StepTLS, l.host, tlsTook))
	answer := l.answer(secure)
	return append(steps, answer.step(StepVersion, l.host, l.took-dnsTook-tcpTook-tlsTook))
}

func (l *hostLook) dns(address string) (finding, time.Duration) {
	lookup := l.trace.dns
	switch _, err := netip.ParseAddr(address); {
	case !lookup.begun && err == nil:
		return good("%s is an address", address), 0
	case !lookup.begun:
		return l.unfinished(), 0
	case !lookup.ended:
		return l.unfinished(), l.took
	case lookup.err != nil:
		return broken(lookup.err), lookup.took
	case len(lookup.addresses) > 1:
		return good("%s has %d addresses: %s; each session stays on the one that takes its log-on",
			address, len(lookup.addresses), list(lookup.addresses)), lookup.took
	default:
		return good("%s is %s", address, list(lookup.addresses)), lookup.took
	}
}

func (l *hostLook) tcp(dns finding) (finding, time.Duration) {
	connect := l.trace.tcp
	switch {
	case dns.status == Failed:
		return skipped("the name is not known"), 0
	case !connect.begun || !connect.ended:
		return l.unfinished(), connect.took
	case connect.err != nil:
		f := broken(connect.err)
		f.detail = "no connection to " + list(connect.addresses) + ": " + f.detail
		return f, connect.took
	default:
		return good("connected to %s", list(connect.addresses)), connect.took
	}
}

// urlName is what the operator calls the URL.
func (l *hostLook) urlName() string {
	if l.byFlags {
		return "--server"
	}
	return "the url"
}

// unfinished is the finding for what ended with the whole request.
func (l *hostLook) unfinished() finding {
	if l.err == nil {
		return skipped("not seen")
	}
	return broken(l.err)
}

func (l *hostLook) tls(tcp finding) (finding, time.Duration) {
	handshakes := l.trace.tls
	if l.proxy != nil && l.proxy.Scheme == "https" && len(handshakes) > 0 {
		if first := handshakes[0]; first.err != nil {
			detail, what := explainTLS(first.err, l.proxy)
			return failed("the handshake with the proxy failed: "+detail, what), first.took
		}
		handshakes = handshakes[1:]
	}
	switch {
	case tcp.status != OK:
		return skipped("there is no connection"), 0
	case l.base.Scheme == "http":
		return warned("not used: "+l.urlName()+" begins with http://", advise(advice.PlainHTTP, "")), 0
	case len(handshakes) == 0 && l.proxy != nil:
		detail, _ := explain(l.err)
		return failed("the proxy opened no way to "+l.base.Host+": "+detail,
			advise(advice.ProxyClosed, "")), 0
	case len(handshakes) == 0:
		return l.unfinished(), 0
	}
	last := handshakes[len(handshakes)-1]
	if last.err != nil {
		return failed(explainTLS(last.err, l.base)), last.took
	}
	return certificateFinding(last.state, time.Now()), last.took
}

func (l *hostLook) answer(secure finding) finding {
	switch {
	case secure.status == Failed || secure.status == Skipped:
		return skipped("there is no connection")
	case l.err == nil && l.version.ProductID != "":
		return good("%s %s", l.version.ProductID, l.version.Release())
	case l.err == nil:
		return good("%s", l.version.Release())
	}
	f := broken(l.err)
	if l.base.Scheme == "http" && l.looksSecure() {
		return failed(f.detail, advise(advice.SpeaksTLS, ""))
	}
	var response *icws.ResponseError
	if errors.As(l.err, &response) && response.Code == http.StatusProxyAuthRequired {
		return failed(f.detail, advise(advice.ProxyWants, ""))
	}
	return f
}

// looksSecure reports whether a server answered plain HTTP as a TLS server may do.
// Some say nothing, and hang up.
func (l *hostLook) looksSecure() bool {
	return errors.Is(l.err, icws.ErrSpeaksTLS) || icws.ReasonOf(l.err) == icws.FailReset
}

// phase is one part of a connection attempt.
type phase struct {
	begun, ended bool
	start        time.Time
	took         time.Duration
	err          error
	addresses    []string
}

func (p *phase) end(now time.Time, err error) {
	p.ended, p.took, p.err = true, now.Sub(p.start), err
}

type handshake struct {
	took  time.Duration
	state tls.ConnectionState
	err   error
}

// seen is what a trace noted.
type seen struct {
	dns, tcp phase
	tls      []handshake
}

// trace notes how a connection comes about. Its hooks are called on goroutines of
// the transport, some perhaps after the request has ended.
type trace struct {
	mu    sync.Mutex
	noted seen
	hello time.Time
}

func (t *trace) seen() seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.noted
}

func (t *trace) hooks() *httptrace.ClientTrace {
	noting := func(f func(now time.Time)) {
		t.mu.Lock()
		defer t.mu.Unlock()
		f(time.Now())
	}
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) {
			noting(func(now time.Time) { t.noted.dns = phase{begun: true, start: now} })
		},
		DNSDone: func(i httptrace.DNSDoneInfo) {
			noting(func(now time.Time) {
				t.noted.dns.end(now, i.Err)
				for _, a := range i.Addrs {
					t.noted.dns.addresses = append(t.noted.dns.addresses, a.String())
				}
			})
		},
		ConnectStart: func(string, string) {
			noting(func(now time.Time) {
				if !t.noted.tcp.begun {
					t.noted.tcp = phase{begun: true, start: now}
				}
			})
		},
		ConnectDone:       func(_, address string, err error) { noting(func(now time.Time) { t.connected(now, address, err) }) },
		TLSHandshakeStart: func() { noting(func(now time.Time) { t.hello = now }) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			noting(func(now time.Time) { t.noted.tls = append(t.noted.tls, handshake{now.Sub(t.hello), state, err}) })
		},
	}
}

// connected notes one of perhaps several addresses that are tried at the same
// time. The one that answers counts; the others are then called off.
func (t *trace) connected(now time.Time, address string, err error) {
	p := &t.noted.tcp
	switch {
	case p.ended && p.err == nil:
	case err == nil:
		p.end(now, nil)
		p.addresses = []string{address}
	default:
		p.end(now, err)
		p.addresses = append(p.addresses, address)
	}
}

func list(texts []string) string { return strings.Join(texts, ", ") }
