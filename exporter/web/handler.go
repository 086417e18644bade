package web

import (
	"context"
	"net/http"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe/catalogue"
)

// Fleet is what the pages ask about the watched servers; *exporter.Fleet is one.
// It must be safe for concurrent use and answer at once
// except where it says otherwise.
type Fleet interface {
	Servers() []exporter.Server
	// Statuses may take until ctx ends; with the error comes what was known before.
	Statuses(ctx context.Context, server string) ([]catalogue.Entry, error)
	Unhealthy(now time.Time) []string
	NotReady(now time.Time) []string
}

// Options say what the pages show and which of them there are.
type Options struct {
	Fleet Fleet
	// Metrics are served at /metrics; when they are apart per server, the servers
	// are served at /probe and listed at /sd.
	Metrics *collect.Set
	// Reloader is shown on the status page when it failed, and obeys /-/reload.
	Reloader Reloader
	// Lifecycle lets POST /-/reload reload the configuration.
	Lifecycle bool
	// Pprof serves the profiles of this process at /debug/pprof/.
	Pprof bool
	// Incident is what the demo has go wrong at present, the zero Incident for
	// nothing; nil outside the demo.
	Incident func() Incident
	Version  string
}

// NewHandler returns the handler of every page. All of them but /-/reload only
// read, and no request to the exporter waits for a watched server, except a reload
// for those that it leaves.
func NewHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	handlePages(mux, o)
	mux.Handle("/assets/", readOnly(assets()))
	mux.Handle("/metrics", NewMetricsHandler(o.Metrics))
	mux.Handle("/-/healthy", readOnly(verdict("healthy", o.Fleet.Unhealthy)))
	mux.Handle("/-/ready", readOnly(verdict("ready", o.Fleet.NotReady)))
	mux.Handle("/-/reload", newReload(o.Reloader, o.Lifecycle))
	handleServers(mux, o)
	handleAPI(mux, o.Fleet)
	handleProfiles(mux, o.Pprof)
	mux.Handle("/", readOnly(http.HandlerFunc(notFound)))
	return guard(mux)
}

// handlePages adds what people look at, and its live updates.
func handlePages(mux *http.ServeMux, o Options) {
	all := newOverview(o)
	one := &serverPage{opts: o}
	live := newStreams()
	mux.Handle("/{$}", readOnly(all))
	mux.Handle("/events", readOnly(live.of(all.fragments)))
	mux.Handle("/servers/{name}", readOnly(one))
	mux.Handle("/servers/{name}/events", readOnly(live.of(one.fragments)))
	mux.Handle("/config", readOnly(newConfiguration(o.Fleet)))
	mux.Handle("/runbooks/{$}", readOnly(newIndex(o, "Runbooks", runbookIndex())))
	mux.Handle("/runbooks/{name}", readOnly(http.HandlerFunc(runbook)))
	mux.Handle("/dashboards/{$}", readOnly(newIndex(o, "Dashboards", dashboardIndex())))
	mux.Handle("/dashboards/{name}", readOnly(http.HandlerFunc(dashboard)))
}

// handleServers adds /probe and /sd.
func handleServers(mux *http.ServeMux, o Options) {
	if !o.Metrics.PerServer() {
		off := readOnly(switchedOff("Every server is on /metrics. To have a target per server instead, start the exporter with --web.per-server."))
		mux.Handle("/probe", off)
		mux.Handle("/sd", off)
		return
	}
	mux.Handle("/probe", newProbeHandler(o.Metrics))
	mux.Handle("/sd", readOnly(newDiscovery(o.Fleet)))
}

// switchedOff answers 404 for a page that a flag would serve.
func switchedOff(advice string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, advice, http.StatusNotFound)
	})
}
