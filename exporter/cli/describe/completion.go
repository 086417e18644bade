package describe

import (
	"strings"

	"github.com/alecthomas/kong"
)

// Scripts have a shell ask "icws_exporter complete" for what may stand where the cursor
// is. Where there is nothing to choose they offer files.
var Scripts = map[string]string{
	"bash": `# bash completion for icws_exporter
_icws_exporter() {
    local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]#=}
    COMPREPLY=($(compgen -W "$("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "$current"))
    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -o default -F _icws_exporter icws_exporter
`,
	"fish": `# fish completion for icws_exporter
function __icws_exporter_complete
    set -l words (commandline -opc) (commandline -ct | string collect --allow-empty)
    $words[1] complete -- $words[2..-1] | string replace -r -- '^' (string match -r -- '^--[^=]*=' $words[-1] | string collect --allow-empty)
end
complete -c icws_exporter -a '(__icws_exporter_complete)'
`,
	"zsh": `#compdef icws_exporter
_icws_exporter() {
    local -a found=("${(@)${(f)"$($words[1] complete -- "${(@)words[2,CURRENT]}")"}/$'\t'/:}")
    if compset -P '--*='; then
        if [[ -n $found ]]; then compadd -- $found; else _files; fi
    else
        local -a valued=(${(M)found:#--[^:]#=:*}) plain=(${found:#--[^:]#=:*})
        _describe argument plain
        _describe flag valued -S ''
        [[ $PREFIX == -* ]] || _files
    fi
}
if [[ $funcstack[1] == _icws_exporter ]]; then _icws_exporter "$@"; else compdef _icws_exporter icws_exporter; fi
`,
}

// Complete returns what may stand in the place of the last word: commands and flags,
// each with a tab and its help behind it, or the values of a flag that is a choice.
func Complete(app *kong.Application, words []string) (found []string) {
	last := len(words) - 1
	at, flags := app.Node, app.Flags
	for _, word := range words[:last] {
		for _, child := range at.Children {
			if child.Name == word {
				at, flags = child, append(flags[:len(flags):len(flags)], child.Flags...)
				break
			}
		}
	}
	if name, given := flagBefore(words); given {
		for _, f := range flags {
			if "--"+f.Name == name && f.Enum != "" {
				found = strings.Split(f.Enum, ",")
			}
		}
		return found
	}
	for _, child := range at.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			found = append(found, child.Name+"\t"+text(child.Help))
		}
	}
	for _, f := range flags {
		word := "--" + f.Name
		if !f.IsBool() {
			word += "="
		}
		if !f.Hidden {
			found = append(found, word+"\t"+text(f.Help))
		}
	}
	return found
}

// flagBefore is the flag whose value is the last word. Bash makes a word of the =.
func flagBefore(words []string) (name string, given bool) {
	last := len(words) - 1
	switch {
	case last >= 1 && words[last] == "=":
		return words[last-1], true
	case last >= 2 && words[last-1] == "=":
		return words[last-2], true
	}
	name, _, given = strings.Cut(words[last], "=")
	return name, given
}
