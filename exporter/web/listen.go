package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	toolkit "github.com/prometheus/exporter-toolkit/web"
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
	Logger     *slog.Logger
}

// ConfigError says that the web configuration file cannot be used.
type ConfigError struct {
	File string
	Err  error
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("--web.config.file %s: %v", e.File, e.Err)
}

func (e *ConfigError) Unwrap() error { return e.Err }

// Listeners are open sockets that nobody serves yet.
type Listeners struct {
	open []net.Listener
	opts ListenOptions
}

// Listen checks the web configuration file and opens the sockets, so that a
// mistake or a busy port is known before anything else starts. It returns a
// *ConfigError for the file and an error that names the address for a socket.
func Listen(o ListenOptions) (*Listeners, error) {
	if err := toolkit.Validate(o.ConfigFile); err != nil {
		return nil, &ConfigError{o.ConfigFile, err}
	}
	if o.SystemdSocket {
		open, err := activation.Listeners()
		if err == nil && len(open) == 0 {
			err = errors.New("systemd handed over no socket; start the exporter from a .socket unit or drop --web.systemd-socket")
		}
		return &Listeners{open, o}, err
	}
	l := &Listeners{opts: o}
	for _, address := range o.Addresses {
		listener, err := listen(address)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.open = append(l.open, listener)
	}
	return l, nil
}

func listen(address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another process; stop it or choose another address with --web.listen-address: %w", address, err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("no permission to listen on %s; ports below 1024 need a privilege, choose another with --web.listen-address: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s, check --web.listen-address: %w", address, err)
	}
	return listener, nil
}

// Addresses returns where the sockets really listen, port 0 resolved.
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
}

// Serve answers on every socket with handler until ctx ends, then lets open
// requests finish for a few seconds. It returns nil after such an end, else what
// made a socket fail, and leaves no goroutine behind.
func (l *Listeners) Serve(ctx context.Context, handler http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failures := make(chan error, len(l.open))
	for _, listener := range l.open {
		go func() {
			failures <- l.serve(ctx, listener, handler)
			stop() // one dead socket ends the others: the process must not look half alive
		}()
	}
	var errs []error
	for range l.open {
		errs = append(errs, <-failures)
	}
	return errors.Join(errs...)
}

// serve runs one http.Server on one socket. The toolkit changes the server it is
// given, so that sockets cannot share one.
func (l *Listeners) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(l.opts.Logger.Handler(), slog.LevelDebug),
	}
	drained := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-ended:
		}
		drained <- drain(server)
	}()
	err := toolkit.Serve(listener, server, &toolkit.FlagConfig{WebConfigFile: &l.opts.ConfigFile}, l.opts.Logger)
	close(ended)
	return errors.Join(ignoreClosed(err), <-drained, ignoreClosed(listener.Close()))
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
