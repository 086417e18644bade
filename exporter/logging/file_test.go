package logging

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogFileGoesOnAndTurnsOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exporter.log")
	line := []byte(strings.Repeat("l", 1<<20-1) + "\n")
	written := 0
	for range 3 { // the exporter is restarted twice
		f, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			if n, err := f.Write(line); n != len(line) || err != nil {
				t.Fatalf("got %d and %v", n, err)
			}
			written++
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	former, err := os.ReadFile(path + ".1")
	if err != nil {
		t.Fatal(err)
	}
	current, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(former) != maxFile || len(current) != (written-20)*len(line) || bytes.Count(current, []byte("\n")) != 1 {
		t.Errorf("the former one has %d bytes, the current one %d", len(former), len(current))
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 2 {
		t.Errorf("there are %q, %v", files, err)
	}
}

func TestALogFileIsARegularOne(t *testing.T) {
	if _, err := OpenFile(t.TempDir()); err == nil {
		t.Error("a directory is opened as a log file")
	}
	if _, err := OpenFile(filepath.Join(t.TempDir(), "no", "log")); err == nil {
		t.Error("a file in no directory is opened")
	}
}
