package web

import (
	"io"
	"net/http"
	"strings"
	"time"

	"icws_exporter/exporter"
)

// Fleet is what the pages ask about the watched servers; *exporter.Fleet is one.
// It must be safe for concurrent use and answer at once.
type Fleet interface {
	Servers() []exporter.Server
	Unhealthy(now time.Time) []string
	NotReady(now time.Time) []string
}

// NewHandler returns the handler of every page: the status page at /, metrics at
// /metrics, and the two health checks. All of them only read: no request to the
// exporter causes one to a watched server.
func NewHandler(fleet Fleet, metrics http.Handler, version string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/{$}", readOnly(newStatusPage(fleet, version)))
	mux.Handle("/assets/", readOnly(assets()))
	mux.Handle("/metrics", metrics)
	mux.Handle("/-/healthy", readOnly(verdict("healthy", fleet.Unhealthy)))
	mux.Handle("/-/ready", readOnly(verdict("ready", fleet.NotReady)))
	mux.Handle("/", readOnly(http.HandlerFunc(notFound)))
	return secure(mux)
}

// verdict answers 200 while reasons has none, else 503 and the reasons, one a line.
func verdict(word string, reasons func(time.Time) []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		against := reasons(time.Now())
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if len(against) == 0 {
			_, _ = io.WriteString(w, word+"\n")
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "not "+word+"\n"+strings.Join(against, "\n")+"\n")
	})
}

// readOnly lets GET and HEAD through and refuses every other method.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this page can only be read: use GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Referrer-Policy":         "no-referrer",
	"X-Content-Type-Options":  "nosniff",
	"X-Frame-Options":         "deny",
}

// secure sets the security headers, except those that the operator's web
// configuration file has set already.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			if w.Header().Get(name) == "" {
				w.Header().Set(name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}
