package dashboards_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"icws_exporter/dashboards"
)

// Every file is in the binary, and says what it is.
func TestAllHasEveryFile(t *testing.T) {
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := dashboards.All()
	if len(all) != len(files) || len(all) == 0 {
		t.Errorf("%d dashboards, but %d files", len(all), len(files))
	}
	for _, d := range all {
		if d.Title == "" || d.Description == "" || len(d.JSON) == 0 {
			t.Errorf("%s is incomplete: title %q, description %q", d.Name, d.Title, d.Description)
		}
		if line := fmt.Sprintf("\n| **%s** | `%s.json` | %s |\n", d.Title, d.Name, d.Description); !strings.Contains(string(readme), line) {
			t.Errorf("the README does not list %s as it is:%s", d.Name, line)
		}
	}
}
