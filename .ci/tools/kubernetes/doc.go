// Package kubernetes checks deploy/kubernetes against the types of Kubernetes and of
// the Prometheus operator. It is a module of its own, so that the exporter needs
// none of them.
package kubernetes
