package describe

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Shells are those that WriteCompletion knows.
var Shells = []string{"bash", "fish", "zsh"}

// WriteCompletion writes a script that has the shell complete the commands, the
// flags, and those values of flags that are a choice. Other values complete to
// files. The error is that of the writer, or names an unknown shell.
func WriteCompletion(w io.Writer, shell string, app *kong.Application) error {
	all := commands(app.Node, "", nil)
	var script string
	switch shell {
	case "bash":
		script = bash(app.Name, all)
	case "fish":
		script = fish(app.Name, all)
	case "zsh":
		script = zsh(app.Name, all)
	default:
		return fmt.Errorf("the shell %q is none of %s", shell, strings.Join(Shells, ", "))
	}
	_, err := io.WriteString(w, script)
	return err
}

// quote makes one word of the text in every shell: what would end it is left out,
// since help texts are there to be read.
func quote(text string) string {
	return "'" + strings.NewReplacer("'", "’", `\`, "").Replace(text) + "'"
}

// walk has the variable at follow the words of a command line to a command.
func walk(all []command, over string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "    for word in %s; do\n        case \"$at $word\" in\n", over)
	for _, c := range all[1:] {
		parent, name := "", c.path
		if i := strings.LastIndexByte(c.path, ' '); i >= 0 {
			parent, name = c.path[:i], c.path[i+1:]
		}
		fmt.Fprintf(&b, "            %s) at=%s ;;\n", quote(parent+" "+name), quote(c.path))
	}
	b.WriteString("        esac\n    done\n")
	return b.String()
}

// choices are the cases of a flag whose values are a choice.
func choices(all []command, line string) string {
	var b strings.Builder
	var known []string
	for _, c := range all {
		for _, f := range c.flags {
			key := c.path + " --" + f.Name
			if v := values(f); v != nil && !slices.Contains(known, key) {
				known = append(known, key)
				fmt.Fprintf(&b, "            %s) "+line+" ;;\n", quote(key), strings.Join(v, " "))
			}
		}
	}
	return b.String()
}

func bash(program string, all []command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# bash completion for %s\n_%s() {\n", program, program)
	b.WriteString("    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} at= word= flag=\n")
	b.WriteString("    COMPREPLY=()\n")
	b.WriteString(walk(all, `"${COMP_WORDS[@]:1:COMP_CWORD-1}"`))
	// The = of --flag=value is a word of its own.
	b.WriteString("    if [[ $current == = ]]; then\n        flag=$before current=\n")
	b.WriteString("    elif [[ $before == = ]]; then\n        flag=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n")
	b.WriteString("    if [[ -n $flag ]]; then\n        case \"$at $flag\" in\n")
	b.WriteString(choices(all, `COMPREPLY=($(compgen -W '%s' -- "$current"))`))
	b.WriteString("            *) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")) ;;\n        esac\n        return\n    fi\n")
	b.WriteString("    case $at in\n")
	for _, c := range all {
		var words []string
		for _, n := range c.words {
			words = append(words, n.Name)
		}
		for _, f := range c.flags {
			word := "--" + f.Name
			if !f.IsBool() {
				word += "="
			}
			words = append(words, word)
		}
		fmt.Fprintf(&b, "        %s) COMPREPLY=($(compgen -W '%s' -- \"$current\")) ;;\n", quote(c.path), strings.Join(words, " "))
	}
	b.WriteString("    esac\n    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n")
	fmt.Fprintf(&b, "}\ncomplete -o default -F _%s %s\n", program, program)
	return b.String()
}

func zsh(program string, all []command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %s\n_%s() {\n    local at= word= flag=\n    local -a found\n", program, program)
	b.WriteString(walk(all, "${words[2,CURRENT-1]}"))
	b.WriteString("    if [[ $PREFIX == --*=* ]]; then\n        flag=${PREFIX%%=*}\n        compset -P '*='\n        case \"$at $flag\" in\n")
	b.WriteString(choices(all, "compadd -- %s"))
	b.WriteString("            *) _files ;;\n        esac\n        return\n    fi\n    case $at in\n")
	described := func(name, help string) string {
		return " " + quote(strings.ReplaceAll(name, ":", `\:`)+":"+text(help))
	}
	for _, c := range all {
		fmt.Fprintf(&b, "        %s)\n            found=(", quote(c.path))
		for _, n := range c.words {
			b.WriteString(described(n.Name, n.Help))
		}
		b.WriteString(" )\n            (( ! $#found )) || _describe command found\n            found=(")
		for _, f := range c.flags {
			if f.IsBool() {
				b.WriteString(described("--"+f.Name, f.Help))
			}
		}
		b.WriteString(" )\n            _describe flag found\n            found=(")
		for _, f := range c.flags {
			if !f.IsBool() {
				b.WriteString(described("--"+f.Name+"=", f.Help))
			}
		}
		b.WriteString(" )\n            _describe flag found -S ''\n            ;;\n")
	}
	fmt.Fprintf(&b, "    esac\n    [[ $PREFIX == -* ]] || _files\n}\nif [[ $funcstack[1] == _%[1]s ]]; then _%[1]s \"$@\"; else compdef _%[1]s %[1]s; fi\n", program)
	return b.String()
}

func fish(program string, all []command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion for %s\n", program)
	for _, c := range all {
		var below []string
		for _, n := range c.words {
			below = append(below, n.Name)
		}
		var seen []string
		for name := range strings.FieldsSeq(c.path) {
			seen = append(seen, "__fish_seen_subcommand_from "+name)
		}
		if len(below) > 0 {
			seen = append(seen, "not __fish_seen_subcommand_from "+strings.Join(below, " "))
		}
		line := fmt.Sprintf("complete -c %s -n %s", program, quote(strings.Join(seen, "; and ")))
		for _, n := range c.words {
			fmt.Fprintf(&b, "%s -f -a %s -d %s\n", line, n.Name, quote(text(n.Help)))
		}
		for _, f := range c.flags {
			fmt.Fprintf(&b, "%s -l %s -d %s", line, f.Name, quote(text(f.Help)))
			if v := values(f); v != nil {
				fmt.Fprintf(&b, " -x -a '%s'", strings.Join(v, " "))
			} else if !f.IsBool() {
				b.WriteString(" -r")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
