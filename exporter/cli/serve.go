package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"icws_exporter/exporter/config"
)

// passwordVariable is the environment variable of the quick start's password.
const passwordVariable = "ICWS_PASSWORD"

// serverFlags say which servers a command is about.
type serverFlags struct {
	Server       []string `help:"Server: HOST, URL, NAME=HOST or NAME=URL; may be repeated. Without a port and a path the port is 8019, or 8018 for http." placeholder:"URL" sep:"none" group:"Servers, given here"`
	User         string   `help:"User to log on as." placeholder:"USER" group:"Servers, given here"`
	PasswordFile string   `help:"File with the user's password; without it, the environment variable ICWS_PASSWORD." placeholder:"FILE" group:"Servers, given here"`

	ConfigFile string `name:"config.file" help:"YAML configuration, instead of the flags above." placeholder:"FILE" group:"Servers, given in a file"`
}

type serveCommand struct {
	serverFlags `embed:""`
	reloadFlags `embed:""`
	shardFlags  `embed:""`

	Web webFlags `embed:"" group:"Pages"`

	StatusSeries bool   `name:"metrics.status-series" help:"Add series per status message, icws_status_info and icws_status_flag." group:"Pages"`
	Detail       string `name:"metrics.detail" enum:"default,full" default:"default" help:"Say with full how a fault went, with twice as many series." group:"Pages"`
}

// Run watches the servers until ctx ends. Nothing connects before the whole
// configuration is known to be good and the sockets are open.
func (c *serveCommand) Run(ctx context.Context, s *streams) error {
	shard, err := c.shard()
	if err != nil {
		return usageError{err}
	}
	interval, err := c.interval(c.ConfigFile)
	if err != nil {
		return usageError{err}
	}
	load := func() (config.Validated, error) { return c.part(shard.Holds) }
	watched, err := load()
	if err != nil {
		return usageError{err}
	}
	limitMemory()
	return serve(ctx, watched, s, servingOptions{
		Listen:          c.Web.listenOptions(),
		PerServer:       c.Web.PerServer,
		Lifecycle:       c.Web.EnableLifecycle,
		Pprof:           c.Web.EnablePprof,
		ExporterMetrics: !c.Web.DisableExporterMetrics,
		StatusSeries:    c.StatusSeries,
		FullDetail:      c.Detail == "full",
		Shard:           shard,
		Load:            load,
		Reloading:       reloading{s.hangups, interval},
	})
}

// part reads the servers from the flags or from the file, never from both. It needs
// the secrets of only those servers of the file whose names holds accepts.
func (c *serverFlags) part(holds func(name string) bool) (config.Validated, error) {
	given := len(c.Server) > 0 || c.User != "" || c.PasswordFile != ""
	switch {
	case c.ConfigFile != "" && given:
		return config.Validated{}, errors.New("--config.file and --server, --user or --password-file exclude each other: name the servers in one place")
	case c.ConfigFile != "":
		return loadFile(c.ConfigFile, holds)
	case len(c.Server) == 0:
		return config.Validated{}, errors.New("nothing to watch: name a server with --server URL, or give --config.file FILE")
	}
	flags := config.Flags{Servers: c.Server, User: c.User, PasswordFile: c.PasswordFile}
	if c.PasswordFile == "" {
		if os.Getenv(passwordVariable) == "" {
			return config.Validated{}, errors.New("no password: give --password-file FILE or set the environment variable " + passwordVariable)
		}
		flags.PasswordEnv = passwordVariable
	}
	return config.FromFlags(flags)
}

// loadFile has every error name its place: a *config.Error does by itself.
func loadFile(name string, holds func(server string) bool) (config.Validated, error) {
	v, err := config.LoadPart(name, holds)
	if err != nil && !errors.As(err, new(*config.Error)) {
		err = fmt.Errorf("--config.file: %w", err)
	}
	return v, err
}
