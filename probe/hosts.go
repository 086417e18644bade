package probe

import (
	"context"
	"errors"
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

// movable reports whether the server has more than one address: without {host}
// in the URL every host would be the same one.
func (c Config) movable() bool { return strings.Contains(c.URL, "{host}") }

// Permits reports whether a host that a server lists may be sent the password: it is
// a plain host name or address, with or without a port, and is a configured host or
// matches a glob of AllowedHosts. Without globs, single-label names and hosts of the
// configured hosts' parent domains match. What leads to the exporter's own machine or
// link has to be configured, or stand among the globs as it is. A server whose URL has
// no {host} has one address only, so none is permitted.
func (c Config) Permits(entry string) bool {
	if !c.movable() || !icws.ValidHost(entry) {
		return false
	}
	name := hostName(entry)
	for _, h := range c.Hosts {
		if hostName(h) == name {
			return true
		}
	}
	if icws.IsLocal(name) {
		return slices.ContainsFunc(c.AllowedHosts, func(glob string) bool { return strings.EqualFold(glob, name) })
	}
	if len(c.AllowedHosts) > 0 {
		for _, glob := range c.AllowedHosts {
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
	for _, h := range c.Hosts {
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

// hostReport is what a look at one configured host saw.
type hostReport struct {
	host     string
	err      error
	version  icws.Version
	notAfter time.Time
}

// hostLooks asks every configured host for its version now and then, without a
// session, so that a dead standby is known before the switchover, and a renewed
// certificate without one. It belongs to the loop's goroutine. The looks run beside
// it, because a dead host answers late.
type hostLooks struct {
	ctx     context.Context // ends with the looks, not with a call
	cancel  context.CancelFunc
	hosts   []hostLook
	reports chan *hostReport
	running sync.WaitGroup
}

// hostLook is the looks at one host, one at a time.
type hostLook struct {
	host       string
	serverUser ServerUser
	at         time.Time // of the next one, at the earliest
	underWay   bool
}

func (l *loop) startHostLooks(ctx context.Context) {
	w := &l.looks
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.reports = make(chan *hostReport, len(l.cfg.Hosts)) // each has a place: nobody waits
	for _, host := range l.cfg.Hosts {
		w.hosts = append(w.hosts, hostLook{host: host, serverUser: l.cfg.serverUserAt(host)})
	}
	l.lookAtHosts(time.Now())
}

// lookAtHosts begins the looks that are due. It returns when the next one is, or when
// the loop has to turn anyway.
func (l *loop) lookAtHosts(now time.Time) (next time.Time) {
	next = now.Add(heartbeatInterval)
	for i := range l.looks.hosts {
		h := &l.looks.hosts[i]
		switch {
		case h.underWay:
		case now.Before(h.at):
			next = earlier(next, h.at)
		default:
			h.underWay, h.at = true, now.Add(jittered(l.rand, hostLookInterval))
			l.looks.running.Go(l.lookAt(*h))
		}
	}
	return next
}

// hurry has a host looked at now: a log-on to it is not answered. Others than the
// configured hosts are not looked at.
func (w *hostLooks) hurry(host string) {
	for i := range w.hosts {
		if w.hosts[i].host == host {
			w.hosts[i].at = time.Now()
		}
	}
}

func (w *hostLooks) stop() {
	w.cancel()
	w.running.Wait()
}

// lookAt returns one look at a host, for another goroutine.
func (l *loop) lookAt(h hostLook) func() {
	report, asked := &hostReport{host: h.host}, time.Now()
	client, err := l.newClient(h.host, func(e icws.Exchange) {
		report.notAfter = e.NotAfter
		l.observer.Exchange(e)
	})
	return func() {
		if err == nil {
			report.version, err = client.Version(l.looks.ctx)
			client.Close()
		}
		report.err = err
		if !report.isDown() {
			l.ledger.answered(h.serverUser, asked)
		}
		l.looks.reports <- report
	}
}

func (r *hostReport) isDown() bool { return r.err != nil && blamesServer(r.err) }

// noteHost takes a report into the state; it logs only when a host changes
// between up and down.
func (l *loop) noteHost(r *hostReport) {
	now := time.Now()
	serverUser := l.cfg.serverUserAt(r.host)
	for i := range l.looks.hosts {
		if look := &l.looks.hosts[i]; look.host == r.host {
			look.underWay = false
			if l.ledger.awaits(serverUser) != nil { // is it back?
				look.at = earlier(look.at, now.Add(l.cfg.RequestTimeout))
			}
		}
	}
	up := !r.isDown()
	h := l.host(r.host)
	changed := !h.Checked || h.Up != up
	again := up && h.Checked
	h.Checked, h.Up, h.Answered, h.LookedAt = true, up, errors.As(r.err, new(*icws.ResponseError)), now
	if changed {
		if again {
			l.log.Info("host answers again", "host", r.host)
			l.ledger.answers(serverUser)
		} else if !up {
			l.log.Warn("host "+h.Words(), "host", r.host, "active", h.Active, "err", r.err)
		}
	}
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
