package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// newConfiguration serves the configuration in effect, with every default and
// without secrets, as YAML.
func newConfiguration(fleet Fleet) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		servers := fleet.Servers()
		var text strings.Builder
		fmt.Fprintf(&text, "# The configuration in effect of %s, every default filled in, without secrets.\nservers:\n", count(len(servers), "server"))
		for _, s := range servers {
			mark := "  - "
			for line := range strings.Lines(string(s.Config.Redacted())) {
				text.WriteString(mark + line)
				mark = "    "
			}
		}
		writeText(w, text.String())
	})
}

// newRunbooks serves the runbooks of the alerts as they are written, as plain text.
func newRunbooks(runbook func(name string) (string, bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if runbook != nil {
			if text, ok := runbook(r.PathValue("name")); ok {
				writeText(w, text)
				return
			}
		}
		notFound(w, r)
	})
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text)
}
