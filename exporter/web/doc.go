// Package web is the HTTP surface of the exporter: the listeners and what guards
// them, the metrics, the health checks, and the mux that has the pages and the API.
package web
