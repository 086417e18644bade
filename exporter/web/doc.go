// Package web is the HTTP surface of the exporter: the status page, the metrics,
// the health checks, the API (docs/api.md) and what flags switch on, and the listeners
// they are served on.
package web
