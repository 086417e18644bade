package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// Every command and every flag is offered where it may stand, and is in the manual.
func TestCommandLineIsDescribedWhole(t *testing.T) {
	parser, err := newParser(&grammar{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		var out, log bytes.Buffer
		if code := Run(t.Context(), args, &out, &log); code != ExitOK {
			t.Fatalf("%v exits with %d: %s", args, code, log.String())
		}
		return out.String()
	}
	manual := run("man")
	for _, command := range parser.Model.Leaves(true) {
		words := strings.Fields(strings.TrimPrefix(command.FullPath(), "icws_exporter"))
		offered := run(append(append([]string{"complete", "--"}, words...), "")...)
		if before := run(append(append([]string{"complete", "--"}, words[:len(words)-1]...), "")...); !strings.Contains("\n"+before, "\n"+command.Name+"\t") {
			t.Errorf("%s is not offered", command.Path())
		}
		for _, f := range command.Flags {
			if !strings.Contains(offered, "--"+f.Name) || !strings.Contains(manual, `\-\-`+strings.ReplaceAll(f.Name, "-", `\-`)) {
				t.Errorf("--%s of %s is not offered, or not in the manual", f.Name, command.Path())
			}
			if f.Enum != "" && run("complete", "--", words[0], "--"+f.Name, "=", "") != run("complete", "--", words[0], "--"+f.Name+"=") && len(words) == 1 {
				t.Errorf("the values of --%s are other ones after a blank", f.Name)
			}
		}
	}
	if values := run("complete", "--", "serve", "--log.level=d"); values != "debug\ninfo\nwarn\nerror\n" {
		t.Errorf("offers %q", values)
	}
	if other := run("complete", "--", "serve", ""); strings.Contains(other, "--scenario") {
		t.Error("serve offers a flag of demo")
	}
}
