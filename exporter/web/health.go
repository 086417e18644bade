package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// NewHealthHandler answers /-/healthy and /-/ready and nothing else, for a
// listener that everybody may reach: it says how many reasons speak against the
// fleet, but not which, since they name servers.
func NewHealthHandler(fleet Fleet) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/-/healthy", readOnly(healthCheck("healthy", onlyCount("/-/healthy", fleet.Unhealthy))))
	mux.Handle("/-/ready", readOnly(healthCheck("ready", onlyCount("/-/ready", fleet.NotReady))))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return secure(mux)
}

func onlyCount(path string, reasons func(time.Time) []string) func(time.Time) []string {
	return func(now time.Time) []string {
		n := len(reasons(now))
		if n == 0 {
			return nil
		}
		return []string{fmt.Sprintf("reasons: %d; %s on --web.listen-address tells them", n, path)}
	}
}

// healthCheck answers 200 while reasons has none, else 503 and the reasons, one a line.
func healthCheck(word string, reasons func(time.Time) []string) http.Handler {
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
