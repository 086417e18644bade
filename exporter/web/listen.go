package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"icws_exporter/exporter/files"
	"icws_exporter/exporter/web/pages"
)

const (
	// maxConnections bounds what clients can take of memory and descriptors, which
	// the probes need as well. Real clients are a few Prometheus servers and browsers.
	maxConnections = 1024
	// maxHealthConnections is the same for the health listener.
	maxHealthConnections = 64
)

// drainTime bounds how long Serve waits for open requests once its context ends.
const drainTime = 3 * time.Second

// ListenOptions say where and how the pages are served.
type ListenOptions struct {
	// Addresses are host:port pairs; an empty host means every interface.
	Addresses []string
	// SystemdSocket takes the listeners from systemd instead.
	SystemdSocket bool
	// ConfigFile is a web configuration file of the Prometheus
	// exporter-toolkit (TLS, basic authentication), or empty.
	ConfigFile string
	// HealthAddress is where a listener without TLS and authentication has the
	// health checks alone; empty for none.
	HealthAddress string
	Logger        *slog.Logger
	// ConfigReloaded is told whether ConfigFile is in effect, at first and at every
	// change; nil for nobody.
	ConfigReloaded func(ok bool)
}

func (o ListenOptions) configReloaded(ok bool) {
	if o.ConfigReloaded != nil {
		o.ConfigReloaded(ok)
	}
}

// ConfigError says that the web configuration file cannot be used.
type ConfigError struct {
	File string
	Err  error
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("--web.config.file %s: %v", files.Absolute(e.File), e.Err)
}

func (e *ConfigError) Unwrap() error { return e.Err }

// CheckConfig returns a *ConfigError when the web configuration file cannot be used.
// An empty name is none, and fine.
func CheckConfig(file string) error {
	if file == "" {
		return nil
	}
	config, err := openWebConfig(file)
	if err != nil {
		return &ConfigError{file, err}
	}
	config.close()
	return nil
}

// Listeners are open sockets that nobody serves yet.
type Listeners struct {
	open   []net.Listener
	health net.Listener // nil without one
	config *webConfig   // nil without a file
	opts   ListenOptions
	most   struct{ site, health int } // connections, fewer than usual; 0: as usual
}

// Listen checks the web configuration file and opens the sockets, so that a
// mistake or a busy port is known before anything else starts. It returns a
// *ConfigError for the file and an error that names the address for a socket.
func Listen(o ListenOptions) (*Listeners, error) {
	l := &Listeners{opts: o}
	if o.ConfigFile != "" {
		config, err := openWebConfig(o.ConfigFile)
		if err != nil {
			return nil, &ConfigError{o.ConfigFile, err}
		}
		l.config = config
		o.configReloaded(true)
	}
	if err := l.listen(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Listeners) listen() (err error) {
	if l.opts.SystemdSocket {
		err = l.takeSystemdSockets()
	} else {
		err = l.listenOnAddresses()
	}
	if err == nil && l.opts.HealthAddress != "" {
		l.health, err = listen(l.opts.HealthAddress, "--web.health-listen-address")
	}
	return err
}

func (l *Listeners) takeSystemdSockets() (err error) {
	l.open, err = activation.Listeners()
	// What is no listening socket is a nil in the list.
	l.open = slices.DeleteFunc(l.open, func(listener net.Listener) bool { return listener == nil })
	if err == nil && len(l.open) == 0 {
		err = errors.New("systemd handed over no socket; start the exporter from a .socket unit or drop --web.systemd-socket")
	}
	return err
}

func (l *Listeners) listenOnAddresses() error {
	for _, address := range l.opts.Addresses {
		listener, err := listen(address, "--web.listen-address")
		if err != nil {
			return err
		}
		l.open = append(l.open, listener)
	}
	return nil
}

// listen opens a socket at an address that the flag gave.
func listen(address, flag string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another process; stop it or choose another address with %s: %w", address, flag, err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("no permission to listen on %s; ports below 1024 need a privilege, choose another with %s: %w", address, flag, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s, check %s: %w", address, flag, err)
	}
	return listener, nil
}

// Addresses returns where the pages really are, port 0 resolved.
func (l *Listeners) Addresses() []net.Addr {
	addresses := make([]net.Addr, len(l.open))
	for i, listener := range l.open {
		addresses[i] = listener.Addr()
	}
	return addresses
}

// Close closes sockets that are not to be served after all.
func (l *Listeners) Close() {
	for _, listener := range l.open {
		_ = listener.Close() // nothing was accepted on it
	}
	if l.health != nil {
		_ = l.health.Close()
	}
	if l.config != nil {
		l.config.close()
	}
}

// ConfigProblem is why the web configuration file as it is now is not in effect;
// empty when it is. Any goroutine may ask.
func (l *Listeners) ConfigProblem() string {
	if l.config == nil {
		return ""
	}
	return l.config.Problem()
}

// Serve answers with site on every socket, and with health on that for health
// checks, until ctx ends; then it lets open requests finish for a few seconds. It
// returns nil after such an end, else what made a socket fail, and leaves no
// goroutine behind.
func (l *Listeners) Serve(ctx context.Context, site, health http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	if l.config != nil {
		defer l.config.close() // when nobody reads it any more
	}
	defer following.Wait()
	defer stop()
	if l.config != nil {
		following.Go(func() { l.config.follow(ctx, l.opts.Logger, l.opts.configReloaded) })
	}
	var services []func() error
	for _, listener := range l.open {
		services = append(services, func() error { return l.serveSite(ctx, listener, site) })
	}
	if l.health != nil {
		services = append(services, func() error { return l.serveHealth(ctx, health) })
	}
	failures := make(chan error, len(services))
	for _, service := range services {
		go func() {
			failures <- service()
			stop() // one dead socket ends the others: the process must not look half alive
		}()
	}
	var errs []error
	for range services {
		errs = append(errs, <-failures)
	}
	return errors.Join(errs...)
}

// serveSite serves behind the toolkit's TLS and authentication. It changes the
// server it is given, so that sockets cannot share one.
func (l *Listeners) serveSite(ctx context.Context, listener net.Listener, site http.Handler) error {
	config := ""
	if l.config != nil {
		config = l.config.path()
	}
	return l.serve(ctx, listener, site, cmp.Or(l.most.site, maxConnections), func(server *http.Server, limited net.Listener) error {
		return toolkit.Serve(limited, server, &toolkit.FlagConfig{WebConfigFile: &config}, l.opts.Logger)
	})
}

func (l *Listeners) serveHealth(ctx context.Context, health http.Handler) error {
	l.opts.Logger.Info("Health checks, without TLS and authentication", "address", l.health.Addr().String())
	return l.serve(ctx, l.health, health, cmp.Or(l.most.health, maxHealthConnections), func(server *http.Server, limited net.Listener) error {
		server.SetKeepAlivesEnabled(false) // who asks for health connects anew every time
		return server.Serve(limited)
	})
}

// serve runs one http.Server with so many connections at most on one socket, until
// ctx ends or accept returns.
func (l *Listeners) serve(ctx context.Context, listener net.Listener, handler http.Handler, connections int, accept func(*http.Server, net.Listener) error) error {
	server := newServer(afterPassword(handler), l.opts.Logger)
	server.ConnContext = withConn
	server.BaseContext = func(net.Listener) context.Context { return pages.WithShutdown(context.Background(), ctx.Done()) }
	// The toolkit puts its own handler before ours when it begins to serve, and has
	// no room for one before that.
	limited := newConnLimiter(listener, connections, func() { server.Handler = newFront(server.Handler) })
	drained := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-ended:
		}
		drained <- drain(server)
	}()
	err := accept(server, limited)
	close(ended)
	return errors.Join(ignoreClosed(err), <-drained, ignoreClosed(listener.Close()))
}

// newServer bounds everything that a client can draw out. A profile takes longer
// than WriteTimeout; the package pprof extends it.
func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		// OPTIONS * would be answered without asking for a password.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // who still reads after that is cut off
	}
	return ignoreClosed(err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
