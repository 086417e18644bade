package web

import (
	"net/http"
	"net/http/pprof"
)

// handleProfiles adds /debug/pprof/. The package pprof adds itself to the default
// mux as well, which nothing here serves.
func handleProfiles(mux *http.ServeMux, enabled bool) {
	if !enabled {
		mux.Handle("/debug/pprof/", readOnly(switchedOff("Profiles are off: start the exporter with --web.enable-pprof.")))
		return
	}
	taking := newPlaces(maxLists, maxLists/2)
	for path, profile := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.Handle(path, readOnly(taking.limited("10", "Too many profiles are being taken. Try again.", profile)))
	}
}
