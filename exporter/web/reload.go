package web

import (
	"context"
	"errors"
	"io"
	"net/http"

	"icws_exporter/exporter"
)

// Reloader reloads the configuration; *exporter.Reloader is one. It must be safe
// for concurrent use, and Last must answer at once.
type Reloader interface {
	Reload(ctx context.Context) error
	Last() exporter.Outcome
}

// newReload answers POST /-/reload: 200 when the new configuration is in effect,
// 500 with everything that is wrong with it when the former one stays.
func newReload(reloader Reloader, enabled bool) http.Handler {
	reload := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := reloader.Reload(context.WithoutCancel(r.Context())) // also when curl -m gives up
		switch {
		case err == nil:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, "The configuration has been reloaded.\n")
		case errors.Is(err, exporter.ErrClosed):
			http.Error(w, "The exporter is ending; nothing was reloaded.", http.StatusServiceUnavailable)
		default:
			http.Error(w, "The configuration was not reloaded; the last good one stays in effect.\n"+err.Error(), http.StatusInternalServerError)
		}
	})
	return whenLifecycle(enabled, "Reloading over HTTP is off: start the exporter with --web.enable-lifecycle, or send the process a SIGHUP.", reload)
}

// whenLifecycle lets a POST of our own pages or of a command through to what changes
// something, when that is switched on.
func whenLifecycle(enabled bool, off string, next http.Handler) http.Handler {
	if !enabled {
		next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, off, http.StatusForbidden) })
	}
	return onlyPost(fromOurPages(next))
}

func onlyPost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "This changes something: use POST.", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromOurPages refuses what another site has the browser of an operator send: the
// browser would add the operator's password to it.
func fromOurPages(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This request comes from a page of another site and was refused. Use curl -X POST.", http.StatusForbidden)
	}))
	return protection.Handler(next)
}
