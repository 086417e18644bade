package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/web/api"
	"icws_exporter/exporter/web/pages"
	"icws_exporter/probe/catalogue"
)

// Fleet is what the handlers ask about the watched servers; *exporter.Fleet is
// one. It must be safe for concurrent use and answer at once except where it says
// otherwise.
type Fleet interface {
	Servers() []exporter.Server
	// Statuses may take until ctx ends; with the error comes what was known before.
	Statuses(ctx context.Context, server string) ([]catalogue.Entry, error)
	// Retry has a server tried again at once, with a refused password only when that
	// is said; it may take until ctx ends.
	Retry(ctx context.Context, server string, sendRefused bool) error
	Unhealthy(now time.Time) []string
	NotReady(now time.Time) []string
}

// Incident is what the demo has go wrong at present.
type Incident = pages.Incident

// Options say what the pages show and which of them there are.
type Options struct {
	Fleet Fleet
	// Metrics are served at /metrics; when they are split per server, the servers
	// are served at /probe and listed at /sd.
	Metrics *collect.Set
	// Reloader is shown on the pages when it failed, and obeys /-/reload.
	Reloader Reloader
	// Shards say which servers other exporters watch; nil when there are no others.
	Shards pages.Shards
	// Lifecycle lets POST reload the configuration and try a server again.
	Lifecycle bool
	// Pprof serves the profiles of this process at /debug/pprof/.
	Pprof bool
	// Incident is what the demo has go wrong at present, the zero Incident for
	// nothing; nil outside the demo.
	Incident func() Incident
	// WebConfigProblem is why the web configuration file is not in effect as it is,
	// empty when it is; nil without one.
	WebConfigProblem func() string
	// ExternalURL is where a proxy serves the pages; nil without one.
	ExternalURL *url.URL
	Version     string
}

const (
	// maxStreams is how many open pages are kept up to date: a team and its screens.
	maxStreams = 64
	// maxReaders is how many pages and answers of the API are made and sent at a time.
	maxReaders = 64
	// maxLists is the same for the lists of /sd, each of which is made as a whole, and
	// for profiles.
	maxLists = 8
)

// NewHandler returns the handler of every page. All of them but /-/reload only
// read, and no request to the exporter waits for a watched server, except a reload
// for those that it leaves.
func NewHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	whole, streams := pages.Routes(pages.Options{
		Fleet: o.Fleet, Reloads: o.Reloader, Incident: o.Incident, WebConfigProblem: o.WebConfigProblem, Version: o.Version, CanRetry: o.Lifecycle, Shards: o.Shards,
	})
	open := newPlaces(maxStreams, maxStreams/2)
	for pattern, stream := range streams {
		mux.Handle(pattern, readOnly(open.limited("30", "Too many pages are open and kept up to date already. Load this one again to see what is new.", stream)))
	}
	reading := newPlaces(maxReaders, maxReaders/2)
	for pattern, page := range whole {
		mux.Handle(pattern, readOnly(reading.limited("1", "Too many pages are being loaded. Try again.", page)))
	}
	for pattern, resource := range api.Routes(o.Fleet) {
		mux.Handle(pattern, readOnly(reading.limited("1", "Too many answers are being made. Try again.", resource)))
	}
	mux.Handle("/metrics", NewMetricsHandler(o.Metrics))
	mux.Handle("/-/healthy", readOnly(healthCheck("healthy", o.Fleet.Unhealthy)))
	mux.Handle("/-/ready", readOnly(healthCheck("ready", o.Fleet.NotReady)))
	mux.Handle("/-/reload", newReload(o.Reloader, o.Lifecycle))
	mux.Handle(api.RetryPattern, whenLifecycle(o.Lifecycle, "Trying a server again by hand is off: start the exporter with --web.enable-lifecycle.", api.NewRetry(o.Fleet)))
	handleTargets(mux, o)
	handleProfiles(mux, o.Pprof)
	return secure(mux)
}

// handleTargets adds /probe and /sd.
func handleTargets(mux *http.ServeMux, o Options) {
	if !o.Metrics.PerServer() {
		off := readOnly(switchedOff("Every server is on /metrics. To have a target per server instead, start the exporter with --web.per-server."))
		mux.Handle("/probe", off)
		mux.Handle("/sd", off)
		return
	}
	mux.Handle("/probe", newProbeHandler(o.Metrics))
	mux.Handle("/sd", readOnly(newPlaces(maxLists, maxLists/2).limited("1", "Too many lists are being sent. Try again.", newDiscovery(o.Fleet, o.ExternalURL))))
}

// switchedOff answers 404 for a page that a flag would serve.
func switchedOff(advice string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, advice, http.StatusNotFound)
	})
}
