package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// testPassword stands in the password file and, misplaced, all over the bad files.
const testPassword = "swordfish-0451"

// parseTestdata parses a file by its base name, so that golden files do not
// depend on where the tests run.
func parseTestdata(t *testing.T, path string) (Validated, error) {
	t.Helper()
	t.Setenv("ICWS_TEST_PASSWORD", testPassword)
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(filepath.Base(path), src, filepath.Dir(path))
}

// withoutCheckout leaves out where the repository is.
func withoutCheckout(t *testing.T, text string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text, here, "HERE")
}

func filesIn(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s (%v)", pattern, err)
	}
	return files
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestBadFilesAreRefusedWithEveryProblem(t *testing.T) {
	for _, path := range filesIn(t, "testdata/bad/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			v, err := parseTestdata(t, path)
			problems := (*Error)(nil)
			if !errors.As(err, &problems) || len(problems.Problems) == 0 {
				t.Fatalf("got %v, want an *Error with problems", err)
			}
			if v.effective != nil {
				t.Error("a refused file gave a configuration")
			}
			compareGolden(t, strings.TrimSuffix(path, ".yaml")+".err", withoutCheckout(t, err.Error())+"\n")
		})
	}
}

func TestNoProblemRepeatsASecretOrALineOfTheFile(t *testing.T) {
	for _, path := range filesIn(t, "testdata/bad/*.yaml") {
		_, err := parseTestdata(t, path)
		for _, secret := range []string{testPassword, "swordfish", "0451"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error gives the password away: %v", path, err)
			}
		}
	}
}

func TestGoodFilesBecomeTheEffectiveConfiguration(t *testing.T) {
	for _, path := range filesIn(t, "testdata/good/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			v, err := parseTestdata(t, path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(v.Redacted()), testPassword) {
				t.Error("the effective configuration shows the password")
			}
			compareGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", string(v.Redacted()))
		})
	}
}

func TestTheEffectiveConfigurationIsAConfiguration(t *testing.T) {
	for _, path := range []string{"testdata/good/minimal.yaml", "testdata/good/lowest.yaml", "testdata/good/highest.yaml", "testdata/good/design.yaml"} {
		v, err := parseTestdata(t, path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again", v.Redacted(), "")
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if diff := cmp.Diff(string(v.Redacted()), string(again.Redacted())); diff != "" {
			t.Errorf("%s changes when it is read back (-first +second):\n%s", path, diff)
		}
		if v.Hash() != again.Hash() {
			t.Errorf("%s: equal configurations have the hashes %x and %x", path, v.Hash(), again.Hash())
		}
	}
}
