// Package incidents has things go wrong and holds what Prometheus and Alertmanager
// deliver to what docs/incidents.md says. It is a module of its own: the exporter does
// not need them.
package incidents
