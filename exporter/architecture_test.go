package exporter_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/architecture.md anew")

// The table of packages is what go list says of them: name, duty and imports.
func TestArchitectureShowsThePackages(t *testing.T) {
	const file, mark, end = "../docs/architecture.md", "<!-- packages -->\n", "<!-- end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), mark)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no %s with its end", file, mark)
	}
	want := before + mark + packageTable(t) + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("%s is not of these packages; write it anew with go test ./exporter -run Architecture -update", file)
	}
}

// packageTable has a row per package, those that import others first.
func packageTable(t *testing.T) string {
	t.Helper()
	command := exec.Command("go", "list", "-f", "{{.ImportPath}}\t{{.Doc}}\t{{join .Imports \" \"}}", "icws_exporter/...")
	command.Stderr = os.Stderr
	listed, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| package | duty | imports of ours |\n|---|---|---|\n")
	rows, placed := packages(string(listed)), map[string]bool{}
	for len(placed) < len(rows) {
		before := len(placed)
		for _, p := range rows {
			if placed[p.name] || importedByUnplaced(p.name, rows, placed) {
				continue
			}
			placed[p.name] = true
			b.WriteString("| `" + p.name + "` | " + p.duty + " | " + strings.Join(p.imports, ", ") + " |\n")
		}
		if len(placed) == before {
			t.Fatal("the imports go round in a circle")
		}
	}
	return b.String()
}

func importedByUnplaced(name string, rows []row, placed map[string]bool) bool {
	for _, p := range rows {
		for _, imported := range p.imports {
			if imported == "`"+name+"`" && !placed[p.name] {
				return true
			}
		}
	}
	return false
}

// row is a package: its path in the repository, its duty and what it imports of ours.
type row struct {
	name, duty string
	imports    []string
}

var opening = regexp.MustCompile(`^(Package|Command) \S+ `)

func packages(listed string) (rows []row) {
	for line := range strings.Lines(listed) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		p := row{name: strings.TrimPrefix(columns[0], "icws_exporter/"), duty: opening.ReplaceAllString(columns[1], "")}
		if p.duty == "" {
			continue // nothing but tests
		}
		if p.name == "icws_exporter" {
			p.name = "main.go"
		}
		for _, imported := range strings.Fields(columns[2]) {
			if ours, yes := strings.CutPrefix(imported, "icws_exporter/"); yes {
				p.imports = append(p.imports, "`"+ours+"`")
			}
		}
		rows = append(rows, p)
	}
	return rows
}

// What the page says to look at is there.
func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:probe|exporter|alerts|dashboards|deploy|bench|\\.ci)/[^` ]*|house_test\\.go)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 30 {
		t.Fatalf("only %d files and folders are named", len(named))
	}
	for _, name := range named {
		if found, err := filepath.Glob("../" + name[1]); err != nil || len(found) == 0 {
			t.Errorf("there is no %s", name[1])
		}
	}
}
