package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what the generator writes, and nothing else.
func TestFilesAreGenerated(t *testing.T) {
	generated := files()
	for name, want := range generated {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: run go run ./dashboards/build in the module's root", name)
		}
	}
	committed, err := filepath.Glob("../*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range committed {
		if _, ok := generated[filepath.Base(path)]; !ok {
			t.Errorf("%s is not generated", path)
		}
	}
}
