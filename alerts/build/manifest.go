package build

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PrometheusRule returns one manifest for the Prometheus operator with the groups
// of all rule files. The labels are those of its metadata, by which a Prometheus
// selects rules. The error names a file that does not have the expected layout.
func PrometheusRule(name string, labels map[string]string, texts ...string) (string, error) {
	var b strings.Builder
	b.WriteString("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: " + name + "\n")
	if len(labels) > 0 {
		b.WriteString("  labels:\n")
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			b.WriteString("    " + key + ": " + quoted(labels[key]) + "\n")
		}
	}
	b.WriteString("spec:\n  groups:\n")
	for i, text := range texts {
		comment, groups, found := strings.Cut(text, "\ngroups:\n")
		if !found {
			return "", fmt.Errorf("rule file %d has no groups", i+1)
		}
		for line := range strings.Lines(comment + "\n" + groups) {
			if strings.TrimSpace(line) != "" {
				line = "  " + line
			}
			b.WriteString(line)
		}
	}
	return b.String(), nil
}
