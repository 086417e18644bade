package probe

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"icws_exporter/probe/icws"
)

const hostLookInterval = 5 * time.Minute

// hostPolicy decides which hosts the password may go to. A listed host is a
// redirect of our credentials, so it has to match allowed_hosts.
type hostPolicy struct {
	configured []string
	globs      []string
}

func newHostPolicy(hosts, globs []string) hostPolicy {
	return hostPolicy{configured: hosts, globs: globs}
}

// Permits reports whether a host that a server lists may be sent the password. A
// server whose URL has no {host} has one address only, so none is.
func (c Config) Permits(entry string) bool {
	return c.movable() && newHostPolicy(c.Hosts, c.AllowedHosts).permits(entry)
}

// movable reports whether the server has more than one address: without {host}
// in the URL every host would be the same one.
func (c Config) movable() bool { return strings.Contains(c.URL, "{host}") }

// permits reports whether entry may be sent the password: it is a plain host
// name or address, with or without a port, and is a configured host or matches a
// glob. Without globs, single-label names and hosts of the configured hosts'
// parent domains match. What leads to the exporter's own machine or link has to be
// configured, or stand among the globs as it is.
func (p hostPolicy) permits(entry string) bool {
	if !icws.ValidHost(entry) {
		return false
	}
	name := hostName(entry)
	for _, h := range p.configured {
		if hostName(h) == name {
			return true
		}
	}
	if icws.IsLocal(name) {
		return slices.ContainsFunc(p.globs, func(glob string) bool { return strings.EqualFold(glob, name) })
	}
	if len(p.globs) > 0 {
		for _, glob := range p.globs {
			if ok, err := path.Match(strings.ToLower(glob), name); err == nil && ok {
				return true
			}
		}
		return false
	}
	if isAddress(name) {
		return false
	}
	if !strings.Contains(name, ".") {
		return true
	}
	for _, h := range p.configured {
		if parent := parentDomain(hostName(h)); parent != "" && strings.HasSuffix(name, "."+parent) {
			return true
		}
	}
	return false
}

// hostName is the entry without port and brackets, in lower case.
func hostName(entry string) string {
	if h, _, err := net.SplitHostPort(entry); err == nil {
		entry = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(entry, "[]"), "."))
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// parentDomain is what follows the first label, unless that is a single label:
// "example.com" must not permit all of ".com".
func parentDomain(name string) string {
	if isAddress(name) {
		return ""
	}
	_, parent, ok := strings.Cut(name, ".")
	if !ok || !strings.Contains(parent, ".") {
		return ""
	}
	return parent
}

// hostReport is what the host watch saw of one configured host.
type hostReport struct {
	host     string
	err      error
	version  icws.Version
	notAfter time.Time
}

// hostLooks asks every configured host for its version now and then, without a
// session, so that a dead standby is known before the switchover, and a renewed
// certificate without one. It runs beside the loop, because a dead host answers
// late; between two looks there is no more of it than a timer.
type hostLooks struct {
	reports chan hostReport
	ctx     context.Context // ends with the looks, not with a call
	cancel  context.CancelFunc
	look    func(context.Context, *hostLook)

	mu      sync.Mutex
	stopped bool
	hosts   map[string]*hostLook
	done    sync.WaitGroup // counts the looks under way
}

// hostLook is the looks at one host, one at a time.
type hostLook struct {
	host  string
	pace  *rand.Rand
	timer *time.Timer
	// Guarded by hostLooks.mu.
	underWay, hurried bool
}

func (l *loop) startHostLooks(ctx context.Context) *hostLooks {
	w := &hostLooks{reports: make(chan hostReport), hosts: make(map[string]*hostLook)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.look = func(ctx context.Context, h *hostLook) { l.lookAtHost(ctx, w, h) }
	var seed [2]uint64
	seed[0], seed[1] = l.rand.Uint64(), l.rand.Uint64()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, host := range l.cfg.Hosts {
		h := &hostLook{host: host, pace: newPace(seed, host)}
		w.hosts[host] = h
		h.timer = time.AfterFunc(0, func() { w.run(h) })
	}
	return w
}

// run is one look, unless one is under way.
func (w *hostLooks) run(h *hostLook) {
	w.mu.Lock()
	if w.stopped || h.underWay {
		w.mu.Unlock()
		return
	}
	h.underWay, h.hurried = true, false
	w.done.Add(1)
	w.mu.Unlock()
	defer w.done.Done()
	w.look(w.ctx, h)
}

// next has the next look begin after a while, or at once when there is a hurry.
func (w *hostLooks) next(h *hostLook, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.underWay = false
	if h.hurried {
		after = 0
	}
	if !w.stopped {
		h.timer.Reset(after)
	}
}

// hurry has a host looked at now: a log-on to it is not answered. Others than the
// configured hosts are not looked at.
func (w *hostLooks) hurry(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[host]
	if h == nil || w.stopped {
		return
	}
	h.hurried = true
	if !h.underWay {
		h.timer.Reset(0)
	}
}

func (w *hostLooks) stop() {
	w.cancel()
	w.mu.Lock()
	w.stopped = true
	for _, h := range w.hosts {
		h.timer.Stop()
	}
	w.mu.Unlock()
	w.done.Wait()
}

func (l *loop) lookAtHost(ctx context.Context, w *hostLooks, h *hostLook) {
	account := l.cfg.accountAt(h.host)
	report, asked := hostReport{host: h.host}, time.Now()
	client, err := l.newClient(h.host, func(e icws.Exchange) {
		report.notAfter = e.NotAfter
		l.observer.Exchange(e)
	})
	if err == nil {
		report.version, err = client.Version(ctx)
		client.Close()
	}
	report.err = err
	if !report.isDown() {
		l.ledger.answered(account, asked)
	}
	select {
	case w.reports <- report:
	case <-ctx.Done():
		return
	}
	interval := hostLookInterval
	if l.ledger.awaits(account) != nil {
		interval = min(interval, l.cfg.RequestTimeout) // is it back?
	}
	w.next(h, jittered(h.pace, interval))
}

func (r hostReport) isDown() bool { return r.err != nil && blamesServer(r.err) }

// noteHost takes a report into the state; it logs only when a host changes
// between up and down.
func (l *loop) noteHost(r hostReport) {
	up := !r.isDown()
	h := l.host(r.host)
	if !h.Checked || h.Up != up {
		if up && h.Checked {
			l.log.Info("host answers again", "host", r.host)
			l.ledger.answers(l.cfg.accountAt(r.host))
		} else if !up {
			l.log.Warn("host does not answer", "host", r.host, "active", h.Active, "err", r.err)
		}
	}
	h.Checked, h.Up, h.LookedAt = true, up, time.Now()
	l.learned.certificate(r.host, r.notAfter)
	if r.err == nil && r.host == l.activeHost && l.product == "" {
		l.product, l.release = l.screen.Show(r.version.ProductID), l.screen.Show(r.version.Release())
	}
}

// host returns the entry of a host in the published list, adding it when new.
func (l *loop) host(name string) *Host {
	for i := range l.hosts {
		if strings.EqualFold(l.hosts[i].Name, name) {
			return &l.hosts[i]
		}
	}
	l.hosts = append(l.hosts, Host{Name: name})
	return &l.hosts[len(l.hosts)-1]
}

// learned is what the answers of the hosts tell besides their content. The zero value
// is empty; any goroutine may use it.
type learned struct {
	mu           sync.Mutex
	offset       time.Duration // of the server's clock
	offsetKnown  bool
	certificates map[string]time.Time
}

// note takes what one exchange with a host tells.
func (f *learned) note(host string, e icws.Exchange) {
	f.certificate(host, e.NotAfter)
	if e.Date.IsZero() {
		return
	}
	// Date counts whole seconds: its middle is the best guess.
	middle := e.Start.Add(e.Duration / 2)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offset, f.offsetKnown = e.Date.Add(time.Second/2).Sub(middle), true
}

// certificate notes the expiry of the certificate that a host presented, unless zero.
func (f *learned) certificate(host string, notAfter time.Time) {
	if notAfter.IsZero() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.certificates == nil {
		f.certificates = make(map[string]time.Time)
	}
	f.certificates[host] = notAfter
}

// keep forgets the certificates of other hosts.
func (f *learned) keep(hosts []Host) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.certificates {
		if !slices.ContainsFunc(hosts, func(h Host) bool { return h.Name == name }) {
			delete(f.certificates, name)
		}
	}
}

// clock returns the offset of the server's clock, when it is known.
func (f *learned) clock() (offset time.Duration, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.offset, f.offsetKnown
}

// certificatesOf returns the hosts with the expiries of the certificates that they
// presented last.
func (f *learned) certificatesOf(hosts []Host) []Host {
	f.mu.Lock()
	defer f.mu.Unlock()
	hosts = slices.Clone(hosts)
	for i := range hosts {
		hosts[i].CertificateNotAfter = f.certificates[hosts[i].Name]
	}
	return hosts
}
