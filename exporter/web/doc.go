// Package web is the HTTP surface of the exporter: the status page, /metrics,
// /-/healthy and /-/ready, and the listeners they are served on.
package web
