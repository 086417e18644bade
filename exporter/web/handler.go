package web

import (
	"net/http"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
)

// Fleet is what the pages ask about the watched servers; *exporter.Fleet is one.
// It must be safe for concurrent use and answer at once.
type Fleet interface {
	Servers() []exporter.Server
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
	Pprof   bool
	Version string
}

// NewHandler returns the handler of every page. All of them but /-/reload only
// read, and no request to the exporter waits for a watched server, except a reload
// for those that it leaves.
func NewHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/{$}", readOnly(newStatusPage(o)))
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
