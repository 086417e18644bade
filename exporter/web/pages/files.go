package pages

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"icws_exporter/dashboards"
)

// newConfiguration serves the configuration in effect, with every default and
// without secrets, as YAML: one server after the other, so that thousands of them
// need no more memory than one.
func newConfiguration(fleet Fleet) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		servers := fleet.Servers()
		writeText(w, fmt.Sprintf("# The configuration in effect of %s, every default filled in, without secrets.\nservers:\n", count(len(servers), "server")))
		for _, s := range servers {
			var text strings.Builder
			mark := "  - "
			for line := range strings.Lines(string(s.Config.Redacted())) {
				text.WriteString(mark + line)
				mark = "    "
			}
			if _, err := io.WriteString(w, text.String()); err != nil {
				return // the client has gone
			}
		}
	})
}

func newIndex(o Options, title string, i index) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		render(w, http.StatusOK, "index.html", struct {
			frame
			index
		}{o.frame("../", title, "", time.Now()), i})
	})
}

func dashboardIndex() index {
	i := index{About: "Grafana dashboards, to save and to import in Grafana. All at once are written by", Command: "icws_exporter dashboards write DIR"}
	for _, d := range dashboards.All() {
		i.Entries = append(i.Entries, indexEntry{Link: d.Name + ".json", Name: d.Title, About: d.Description})
	}
	return i
}

// dashboard serves a dashboard as Grafana imports it.
func dashboard(w http.ResponseWriter, r *http.Request) {
	for _, d := range dashboards.All() {
		if d.Name+".json" == r.PathValue("name") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(d.JSON)
			return
		}
	}
	notFound(w, r)
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text)
}
