package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
)

// passwordVariable is the environment variable of the quick start's password.
const passwordVariable = "ICWS_PASSWORD"

// serverFlags say which servers a command is about.
type serverFlags struct {
	Server       []string `help:"Server: HOST, URL, NAME=HOST or NAME=URL; may be repeated. Without a port and a path the port is 8019, or 8018 for http." placeholder:"URL" sep:"none" group:"Servers, given here"`
	User         string   `help:"User to log on as." placeholder:"USER" group:"Servers, given here"`
	PasswordFile string   `help:"File with the user's password; without it, the environment variable ICWS_PASSWORD." placeholder:"FILE" group:"Servers, given here"`

	CAFile string `name:"ca-file" help:"PEM file with the certificates to trust instead of the system's authorities: of a private authority, or the server's own." placeholder:"FILE" group:"Servers, given here"`

	ConfigFile string `name:"config.file" help:"YAML configuration, instead of the flags above." placeholder:"FILE" group:"Servers, given in a file"`
}

// webFlags say where the pages are served, to whom, and which there are.
type webFlags struct {
	ListenAddress          []string `name:"web.listen-address" help:"Address to serve on; may be repeated. Default ${default}." default:":10018" placeholder:"HOST:PORT" sep:"none"`
	ConfigFile             string   `name:"web.config.file" help:"TLS and authentication of the pages, a file as the Prometheus exporter-toolkit describes it." placeholder:"FILE"`
	SystemdSocket          bool     `name:"web.systemd-socket" help:"Take the listeners from systemd."`
	HealthListenAddress    string   `name:"web.health-listen-address" help:"Additional address with /-/healthy and /-/ready alone, without TLS and authentication, for the probes of Kubernetes." placeholder:"HOST:PORT"`
	PerServer              bool     `name:"web.per-server" help:"Serve the metrics of each server at /probe?target=NAME and list these targets at /sd, instead of having all servers on /metrics."`
	ExternalURL            string   `name:"web.external-url" help:"Where a proxy serves these pages, as Prometheus sees it, also with a path: /sd lists the targets there, and the alerts link to the runbooks there." placeholder:"URL"`
	EnableLifecycle        bool     `name:"web.enable-lifecycle" help:"Let POST /-/reload reload the configuration, and POST /api/v1/servers/NAME/retry end the wait of a server."`
	EnablePprof            bool     `name:"web.enable-pprof" help:"Serve the profiles of this process at /debug/pprof/."`
	DisableExporterMetrics bool     `name:"web.disable-exporter-metrics" help:"Leave out the metrics of this process, go_* and process_*."`
}

type serveCommand struct {
	serverFlags `embed:""`
	reloadFlags `embed:""`
	shardFlags  `embed:""`

	Web webFlags `embed:"" group:"Pages"`

	StatusSeries bool `name:"metrics.status-series" help:"Add series per status message, icws_status_info and icws_status_flag." group:"Pages"`
	DryRun       bool `name:"dry-run" help:"Check all that serve checks before it listens and connects, say what it would do, and exit."`

	Detail string `name:"metrics.detail" enum:"default,full" default:"default" help:"Say with full how a fault went, with twice as many series." group:"Pages"`
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
	external, err := web.ParseExternalURL(c.Web.ExternalURL)
	if err != nil {
		return usageError{fmt.Errorf("--web.external-url: %w", err)}
	}
	load := func() (config.Validated, error) { return c.part(shard.Holds) }
	watched, err := load()
	if err != nil {
		return usageError{err}
	}
	if c.DryRun {
		return c.dryRun(s, watched)
	}
	limitMemory(len(watched.Servers()))
	return serve(ctx, watched, s, servingOptions{
		Listen: web.ListenOptions{
			Addresses: c.Web.ListenAddress, SystemdSocket: c.Web.SystemdSocket,
			ConfigFile: c.Web.ConfigFile, HealthAddress: c.Web.HealthListenAddress,
		},
		Metrics: collect.Options{
			StatusSeries: c.StatusSeries, Full: c.Detail == "full",
			PerServer: c.Web.PerServer, ExporterMetrics: !c.Web.DisableExporterMetrics, ExternalURL: external,
		},
		Pages:     web.Options{ExternalURL: external, Lifecycle: c.Web.EnableLifecycle, Pprof: c.Web.EnablePprof},
		Shard:     shard,
		Load:      load,
		Reloading: reloading{s.hangups, interval},
	})
}

// dryRun ends where serve would open its sockets.
func (c *serveCommand) dryRun(s *streams, watched config.Validated) error {
	if err := web.CheckConfig(c.Web.ConfigFile); err != nil {
		return usageError{err}
	}
	_, err := fmt.Fprintf(s.out, "All is valid. It would watch %s:\n", number(len(watched.Servers()), "server"))
	describeServers(s.out, watched, true)
	where := strings.Join(c.Web.ListenAddress, ", ")
	if c.Web.SystemdSocket {
		where = "the sockets of systemd"
	}
	fmt.Fprintf(s.out, "It would serve on %s. Nothing was opened and nobody connected to.\n", where)
	for _, warning := range warningsOf(watched, true) {
		fmt.Fprintf(s.out, "warning: %s\n", warning)
	}
	return err
}

// part reads the servers from the flags or from the file, never from both. It needs
// the secrets of only those servers of the file whose names holds accepts.
func (c *serverFlags) part(holds func(name string) bool) (config.Validated, error) {
	given := len(c.Server) > 0 || c.User != "" || c.PasswordFile != "" || c.CAFile != ""
	switch {
	case c.ConfigFile != "" && given:
		return config.Validated{}, errors.New("--config.file and --server, --user, --password-file or --ca-file exclude each other: name the servers in one place")
	case c.ConfigFile != "":
		return loadFile(c.ConfigFile, holds)
	case len(c.Server) == 0:
		return config.Validated{}, errors.New("nothing to watch: name a server with --server URL, or give --config.file FILE")
	}
	flags := config.Flags{Servers: c.Server, User: c.User, PasswordFile: c.PasswordFile, CAFile: c.CAFile}
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
