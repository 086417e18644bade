package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"icws_exporter/exporter/cli/describe"
)

// Every command and every flag is in the completion of each shell and in the manual.
func TestCommandLineIsDescribedWhole(t *testing.T) {
	parser, err := newParser(&grammar{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		flag func(*kong.Flag) string
	}{
		{[]string{"completion", "bash"}, func(f *kong.Flag) string { return "--" + f.Name }},
		{[]string{"completion", "fish"}, func(f *kong.Flag) string { return " -l " + f.Name + " " }},
		{[]string{"completion", "zsh"}, func(f *kong.Flag) string { return "'--" + f.Name }},
		{[]string{"man"}, func(f *kong.Flag) string { return `\-\-` + strings.ReplaceAll(f.Name, "-", `\-`) }},
	} {
		var out, log bytes.Buffer
		if code := Run(t.Context(), c.args, &out, &log); code != ExitOK {
			t.Fatalf("%v exits with %d: %s", c.args, code, log.String())
		}
		for _, command := range parser.Model.Leaves(true) {
			if !strings.Contains(out.String(), command.Name) {
				t.Errorf("%v lacks %s", c.args, command.Path())
			}
			for _, f := range command.Flags {
				if !strings.Contains(out.String(), c.flag(f)) {
					t.Errorf("%v lacks --%s of %s", c.args, f.Name, command.Path())
				}
			}
		}
	}
	if err := describe.WriteCompletion(io.Discard, "csh", parser.Model); err == nil || !strings.Contains(err.Error(), "bash, fish, zsh") {
		t.Errorf("a shell that is not known: %v", err)
	}
}
