package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Every flag of every command is used by a script, which runs the real program.
func TestScriptsUseEveryFlag(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(text)
	}
	parser, err := kong.New(&grammar{}, variables(), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Leaves(true) {
		name := command.Path()
		for _, flag := range command.Flags {
			used := regexp.MustCompile(`(?m)(icws_exporter ` + name + `|` + name + `s) (.* )?--` + regexp.QuoteMeta(flag.Name) + `\b`)
			if !used.MatchString(scripts.String()) {
				t.Errorf("no script uses %s --%s", name, flag.Name)
			}
		}
	}
}
