package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"icws_exporter/exporter/config"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every flag is in the README with its default, and the README names no other.
func TestReadmeNamesEveryFlag(t *testing.T) {
	text := readme(t)
	parser, err := kong.New(&grammar{}, variables(), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, command := range append(parser.Model.Leaves(true), parser.Model.Node) {
		for _, flag := range command.Flags {
			known["--"+flag.Name] = true
			lines := regexp.MustCompile("(?m)^.*`--"+regexp.QuoteMeta(flag.Name)+"`.*$").FindAllString(text, -1)
			if len(lines) == 0 {
				t.Errorf("the README does not name --%s of %q", flag.Name, command.Name)
			}
			if flag.Default != "" && !strings.Contains(strings.Join(lines, "\n"), "`"+flag.Default+"`") {
				t.Errorf("the README does not give the default %s of --%s of %q", flag.Default, flag.Name, command.Name)
			}
		}
	}
	for _, flag := range regexp.MustCompile("`(--[a-z.-]+)`").FindAllStringSubmatch(text, -1) {
		if !known[flag[1]] {
			t.Errorf("the README names %s, which does not exist", flag[1])
		}
	}
}

func TestReadmeConfigurationIsValid(t *testing.T) {
	example := regexp.MustCompile("(?s)```yaml\n(defaults:.*?)```").FindStringSubmatch(readme(t))
	if example == nil {
		t.Fatal("the README has no configuration example")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := makeCertificate("", filepath.Join(dir, "lab-ca.pem")); err != nil {
		t.Fatal(err)
	}
	v, err := config.Parse("README.md", []byte(example[1]), dir)
	if err != nil {
		t.Fatal(err)
	}
	if servers := v.Servers(); len(servers) != 2 || servers[0].Name != "chicago" {
		t.Errorf("the example watches %v", servers)
	}
}
