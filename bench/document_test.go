package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The commands of README.md that are of this program are understood by it.
func TestTheDocumentedCommandsAreUnderstood(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/FILE"
	if err := os.WriteFile(dir, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	understood := 0
	for _, m := range regexp.MustCompile(`(?m)go run \./bench([^#|\n]*)`).FindAllStringSubmatch(string(text), -1) {
		parser, err := kong.New(&grammar{}, kong.Exit(func(int) { t.Errorf("%s: asks for help", m[0]) }))
		if err != nil {
			t.Fatal(err)
		}
		arguments := strings.Fields(strings.ReplaceAll(strings.Trim(m[1], "`). "), "=FILE", "="+dir))
		if _, err := parser.Parse(arguments); err != nil {
			t.Errorf("%s: %v", m[0], err)
		}
		understood++
	}
	if understood < 5 {
		t.Errorf("only %d commands were found", understood)
	}
}

// Every flag that README.md names is one of this program, or of the exporter, whose
// own test knows those.
func TestTheDocumentedFlagsAreThere(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&grammar{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, command := range append(parser.Model.Leaves(true), parser.Model.Node) {
		for _, flag := range command.Flags {
			known["--"+flag.Name] = true
		}
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "go run . ") {
			continue
		}
		for _, flag := range regexp.MustCompile("`--[a-z.-]+").FindAllString(line, -1) {
			if flag = flag[1:]; !known[flag] && !strings.HasPrefix(flag, "--web.") {
				t.Errorf("there is no %s", flag)
			}
		}
	}
}

// The document is short, begins with the verdict, and explains each budget that the last
// results miss, and no other.
func TestTheVerdictIsThatOfTheResults(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	results, err := os.ReadFile("results.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines >= 120 {
		t.Errorf("README.md has %d lines", lines)
	}
	numbers := func(pattern, text string) []string {
		var found []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	_, section, _ := strings.Cut(string(text), "\n## What is not met, and why\n")
	section, _, _ = strings.Cut(section, "\n## ")
	missed := numbers(`(?m)^\| (\d+) \|.*\*\*no\*\*.* \|$`, string(results))
	explained := numbers(`(?i)\*\*budget (\d+)`, section)
	if !slices.Equal(missed, explained) {
		t.Errorf("the results miss the budgets %v; README.md explains %v", missed, explained)
	}
}
