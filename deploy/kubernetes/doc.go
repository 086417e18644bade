// Package kubernetes holds the manifests that run the exporter in Kubernetes, and
// makes those of them that are generated: go generate ./deploy/kubernetes.
package kubernetes

//go:generate sh -c "go run icws_exporter rules print --format=prometheus-rule >prometheusrule.yaml"
