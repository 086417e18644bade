package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"icws_exporter/exporter"
)

// handleAPI adds /api/v1/, described in docs/api.md.
func handleAPI(mux *http.ServeMux, fleet Fleet) {
	mux.Handle("/api/v1/servers", readOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		answer := serverList{Servers: []serverDetail{}} // an empty list is [] and not null
		for _, s := range fleet.Servers() {
			answer.Servers = append(answer.Servers, newServerDetail(s, now))
		}
		writeJSON(w, http.StatusOK, answer)
	})))
	mux.Handle("/api/v1/servers/{name}", readOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		servers := fleet.Servers()
		i := slices.IndexFunc(servers, func(s exporter.Server) bool { return s.Name == r.PathValue("name") })
		if i < 0 {
			writeJSON(w, http.StatusNotFound, failure{"no server of this name is configured; /api/v1/servers has the names"})
			return
		}
		answer := newServerDetail(servers[i], time.Now())
		answer.Recent = new(newRecentDetail(servers[i].History.Recent()))
		writeJSON(w, http.StatusOK, answer)
	})))
	mux.Handle("/api/", readOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, failure{"there is nothing here; try /api/v1/servers"})
	})))
}

type failure struct {
	Error string `json:"error"`
}

// writeJSON answers with v, indented: it is read by people as well.
func writeJSON(w http.ResponseWriter, code int, v any) {
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
