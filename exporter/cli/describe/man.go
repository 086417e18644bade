package describe

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// WriteManual writes the manual page of section 1, for man. It has no date, so that
// the same program writes the same page.
func WriteManual(w io.Writer, app *kong.Application) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1\n.SH NAME\n", strings.ToUpper(app.Name))
	about, more, _ := strings.Cut(app.Help, "\n\n")
	fmt.Fprintf(&b, "%s \\- %s\n.SH SYNOPSIS\n.B %s\n%s\n.SH DESCRIPTION\n%s\n", roff(app.Name), roff(about), roff(app.Name), roff("COMMAND [FLAGS]"), roff(about))
	if more != "" {
		fmt.Fprintf(&b, ".PP\n%s\n", roff(more))
	}
	all := commands(app.Node, "", nil)
	b.WriteString(".SH FLAGS OF EVERY COMMAND\n")
	writeFlags(&b, all[0].flags)
	b.WriteString(".SH COMMANDS\n")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, ".SS %s\n%s\n", roff(c.synopsis), roff(c.about))
		writeFlags(&b, c.flags[len(all[0].flags):])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	for _, f := range flags {
		name := "--" + f.Name
		if f.Short != 0 {
			name = "-" + string(f.Short) + ", " + name
		}
		b.WriteString(".TP\n.B " + roff(name))
		if !f.IsBool() {
			b.WriteString("=" + roff(f.FormatPlaceHolder()))
		}
		b.WriteString("\n" + roff(f.Help) + "\n")
	}
}

// roff is the text as roff prints it: nothing in it is an instruction.
func roff(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		line = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(strings.TrimSpace(line))
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}
