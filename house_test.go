package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFunctionLines = 60
	maxFileLines     = 400
	maxMainLines     = 60
)

// source is one Go file of the module.
type source struct {
	path    string // from the module's root, with slashes
	lines   int
	file    *ast.File
	fileSet *token.FileSet
}

func (s source) isTest() bool       { return strings.HasSuffix(s.path, "_test.go") }
func (s source) pkg() string        { return path.Dir(s.path) }
func (s source) in(dir string) bool { return s.pkg() == dir || strings.HasPrefix(s.pkg(), dir+"/") }

func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// sources parses every Go file of this module; modules inside it, such as the
// tools of CI, are other houses.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(name), strings.Count(string(text), "\n"), file, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d Go files: the walk is broken", len(all))
	}
	return all
}

func isStd(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".") && first != "icws_exporter"
}

// importRules are the import directions of the house: allowed says which imports
// the files of a directory may have. Tests of a package may use more.
var importRules = []struct {
	why     string
	applies func(source) bool
	allowed func(string) bool
}{
	{
		"probe and all below it know neither the exporter nor Prometheus",
		func(s source) bool { return s.in("probe") },
		func(p string) bool {
			return !strings.HasPrefix(p, "icws_exporter/exporter") && !strings.HasPrefix(p, "github.com/prometheus/")
		},
	},
	{
		"the catalogue, the simulator and what finds secrets need nothing but the standard library",
		func(s source) bool {
			return s.in("probe/catalogue") || s.in("probe/icwssim") || s.in("probe/secret") && !s.isTest()
		},
		isStd,
	},
	{
		"the wire client needs jsontext and secrets besides the standard library, and knows no copy of what it reads",
		func(s source) bool { return s.in("probe/icws") },
		func(p string) bool {
			return isStd(p) || p == "github.com/go-json-experiment/json/jsontext" || p == "icws_exporter/probe/secret"
		},
	},
	{
		"check knows no recorder: the command line puts them together",
		func(s source) bool { return s.in("exporter/check") },
		func(p string) bool { return p != "icws_exporter/exporter/capture" },
	},
	{
		"the metric table does no I/O",
		func(s source) bool { return s.in("exporter/collect") },
		func(p string) bool { return p != "net" && p != "net/http" && p != "os" && p != "os/exec" },
	},
	{
		"only main knows the command line",
		func(s source) bool { return s.path != "main.go" },
		func(p string) bool { return p != "icws_exporter/exporter/cli" },
	},
	{
		"main only calls the command line",
		func(s source) bool { return s.path == "main.go" },
		func(p string) bool { return isStd(p) || p == "icws_exporter/exporter/cli" },
	},
	{
		"the configuration knows neither the metrics nor the pages",
		func(s source) bool { return s.in("exporter/config") },
		func(p string) bool {
			return !strings.HasPrefix(p, "icws_exporter/exporter") || p == "icws_exporter/exporter/files"
		},
	},
	{
		"what reads files, what hands on log lines and what talks to Windows know nothing of the house",
		func(s source) bool {
			return s.in("exporter/files") || s.in("exporter/logging") || s.in("exporter/service")
		},
		func(p string) bool { return isStd(p) || strings.HasPrefix(p, "golang.org/x/sys/windows") },
	},
	{
		"the alerts are files, and what changes them is about text",
		func(s source) bool { return s.in("alerts") },
		isStd,
	},
	{
		"the dashboards know the metric table and the thresholds of the alerts, and nothing else of the house",
		func(s source) bool { return s.in("dashboards") },
		func(p string) bool {
			return isStd(p) || p == "icws_exporter/exporter/collect" || strings.HasPrefix(p, "icws_exporter/alerts")
		},
	},
	{
		"nothing imports the pages but the mux",
		func(s source) bool { return s.pkg() != "exporter/web" },
		func(p string) bool { return p != "icws_exporter/exporter/web/pages" },
	},
	{
		"the pages are above the fleet",
		func(s source) bool { return s.pkg() == "exporter" },
		func(p string) bool { return p != "icws_exporter/exporter/web" },
	},
}

func TestImportsPointDownwards(t *testing.T) {
	all := sources(t)
	for _, rule := range importRules {
		applied := false
		for _, s := range all {
			if s.isTest() || !rule.applies(s) {
				continue
			}
			applied = true
			for _, p := range s.imports() {
				if !rule.allowed(p) {
					t.Errorf("%s imports %s: %s", s.path, p, rule.why)
				}
			}
		}
		if !applied {
			t.Errorf("no file is under the rule %q: it has lost its package", rule.why)
		}
	}
}

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	for _, s := range sources(t) {
		limit := maxFileLines
		if s.path == "main.go" {
			limit = maxMainLines - 1
		}
		if !s.isTest() && s.lines > limit {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, limit)
		}
		for _, declaration := range s.file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || s.isTest() {
				continue
			}
			lines := s.fileSet.Position(f.End()).Line - s.fileSet.Position(f.Pos()).Line + 1
			if lines > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, lines, maxFunctionLines)
			}
		}
	}
}

func TestNoPackageIsADrawer(t *testing.T) {
	for _, s := range sources(t) {
		base := strings.TrimSuffix(path.Base(s.path), ".go")
		for _, name := range []string{s.file.Name.Name, base} {
			if slices.Contains([]string{"util", "utils", "helper", "helpers", "common", "manager", "misc"}, name) {
				t.Errorf("%s: the name %s says nothing about what is in it", s.path, name)
			}
		}
	}
}

// The image is built from the folders that the Dockerfile names, and a build is given
// nothing else: a password beside them would stay in its context.
func TestDockerfileCopiesWhatTheBinaryIsMadeOf(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := os.ReadFile(".dockerignore")
	if err != nil || !strings.Contains(string(ignored), "\n*\n") {
		t.Fatalf("a build is given everything: %v", err)
	}
	copied := regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(string(text), -1)
	for _, m := range copied {
		for _, name := range strings.Fields(m[1]) {
			if !strings.Contains(string(ignored), "\n!"+name+"\n") {
				t.Errorf(".dockerignore keeps %s from the build", name)
			}
		}
	}
	if given := strings.Count(string(ignored), "\n!"); given != 7 || len(copied) != 6 {
		t.Errorf("a build is given %d names, and takes them in %d lines", given, len(copied))
	}
	for _, s := range sources(t) {
		for _, p := range s.imports() {
			rest, ours := strings.CutPrefix(p, "icws_exporter/")
			folder, _, _ := strings.Cut(rest, "/")
			if ours && !s.isTest() && !strings.Contains(string(text), "\nCOPY "+folder+" "+folder+"\n") {
				t.Errorf("%s imports %s, which the Dockerfile does not copy", s.path, p)
			}
		}
	}
}

// Whatever an operator names may be a pipe, a device or a file without end: one
// package knows how to read it.
func TestFilesAreReadInOnePlace(t *testing.T) {
	inOnePlace := false
	for _, s := range sources(t) {
		if s.isTest() || s.in("bench") || s.in("dashboards") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if ok && pkg.Name == "os" && call.Sel.Name == "OpenFile" && s.in("exporter/files") {
				inOnePlace = true
			}
			if !ok || pkg.Name != "os" || !slices.Contains([]string{"Open", "ReadFile", "OpenInRoot", "DirFS"}, call.Sel.Name) {
				return true
			}
			t.Errorf("%s calls os.%s: read it with exporter/files", s.fileSet.Position(call.Pos()), call.Sel.Name)
			return true
		})
	}
	if !inOnePlace {
		t.Error("exporter/files reads no file: the rule has lost its package")
	}
}

// Who logs on is a user (docs/glossary.md), in the code and in what it says too. An account
// is one of Windows, or of Kubernetes.
func TestWhoLogsOnIsAUser(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || s.in("exporter/service") || s.path == "exporter/cli/service.go" {
			continue
		}
		text, err := os.ReadFile(filepath.FromSlash(s.path))
		if err != nil {
			t.Fatal(err)
		}
		if word := regexp.MustCompile(`(?i)\w*account\w*`).FindString(string(text)); word != "" {
			t.Errorf("%s says %s; the word is user", s.path, word)
		}
	}
}

// The guide names every file that another subscription would touch: those that know
// the second one, and not only its own.
func TestTheGuideNamesWhatASubscriptionTouches(t *testing.T) {
	guide, err := os.ReadFile(".github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(guide), "\n## Add a subscription\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:exporter|probe)/[a-z_/*]+(?:\\.go)?)`").FindAllStringSubmatch(section, -1) {
		found, err := filepath.Glob(m[1])
		if err != nil || len(found) == 0 {
			t.Errorf("the guide names %s, which is not there: %v", m[1], err)
		}
		named[m[1]] = true
	}
	if !named["probe/feeds.go"] || !named["probe/icws/statusmessages.go"] {
		t.Fatalf("the guide names %v", named)
	}
	// A feed's own files begin with what it is about.
	own := func(file string) bool { return strings.HasPrefix(path.Base(file), "user") }
	for _, s := range sources(t) {
		if s.isTest() || own(s.path) || named[s.path] {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok && name.Name == "UserStatuses" {
				t.Errorf("%s knows the subscription to user statuses, and the guide does not name the file", s.fileSet.Position(n.Pos()))
			}
			return true
		})
	}
}
