package cli

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"icws_exporter/exporter"
)

// reloadFlags say when the configuration file is read anew besides on SIGHUP.
type reloadFlags struct {
	AutoReload         bool          `name:"config.auto-reload" help:"Reload by itself when the file, or a CA or certificate file that it names, changes." group:"Servers, given in a file"`
	AutoReloadInterval time.Duration `name:"config.auto-reload-interval" help:"How often to look for a change, at least 1s. Default ${default}." default:"30s" placeholder:"DURATION" group:"Servers, given in a file"`
}

// interval is how often to look, or 0 for never.
func (f reloadFlags) interval(file string) (time.Duration, error) {
	switch {
	case !f.AutoReload:
		return 0, nil
	case file == "":
		return 0, errors.New("--config.auto-reload needs a file to look at: give --config.file FILE")
	case f.AutoReloadInterval < time.Second:
		return 0, errors.New("--config.auto-reload-interval: too short; expected at least 1s")
	}
	return f.AutoReloadInterval, nil
}

// reloading says what reloads the configuration; the zero value is nothing.
type reloading struct {
	signals  <-chan os.Signal
	interval time.Duration // 0: do not look by yourself
}

// run reloads whenever there is reason to, until ctx ends. How a reload ended is
// in the log, in the metrics and on the status page.
func (o reloading) run(ctx context.Context, r *exporter.Reloader) {
	var following sync.WaitGroup
	defer following.Wait()
	if o.interval > 0 {
		following.Go(func() { r.Follow(ctx, o.interval) })
	}
	for {
		select {
		case <-o.signals:
			_ = r.Reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}
