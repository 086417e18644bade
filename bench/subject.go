package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
	"icws_exporter/probe"
)

// subjectCommand serves in one process what budget 4 compares: the floor, our pages,
// and client_golang's way to the same series.
type subjectCommand struct {
	Config  string `required:"" help:"Configuration of the servers to watch."`
	Empty   string `required:"" help:"Address of a handler that does nothing."`
	Copy    string `required:"" help:"Address of a handler that writes a page that was made before."`
	Pages   string `required:"" help:"Address of the exporter's pages."`
	Changed string `required:"" help:"Address of the same pages, a few of whose values change before every request."`
	Const   string `required:"" help:"Address of the same metrics by way of const collectors and promhttp."`
	Default string `required:"" help:"Address of client_golang's default registry, which has go_* and process_* alone."`
}

// Run serves until the process is told to end.
func (c *subjectCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	metrics := collect.New(collect.Options{ExporterMetrics: true})
	fleet := exporter.New(exporter.Options{Metrics: metrics, UserAgent: "icws_exporter/bench"})
	defer fleet.Close()
	reloader := exporter.NewReloader(fleet, func() (config.Validated, error) { return config.Load(c.Config) })
	if err := reloader.Reload(ctx); err != nil {
		return err
	}
	pages := web.NewHandler(web.Options{Fleet: fleet, Metrics: metrics, Reloader: reloader, Version: "bench"})
	watched := metrics.Add(fleet.Servers()[0].Name, "bench")
	changing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		change(watched)
		pages.ServeHTTP(w, r)
	})
	var serving sync.WaitGroup
	defer serving.Wait()
	defer stop()
	failed := make(chan error, 6)
	plain := func(address string, h http.Handler) {
		serving.Go(func() { failed <- servePlain(ctx, address, h) })
	}
	plain(c.Empty, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	plain(c.Copy, copied(metrics))
	plain(c.Const, promhttp.HandlerFor(metrics.Gatherer(), promhttp.HandlerOpts{EnableOpenMetrics: true}))
	plain(c.Default, promhttp.Handler())
	product := func(address string, h http.Handler) {
		serving.Go(func() { failed <- serveAsProduct(ctx, address, h) })
	}
	product(c.Pages, pages)
	product(c.Changed, changing)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// change is what a usual interval between two scrapes brings: a ping and its bytes,
// a delivery check with its message.
func change(m *collect.ServerMetrics) {
	m.StreamHeartbeat()
	m.Read(8)
	m.MessageReceived(probe.StatusMessages, probe.MessageFull)
	m.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckOK})
	m.Delivered(probe.StatusMessages, 3*time.Millisecond)
}

// copied writes the page as it was at its first request.
func copied(metrics *collect.Set) http.Handler {
	page := sync.OnceValue(func() (page []byte) {
		metrics.Render(collect.OpenMetrics, false, func(body []byte) { page = append(page, body...) })
		return page
	})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(page())))
		_, _ = w.Write(page()) // the client has gone
	})
}

func servePlain(ctx context.Context, address string, h http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveAsProduct serves with everything that the exporter puts around its pages.
func serveAsProduct(ctx context.Context, address string, h http.Handler) error {
	listeners, err := web.Listen(web.ListenOptions{Addresses: []string{address}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return listeners.Serve(ctx, h, http.NotFoundHandler())
}
