//go:build e2e

package cli

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"icws_exporter/probe/icwssim"
)

// promtool looks at what the documents give Prometheus: every scrape configuration,
// and the queries that are to find nothing. PROMTOOL names it, else the PATH has it.
func TestDocumentsBeforePromtool(t *testing.T) {
	promtool := cmp.Or(os.Getenv("PROMTOOL"), "promtool")
	checked := map[string]int{}
	for _, b := range blocks(t) {
		file := filepath.Join(t.TempDir(), "example.yaml")
		text, what := b.text, "config"
		switch {
		case strings.HasPrefix(b.text, "scrape_configs:"):
			for _, name := range []string{"exporter-ca.pem", "exporter-pw"} {
				if _, err := icwssim.Certificate("", filepath.Join(filepath.Dir(file), name)); err != nil {
					t.Fatal(err)
				}
			}
		case strings.HasPrefix(b.text, "count by (job, server)"):
			what, text = "rules", "groups:\n  - name: documents\n    rules:\n"
			for i, query := range strings.Split(strings.TrimSpace(b.text), "\n") {
				text += fmt.Sprintf("      - {alert: Query%d, expr: %q}\n", i, remark.ReplaceAllString(query, ""))
			}
		default:
			continue
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		checked[what]++
		if output, err := exec.Command(promtool, "check", what, file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s", b, err, output)
		}
	}
	if checked["config"] < 6 || checked["rules"] < 1 {
		t.Errorf("promtool looked at %v", checked)
	}
}
