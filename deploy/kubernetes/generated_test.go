package kubernetes

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"icws_exporter/exporter/cli"
)

// output is what the command writes to standard output.
func output(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, log bytes.Buffer
	if code := cli.Run(t.Context(), args, &out, &log); code != cli.ExitOK {
		t.Fatalf("%q exits with %d: %s", args, code, log.String())
	}
	return out.Bytes()
}

func TestGeneratedManifestsAreThoseOfTheProgram(t *testing.T) {
	same := func(file string, want []byte) {
		t.Helper()
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the program writes (%v): go generate ./deploy/kubernetes", file, err)
		}
	}
	same("prometheusrule.yaml", output(t, "rules", "print", "--format=prometheus-rule"))
	fresh := t.TempDir()
	output(t, "dashboards", "write", "--format=config-map", fresh)
	written, err := filepath.Glob(filepath.Join(fresh, "*"))
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Glob("dashboards/*")
	if err != nil || len(here) != len(written) || len(here) == 0 {
		t.Errorf("%d dashboards are here, %d should be (%v)", len(here), len(written), err)
	}
	for _, path := range written {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		same(filepath.Join("dashboards", filepath.Base(path)), want)
	}
}
