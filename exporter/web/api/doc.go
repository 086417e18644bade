// Package api is the JSON API of the exporter, described in docs/api.md.
package api
