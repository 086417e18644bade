// Package exporter runs the probes that a configuration asks for: it starts,
// keeps and stops one probe per server of its shard, reloads the configuration,
// and answers what /-/ready and /-/healthy ask.
package exporter
