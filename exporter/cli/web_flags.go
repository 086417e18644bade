package cli

import "icws_exporter/exporter/web"

// webFlags say where the pages are served, to whom, and which there are.
type webFlags struct {
	ListenAddress          []string `name:"web.listen-address" help:"Address to serve on; may be repeated. Default ${default}." default:":10018" placeholder:"HOST:PORT" sep:"none"`
	ConfigFile             string   `name:"web.config.file" help:"TLS and authentication of the pages, a file as the Prometheus exporter-toolkit describes it." placeholder:"FILE"`
	SystemdSocket          bool     `name:"web.systemd-socket" help:"Take the listeners from systemd."`
	HealthListenAddress    string   `name:"web.health-listen-address" help:"Additional address with /-/healthy and /-/ready alone, without TLS and authentication, for the probes of Kubernetes." placeholder:"HOST:PORT"`
	PerServer              bool     `name:"web.per-server" help:"Serve the metrics of each server at /probe?target=NAME and list these targets at /sd, instead of having all servers on /metrics."`
	ExternalURL            string   `name:"web.external-url" help:"Where a proxy serves these pages, as Prometheus sees it, also with a path: /sd lists the targets there." placeholder:"URL"`
	EnableLifecycle        bool     `name:"web.enable-lifecycle" help:"Let POST /-/reload reload the configuration, and POST /api/v1/servers/NAME/retry end the wait of a server."`
	EnablePprof            bool     `name:"web.enable-pprof" help:"Serve the profiles of this process at /debug/pprof/."`
	DisableExporterMetrics bool     `name:"web.disable-exporter-metrics" help:"Leave out the metrics of this process, go_* and process_*."`
}

func (f *webFlags) listenOptions() web.ListenOptions {
	return web.ListenOptions{
		Addresses:     f.ListenAddress,
		SystemdSocket: f.SystemdSocket,
		ConfigFile:    f.ConfigFile,
		HealthAddress: f.HealthListenAddress,
	}
}
