// Command build writes the dashboards and their README. Run it in the module's
// root after a change of this package or of the metric table:
//
//	go run ./dashboards/build
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("dashboards"); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// all are the dashboards in the order in which a reader meets them.
func all() []dashboard {
	return []dashboard{overview(), server(), catalogue(), exporter()}
}

// write writes all files into the directory.
func write(dir string) error {
	generated, err := files()
	if err != nil {
		return err
	}
	for name, content := range generated {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("write the dashboards, from the module's root: %w", err)
		}
	}
	return nil
}

// files returns the contents of the files by name.
func files() (map[string][]byte, error) {
	generated := map[string][]byte{}
	for _, d := range all() {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(d); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Title, err)
		}
		generated[d.UID+".json"] = text.Bytes()
	}
	var err error
	if generated["README.md"], err = readme(); err != nil {
		return nil, fmt.Errorf("README.md: %w", err)
	}
	return generated, nil
}
