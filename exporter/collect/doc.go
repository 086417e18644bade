// Package collect holds the metric table, the only place that names a metric,
// and turns it into exposition.
//
// A Family is one metric family as data: its name, help, labels and a function
// that emits its samples from what a probe published (probe.Snapshot) and from
// the events it reported (ServerMetrics, a probe.Observer). A Set holds the
// servers of one exporter and renders the table: as Prometheus text and
// OpenMetrics by its own writer, and as a prometheus.Collector, from which
// promhttp serves protobuf and which is the reference of the writer.
//
// A scrape never causes a request to a server and never waits for a probe.
package collect

//go:generate go test -run TestReference -update
