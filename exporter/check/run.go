package check

import (
	"context"
	"net/http"
	"strings"
	"time"

	"icws_exporter/exporter/advice"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

// Options are what Run needs besides the server.
type Options struct {
	Limits    config.Limits
	UserAgent string
	// Observe is how long to look at the live subscription; 0 means not at all.
	Observe time.Duration
	// Through is what every exchange goes through, unless nil: a recorder.
	Through func(http.RoundTripper) http.RoundTripper
	// OnStep is told each step as it is done, on the goroutine of Run, unless nil.
	OnStep func(Step)
}

// Run goes through everything that watching the server needs, and ends the
// session that it made, also when ctx ends. It tries to log on once: one round
// over the hosts, as a probe does, because every refused log-on brings the
// user nearer to being locked. A step that needs one that failed is skipped.
func Run(ctx context.Context, server config.Server, o Options) Report {
	e := &examination{server: server, opts: o, screen: newScreen(server, o.Limits), report: Report{Server: server.Name, OK: true}, mayBeICWS: map[string]bool{}}
	if !e.step(StepConfiguration, e.configuration) {
		e.skipSession("the configuration cannot be used")
		return e.report
	}
	readable := e.step(StepPassword, func() finding {
		password, err := server.Password()
		if err != nil {
			return failed(err.Error(), "")
		}
		e.screen.Learn(password)
		return good("readable, from %s", passwordPlace(server))
	})
	reached := e.hosts(ctx)
	switch {
	case !readable:
		e.skipSession("there is no password")
	case !reached:
		e.skipSession("no host can be reached")
	case len(e.logOnHosts()) == 0:
		e.skipSession("what answers is no ICWS, so the password was not sent")
	default:
		e.session(ctx)
	}
	return e.report
}

// examination is one run.
type examination struct {
	server     config.Server
	transports *config.Transports // nil when the configuration failed
	opts       Options
	screen     *secret.Screen
	report     Report
	// mayBeICWS says of each host that was looked at whether it may get the password.
	mayBeICWS map[string]bool
}

// newScreen knows what may be shown because the configuration says it, and the
// password of the proxy.
func newScreen(server config.Server, limits config.Limits) *secret.Screen {
	s := secret.NewScreen(append([]string{server.Name, server.URL, server.User, server.HTTP.ProxyURL.String()}, server.Hosts...)...)
	s.Know(advice.Phrases()...)
	s.Learn(server.Probe(limits).ProxyPassword)
	return s
}

// step times look, notes what it found, and reports whether it did not fail.
func (e *examination) step(name string, look func() finding) bool {
	start := time.Now()
	f := look()
	return e.note(f.step(name, "", time.Since(start)))
}

// note adds a step to the report. All that a report says goes through the screen
// here, and nowhere else.
func (e *examination) note(s Step) bool {
	if e.server.ByFlags {
		s.Advice = advice.ForFlags(s.Advice)
	}
	s.Host, s.Detail, s.Advice = e.screen.Show(s.Host), e.screen.Show(s.Detail), e.screen.Show(s.Advice)
	e.report.Steps = append(e.report.Steps, s)
	if e.opts.OnStep != nil {
		e.opts.OnStep(s)
	}
	if s.Status == Failed {
		e.report.OK = false
	}
	return s.Status != Failed
}

func passwordPlace(s config.Server) string {
	place, change := s.PasswordPlace()
	if change != "" {
		place += " (" + change + ")"
	}
	return place
}

// configuration mostly repeats: what is wrong with it is an error before Run,
// unless a file has changed since.
func (e *examination) configuration() finding {
	s := e.server
	var err error
	if e.transports, err = s.Transports(nil); err != nil {
		return failed(err.Error(), advise(advice.TLSFiles, ""))
	}
	text := s.URL
	if strings.Contains(s.URL, "{host}") {
		text += ", hosts " + list(s.Hosts)
	}
	if !s.HTTP.ProxyURL.IsZero() {
		text += ", through the proxy " + s.HTTP.ProxyURL.String()
	}
	return good("%s, user %s, transport %s", text, s.User, s.Transport)
}

// transport makes a transport as the probe has one, for one session or one look at
// a host.
func (e *examination) transport() http.RoundTripper {
	rt := e.transports.New()
	if e.opts.Through != nil {
		rt = e.opts.Through(rt)
	}
	return rt
}

// client is a wire client of one host, with connections of its own, as the probe
// has one.
func (e *examination) client(host string) (*icws.Client, error) {
	base, err := icws.ExpandURL(e.server.URL, host)
	if err != nil {
		return nil, err
	}
	return icws.NewClient(base, e.transport(), icws.Options{
		UserAgent:        e.opts.UserAgent,
		Language:         e.server.Language,
		ApplicationName:  "icws_exporter",
		MaxResponseBytes: int64(e.opts.Limits.ResponseBytes),
		RequestTimeout:   e.server.RequestTimeout,
		Screen:           e.screen,
	}), nil
}
