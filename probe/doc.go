// Package probe watches one IC server: it keeps one session and its
// status-messages subscription alive, follows the messages, checks that they are
// really delivered, and publishes what it knows as an immutable Snapshot.
//
// One goroutine owns one Probe. Events that have to be counted leave through an
// Observer. The package knows nothing of Prometheus.
package probe
