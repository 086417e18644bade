// Command build writes the dashboards. Run it in the module's root after a change of
// this package or of the metric table:
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
	for name, content := range files() {
		if err := os.WriteFile(filepath.Join("dashboards", name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "build: write the dashboards, from the module's root:", err)
			os.Exit(1)
		}
	}
}

// all are the dashboards in the order in which a reader meets them.
func all() []dashboard {
	return []dashboard{overview(), server(), catalogue(), exporter()}
}

// files returns the contents of the files by name.
func files() map[string][]byte {
	generated := map[string][]byte{}
	for _, d := range all() {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(d); err != nil {
			panic(fmt.Sprintf("%s: %v", d.Title, err)) // it holds nothing that has no JSON
		}
		generated[d.UID+".json"] = text.Bytes()
	}
	return generated
}
