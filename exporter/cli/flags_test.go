package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// flagsIntro is what docs/flags.md says before its tables.
const flagsIntro = `# Commands and flags

Every command and flag of icws_exporter, as ` + "`--help`" + ` has them too; generated from the grammar of the command line.
A flag stands after its command, as ` + "`--flag=VALUE` or `--flag VALUE`" + `.

Results go to standard output; the log and errors go to standard error. The exit codes are

| code | meaning |
|---|---|
| 0 | ended as asked: the command is done, or SIGINT or SIGTERM came and every session was left |
| 1 | something failed while running, such as a port that is in use; ` + "`check`" + `: a step failed, or it was interrupted; ` + "`config check`" + `: a file is not valid |
| 2 | the command line, the configuration or a file that it names cannot be used; nothing was connected to |
| 3 | ` + "`config check --lint-fatal`" + `: all files are valid, and there are warnings |

These environment variables matter:

| variable | meaning |
|---|---|
| ` + "`ICWS_PASSWORD`" + ` | the password, where there is no ` + "`--password-file`" + ` |
| ` + "`POD_NAME`" + ` | name of the pod, for ` + "`--shard.ordinal=auto`" + `; else the host name |
| ` + "`CREDENTIALS_DIRECTORY`" + ` | set by systemd, for ` + "`password_credential`" + ` in the configuration |
| ` + "`NO_COLOR`" + //nolint:misspell // its name everywhere
	` | no colours on a terminal |
| ` + "`GOMEMLIMIT`" + ` | bound of the memory; else nine tenths of what the container may have |
| ` + "`SSL_CERT_FILE`, `SSL_CERT_DIR`" + ` | certificate authorities to trust instead of the system's |
`

// modelOf is the grammar of the command line with its help.
func modelOf(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&grammar{}, variables(), kong.Name("icws_exporter"), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// docs/flags.md is made of the grammar; go test ./exporter/cli -run FlagReference -update writes it.
func TestFlagReference(t *testing.T) {
	const file = "../../docs/flags.md"
	var b strings.Builder
	b.WriteString(flagsIntro)
	model := modelOf(t)
	for _, command := range model.Leaves(true) {
		fmt.Fprintf(&b, "\n## %s\n\n", command.Path())
		for _, paragraph := range strings.Split(command.Help+"\n\n"+command.Detail, "\n\n") {
			if paragraph != "" {
				b.WriteString(paragraph + "\n\n")
			}
		}
		fmt.Fprintf(&b, "`icws_exporter %s`\n", command.Summary())
		for _, argument := range command.Positional {
			fmt.Fprintf(&b, "\n`%s`: %s\n", argument.Summary(), inMarkdown(argument.Help))
		}
		writeFlags(&b, command.Flags)
	}
	b.WriteString("\n## Flags of every command\n")
	writeFlags(&b, model.Flags)
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != b.String() {
		t.Errorf("%s is not of this grammar; write it anew with go test ./exporter/cli -run FlagReference -update", file)
	}
}

func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	if len(flags) == 0 {
		return
	}
	b.WriteString("\n| flag | meaning | default |\n|---|---|---|\n")
	for _, flag := range flags {
		name, unset := "--"+flag.Name, ""
		if !flag.IsBool() {
			name += "=" + strings.ReplaceAll(flag.FormatPlaceHolder(), "|", `\|`)
		}
		if flag.HasDefault {
			unset = "`" + flag.Default + "`"
		}
		meaning := strings.TrimSuffix(flag.Help, " Default "+flag.Default+".")
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, inMarkdown(meaning), unset)
	}
}

// inMarkdown keeps what the text says from being read as Markdown.
func inMarkdown(text string) string {
	return strings.NewReplacer("*", `\*`, "|", `\|`).Replace(text)
}
