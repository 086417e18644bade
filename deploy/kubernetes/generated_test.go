package kubernetes

import (
	"bytes"
	"os"
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
}
