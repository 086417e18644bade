package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/web/api"
)

// newProbeHandler serves the metrics of one server at /probe?target=NAME. Only
// configured names are targets: nobody can point the exporter at a server.
func newProbeHandler(set *collect.Set) http.Handler {
	negotiated := new(negotiations)
	return readOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		targets := r.URL.Query()["target"]
		if len(targets) != 1 || targets[0] == "" {
			http.Error(w, "Name one server: /probe?target=NAME.", http.StatusBadRequest)
			return
		}
		want, contentType := negotiated.want(r)
		found := set.RenderServer(targets[0], want, func(body []byte) { writeExposition(w, r, want, contentType, body) })
		if !found {
			http.Error(w, "No server of this name is configured. /sd has the targets.", http.StatusNotFound)
		}
	}))
}

// targetGroup is one element of what Prometheus reads by http_sd_configs.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// ParseExternalURL returns where a proxy serves the pages. An empty text is nil: the
// clients come without a proxy, or it changes neither address nor path.
func ParseExternalURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("not a URL; expected one such as https://proxy.example.com/icws")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("expected neither a user nor a query nor a fragment in the URL")
	}
	return u, nil
}

// newDiscovery lists every server as a target of Prometheus: /probe of this
// exporter, at the external URL, or else at the address that the client used.
func newDiscovery(fleet Fleet, external *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, prefix, secure := addressOf(r), "", r.TLS != nil
		if external != nil {
			address, prefix, secure = external.Host, strings.TrimRight(external.Path, "/"), external.Scheme == "https"
		}
		groups := []targetGroup{} // an empty list is [] and not null
		for _, server := range fleet.Servers() {
			labels := map[string]string{
				"__metrics_path__":   prefix + "/probe",
				"__param_target":     server.Name,
				"__meta_icws_server": server.Name,
				// All targets have the same address: without a label of its own, the
				// series up of each would be the same series.
				"instance": address + "/" + server.Name,
			}
			if server.Site != "" {
				labels["__meta_icws_site"] = server.Site
			}
			if secure {
				labels["__scheme__"] = "https"
			}
			groups = append(groups, targetGroup{Targets: []string{address}, Labels: labels})
		}
		api.WriteJSON(w, http.StatusOK, groups)
	})
}

// addressOf returns the host and port at which the client reached us.
func addressOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return local.String()
	}
	return ""
}
