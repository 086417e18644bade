package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/common/version"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/logging"
	"icws_exporter/exporter/web"
)

// servingOptions are what serve and demo set differently. What they leave out of its
// parts, serve sets.
type servingOptions struct {
	Listen  web.ListenOptions
	Metrics collect.Options
	Pages   web.Options
	Shard   exporter.Shard
	// Load reads the configuration anew when Reloading says so.
	Load      func() (config.Validated, error)
	Reloading reloading
	// Ready is called once the sockets are open, before the first connection.
	Ready func(*web.Listeners)
}

// serve watches the servers and serves their pages until ctx ends. It returns
// when every probe has left its server and the open requests are answered.
func serve(ctx context.Context, watched config.Validated, s *streams, o servingOptions) error {
	o.Metrics.LogLinesDropped = s.dropped
	metrics := collect.New(o.Metrics)
	log := slog.New(collect.CountLogs(s.handler(), metrics))
	o.Listen.Logger = slog.New(new(logging.Limit).Handler(log.Handler())) // clients can make it log
	o.Listen.ConfigReloaded = metrics.WebConfigLoaded
	listeners, err := web.Listen(o.Listen)
	if err != nil {
		if errors.As(err, new(*web.ConfigError)) {
			return usageError{err}
		}
		return err
	}
	if o.Ready != nil {
		o.Ready(listeners)
	}
	fleet := exporter.New(exporter.Options{
		Metrics: metrics, Logger: log, UserAgent: userAgent(), StatusSeries: o.Metrics.StatusSeries, Shard: o.Shard,
	})
	log.Info("starting", "version", version.Version, "revision", version.GetRevision(),
		"servers", len(watched.Servers()), "shards", max(1, o.Shard.Total), "shard_ordinal", o.Shard.Ordinal)
	reloader := exporter.NewReloader(fleet, o.Load)
	if err := reloader.Start(watched); err != nil {
		listeners.Close()
		return usageError{err} // only what the configuration asks for can fail here
	}
	o.Pages.Fleet, o.Pages.Shards, o.Pages.Metrics, o.Pages.Reloader = fleet, fleet, metrics, reloader
	o.Pages.Version, o.Pages.WebConfigProblem = version.Version, listeners.ConfigProblem
	systemd := newNotifier()
	defer systemd.close()
	systemd.follow(reloader)
	if s.ready != nil {
		s.ready()
	}
	context.AfterFunc(ctx, systemd.stopping)
	reloads := func(ctx context.Context) { o.Reloading.run(ctx, reloader) }
	err = runUntil(ctx, fleet, reloads, func(ctx context.Context) error {
		return listeners.Serve(ctx, web.NewHandler(o.Pages), web.NewHealthHandler(fleet))
	})
	log.Info("stopped")
	return err
}

// runUntil serves until ctx ends or serving fails. The probes leave their servers
// while the last requests are answered, so that ending takes the longer of the
// two times and not their sum.
func runUntil(ctx context.Context, fleet *exporter.Fleet, reloads func(context.Context), serve func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	var ending sync.WaitGroup
	ending.Go(func() {
		<-ctx.Done()
		fleet.Close()
	})
	ending.Go(func() { reloads(ctx) })
	err := serve(ctx)
	stop()
	ending.Wait()
	return err
}

// largeFleet is from how many servers on live copies are nearly all memory.
const largeFleet = 100

// limitMemory has the garbage collector keep within the memory of the container. Without a limit,
// or where none can be read, there is none. With many servers it collects when a quarter has come: the
// live copies stay, so that collecting often is cheap. With few that would double the time of a long list.
// GOGC and GOMEMLIMIT in the environment decide when they are set.
func limitMemory(servers int) {
	if os.Getenv("GOGC") == "" && servers >= largeFleet {
		debug.SetGCPercent(25)
	}
	_, _ = memlimit.Set()
}
