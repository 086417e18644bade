// Command licences finds out what the modules that are linked into a program are
// licensed under, prints the texts of the licences, as most of them demand of who
// passes the program on, and fails when one of them is not among those we take.
//
// It runs in the folder of the program's main package.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are licences that ask for their text to be passed on and for no more.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// platforms have the imports of all that we release for.
var platforms = []string{"linux/amd64", "windows/amd64", "darwin/arm64"}

type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

func main() {
	if err := run(os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(texts, summary io.Writer) error {
	modules := map[string]module{}
	for _, p := range platforms {
		if err := linked(p, modules); err != nil {
			return err
		}
	}
	var wrong []error
	paths := []string{}
	for path := range modules {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	fmt.Fprintln(texts, "icws_exporter is made with the modules below and with Go itself.")
	for _, path := range paths {
		if err := describe(modules[path], texts, summary); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(paths) < 10 {
		wrong = append(wrong, fmt.Errorf("only %d modules were found", len(paths)))
	}
	fmt.Fprintf(summary, "%d modules\n", len(paths))
	return errors.Join(wrong...)
}

// linked adds the modules with packages that the program for the platform is made
// of, and Go's own licence as that of std.
func linked(platform string, modules map[string]module) error {
	system, processor, _ := strings.Cut(platform, "/")
	list := exec.Command("go", "list", "-deps", "-json=Module", ".")
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		return fmt.Errorf("list the packages for %s: %w", platform, err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("find Go itself: %w", err)
	}
	modules["std"] = module{Path: "std", Dir: strings.TrimSpace(string(root))}
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p struct{ Module *module }
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the list of packages: %w", err)
		}
		if p.Module == nil || p.Module.Main {
			continue // std, or our own
		}
		m := *p.Module
		if m.Replace != nil {
			m.Dir, m.Version = m.Replace.Dir, m.Replace.Version
		}
		modules[m.Path] = m
	}
}

// describe prints the licence files of the module. Each must be one that we take.
func describe(m module, texts, summary io.Writer) error {
	var found []string
	for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "NOTICE*"} {
		files, err := filepath.Glob(filepath.Join(m.Dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("%s: %w", m.Path, err)
			}
			name := filepath.Base(file)
			fmt.Fprintf(texts, "\n==== %s %s: %s ====\n\n%s\n", m.Path, m.Version, name, bytes.TrimSpace(text))
			if strings.HasPrefix(name, "NOTICE") {
				continue
			}
			match := licensecheck.Scan(text)
			for _, l := range match.Match {
				if !slices.Contains(allowed, l.ID) {
					return fmt.Errorf("%s is licensed under %s; we take %s", m.Path, l.ID, strings.Join(allowed, ", "))
				}
				found = append(found, l.ID)
			}
			if match.Percent < 75 {
				return fmt.Errorf("%s: of %s only %.0f %% is a known licence", m.Path, name, match.Percent)
			}
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("%s has no licence in %s", m.Path, m.Dir)
	}
	slices.Sort(found)
	fmt.Fprintf(summary, "%s\t%s\t%s\n", m.Path, m.Version, strings.Join(slices.Compact(found), ", "))
	return nil
}
