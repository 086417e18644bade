package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"icws_exporter/exporter"
)

// Fleet is what the API asks about the watched servers; it answers at once and to
// any goroutine.
type Fleet interface{ Servers() []exporter.Server }

// Routes returns the handlers of /api/ by their patterns for an http.ServeMux. They
// only read; the caller lets GET and HEAD through and nothing else.
func Routes(fleet Fleet) map[string]http.Handler {
	return map[string]http.Handler{
		"/api/v1/servers": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			now := time.Now()
			answer := serverList{Servers: []serverDetail{}} // an empty list is [] and not null
			for _, s := range fleet.Servers() {
				answer.Servers = append(answer.Servers, newServerDetail(s, now))
			}
			WriteJSON(w, http.StatusOK, answer)
		}),
		"/api/v1/servers/{name}": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			servers := fleet.Servers()
			i := slices.IndexFunc(servers, func(s exporter.Server) bool { return s.Name == r.PathValue("name") })
			if i < 0 {
				WriteJSON(w, http.StatusNotFound, failure{"no server of this name is configured; /api/v1/servers has the names"})
				return
			}
			answer := newServerDetail(servers[i], time.Now())
			answer.Recent = new(newRecentDetail(servers[i].History.Recent()))
			WriteJSON(w, http.StatusOK, answer)
		}),
		"/api/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			WriteJSON(w, http.StatusNotFound, failure{"there is nothing here; try /api/v1/servers"})
		}),
	}
}

type failure struct {
	Error string `json:"error"`
}

// WriteJSON answers with v, indented: it is read by people as well.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		http.Error(w, "the answer could not be made; please report this", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = body.WriteTo(w)
}
