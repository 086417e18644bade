package pages

import (
	"context"
	"net/http"

	"icws_exporter/exporter"
	"icws_exporter/probe/catalogue"
)

// Fleet is what the pages ask about the watched servers. It must be safe for
// concurrent use and answer at once except where it says otherwise.
type Fleet interface {
	Servers() []exporter.Server
	// Statuses may take until ctx ends; with the error comes what was known before.
	Statuses(ctx context.Context, server string) ([]catalogue.Entry, error)
}

// Reloads tells how the last reload of the configuration went, at once and to any
// goroutine.
type Reloads interface{ Last() exporter.Outcome }

// Shards say which servers other exporters watch, at once and to any goroutine;
// *exporter.Fleet does.
type Shards interface {
	// Shard returns which part is watched here, and how many servers others watch.
	Shard() (shard exporter.Shard, others int)
	// Elsewhere returns the shard of a server that another exporter watches.
	Elsewhere(server string) (ordinal int, ok bool)
}

// Options say what the pages show.
type Options struct {
	Fleet Fleet
	// Shards is nil when there are no others.
	Shards Shards
	// Reloads are shown on every page when the last one failed.
	Reloads Reloads
	// Incident is what the demo has go wrong at present, the zero Incident for
	// nothing; nil outside the demo.
	Incident func() Incident
	// WebConfigProblem is why the web configuration file is not in effect as it is,
	// empty when it is; nil without one.
	WebConfigProblem func() string
	Version          string
	// CanRetry says that POST /api/v1/servers/NAME/retry has a server tried again.
	CanRetry bool
}

// Routes returns the handlers by their patterns for an http.ServeMux: of all pages,
// and of the streams that keep open ones up to date, which last as long as a reader
// stays. They only read; the caller lets GET and HEAD through and nothing else, and
// bounds how many are served at a time.
func Routes(o Options) (whole, streams map[string]http.Handler) {
	all, one := newOverview(o), newServerPage(o)
	return map[string]http.Handler{
			"/{$}":               all,
			"/servers/{name}":    one,
			"/config":            newConfiguration(o.Fleet),
			"/runbooks/{$}":      newIndex(o, "Runbooks", runbookIndex()),
			"/runbooks/{name}":   newRunbooks(o),
			"/dashboards/{$}":    newIndex(o, "Dashboards", dashboardIndex()),
			"/dashboards/{name}": http.HandlerFunc(dashboard),
			"/assets/":           assets(),
			"/":                  http.HandlerFunc(notFound),
		}, map[string]http.Handler{
			"/events":                stream(all.fragments),
			"/servers/{name}/events": stream(one.fragments),
		}
}

type shutdownKey struct{}

// WithShutdown lets requests know when the listener wants to end: it waits for
// open requests, and a stream of live updates would not end by itself.
func WithShutdown(ctx context.Context, begun <-chan struct{}) context.Context {
	return context.WithValue(ctx, shutdownKey{}, begun)
}

// shutdown is closed when the listener wants to end.
func shutdown(ctx context.Context) <-chan struct{} {
	begun, _ := ctx.Value(shutdownKey{}).(<-chan struct{})
	return begun
}
