// Package queries checks every query of the dashboards, the rules and the runbooks
// with the parser of Prometheus: the metrics, labels and label values exist, and the
// sides of an operator can match. It is a module of its own: the exporter does not
// need the parser.
package queries
