package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/exporter/files"
)

func TestThePasswordLosesOneLineEnd(t *testing.T) {
	for content, want := range map[string]string{
		"pw": "pw", "pw\n": "pw", "pw\r\n": "pw", "pw\n\n": "pw\n", "two words\n": "two words", "pä\n": "pä", "pw\r": "pw\r", "pw \r\n": "pw ",
	} {
		file := filepath.Join(t.TempDir(), "pw")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Server{PasswordFile: file}.Password()
		if err != nil || got.Reveal() != want {
			t.Errorf("%q is read as %q, %v; want %q", content, got.Reveal(), err, want)
		}
	}
}

func TestThePasswordIsReadAnewEveryTime(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", directory)
	set := map[string]func(string){
		"file":       func(pw string) { os.WriteFile(filepath.Join(directory, "file"), []byte(pw), 0o600) },
		"credential": func(pw string) { os.WriteFile(filepath.Join(directory, "icws"), []byte(pw), 0o600) },
		"variable":   func(pw string) { t.Setenv("ICWS_TEST_PASSWORD", pw) },
	}
	for name, server := range map[string]Server{
		"file":       {PasswordFile: filepath.Join(directory, "file")},
		"credential": {PasswordCredential: "icws"},
		"variable":   {PasswordEnv: "ICWS_TEST_PASSWORD"},
	} {
		read := server.Probe(Limits{}).Password
		for _, want := range []string{"first", "second"} {
			set[name](want + "\n")
			if got, err := read(); err != nil || got != want {
				t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
			}
		}
	}
}

func TestAPasswordThatIsGoneIsAnErrorThatDoesNotNameTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), testPassword)
	_, err := Server{PasswordFile: file}.Password()
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want one that says the file does not exist", err)
	}
	if strings.Contains(err.Error(), testPassword) {
		t.Errorf("the error repeats the name of the file: %v", err)
	}
}

func TestAByteOrderMarkIsNotPartOfAPassword(t *testing.T) {
	if got, err := passwordOf([]byte("\ufeffpw")); err == nil {
		t.Errorf("a password with a byte order mark is read as %q", got.Reveal())
	}
}

func TestTheAdviceFitsThePasswordThatCannotBeRead(t *testing.T) {
	const mayRead, limit = "the exporter's user may read", "LimitNOFILE="
	for err, want := range map[error]string{
		syscall.EMFILE: limit, syscall.ENFILE: limit,
		syscall.ENOENT: mayRead, syscall.EACCES: mayRead, files.ErrNotRegular: mayRead,
		syscall.EIO: "",
	} {
		got := adviceOn(err)
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("on %q the advice is %q, want one with %q", err, got, want)
		}
	}
}
