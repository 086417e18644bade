package files

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret-name")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadReturnsTheText(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"plain":                            {"servers: []\n", "servers: []\n"},
		"empty":                            {"", ""},
		"up to the limit":                  {strings.Repeat("a", 16), strings.Repeat("a", 16)},
		"UTF-8 byte order mark":            {"\ufeffservers", "servers"},
		"Latin-1, for the caller to judge": {"caf\xe9", "caf\xe9"},
	} {
		got, err := Read(write(t, c.content), 16)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q and %v, want %q", name, got, err, c.want)
		}
	}
}

func TestReadFollowsASymbolicLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(write(t, "content"), link); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(link, 16); err != nil || string(got) != "content" {
		t.Errorf("got %q and %v", got, err)
	}
}

func TestReadRefusesByName(t *testing.T) {
	for name, c := range map[string]struct {
		path, says string
		is         error
	}{
		"nothing":         {filepath.Join(t.TempDir(), "secret-name"), "", fs.ErrNotExist},
		"a directory":     {t.TempDir(), "a directory", ErrNotRegular},
		"too large":       {write(t, strings.Repeat("a", 17)), "16 bytes", ErrTooLarge},
		"UTF-16, Windows": {write(t, "\xff\xfep\x00w\x00"), "UTF-16", ErrEncoding},
		"UTF-16, network": {write(t, "\xfe\xff\x00p\x00w"), "UTF-16", ErrEncoding},
		"UTF-32":          {write(t, "\xff\xfe\x00\x00p\x00\x00\x00"), "UTF-32", ErrEncoding},
		"UTF-16, no mark": {write(t, "p\x00w\x00"), "NUL", ErrEncoding},
	} {
		_, err := Read(c.path, 16)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v that says %q", name, err, c.is, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "secret-name") {
			t.Errorf("%s: the error names the file: %v", name, err)
		}
	}
}

func TestReadDoesNotTakeMoreThanItsLimit(t *testing.T) {
	path := write(t, "")
	if err := os.Truncate(path, 1<<40); err != nil { // a terabyte of nothing
		t.Fatal(err)
	}
	if allocated := testing.AllocsPerRun(1, func() { _, _ = Read(path, 16) }); allocated > 50 {
		t.Errorf("%v allocations", allocated)
	}
	if _, err := Read(path, 16); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("\ufeffa"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := text(content)
		if err == nil && (bytes.IndexByte(got, 0) >= 0 || !bytes.HasSuffix(content, got) || len(content)-len(got) > 3) {
			t.Errorf("%q becomes %q", content, got)
		}
	})
}
