package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// hintForKey says which key was probably meant by one that is not known, and what it
// is called; empty strings when it is like none. It never repeats what stands there:
// a slip in the YAML can make a key of a password.
func hintForKey(dotted string, known []string) (hint, meant string) {
	prefix, name := cutLast(dotted)
	plain := prefix + plainKey(name)
	switch near := nearest(plain, withBlocks(known)); {
	case near == "":
		return "", ""
	case plain != dotted && near == plain:
		return "did you mean " + near + "? Keys have small letters and underscores", near
	case samePrefix(near, prefix):
		return "did you mean " + near + "?", near
	default:
		return "did you mean " + near + "? It stands as " + asBlocks(near), near
	}
}

func samePrefix(key, prefix string) bool {
	own, _ := cutLast(key)
	return own == prefix
}

// asBlocks shows where in a block a key stands.
func asBlocks(dotted string) string {
	parts := strings.Split(dotted, ".")
	return strings.Join(parts, ": {") + ": …" + strings.Repeat("}", len(parts)-1)
}

// plainKey writes a name as keys are written: Site and password-file become site and
// password_file.
func plainKey(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// withBlocks are the known keys and the blocks that they stand in.
func withBlocks(known []string) []string {
	all := slices.Clone(known)
	for _, key := range known {
		for block := blockOf(key); block != ""; block = blockOf(block) {
			if !slices.Contains(all, block) {
				all = append(all, block)
			}
		}
	}
	return all
}

// blockOf is the block in which a key or a block stands, empty for none.
func blockOf(dotted string) string {
	prefix, _ := cutLast(dotted)
	return strings.TrimSuffix(prefix, ".")
}

// belongsElsewhere says where a key belongs that stands at the top of the file or in a
// server and is one of the other; empty when it is neither.
func belongsElsewhere(path, dotted string) string {
	_, name := cutLast(dotted)
	name = plainKey(name)
	has := func(known []string) bool {
		return slices.ContainsFunc(withBlocks(known), func(key string) bool {
			_, last := cutLast(key)
			return last == name
		})
	}
	switch {
	case path == "" && has(serverNames):
		return "a key of a server; expected it there, or under defaults"
	case path != "" && name == "name":
		return "a key of each server; expected it there, since no two have the same name"
	case path != "" && has(rootNames):
		return "a key of the whole file; expected it at the top, without indentation"
	default:
		return ""
	}
}

// hintForText says what is wrong with a text, empty when it is nothing known.
func hintForText(n *yaml.Node) string {
	switch first, _ := utf8.DecodeRuneInString(n.Value); {
	case n.Style&yaml.DoubleQuotedStyle != 0 && strings.IndexFunc(n.Value, unicode.IsControl) >= 0: // a path of Windows
		return "has a control character, which a backslash makes in double quotes (write it without quotes or in single ones)"
	case strings.ContainsRune("“”„‘’‚«»", first):
		return "begins with a typographic quotation mark, which is none for YAML (write it without quotes or in single ones)"
	case placeholder.MatchString(n.Value):
		return "the name of a variable, which nothing puts in"
	default:
		return ""
	}
}

// hintForHost is the same for what is no host.
func hintForHost(value string) string {
	switch {
	case strings.Contains(value, "://"):
		return "a URL; expected the host alone, such as cic-a.example.com or cic-a.example.com:8019 (scheme and path belong into url)"
	case strings.Contains(value, "/"):
		return "a host with a path; expected the host alone, and the path in url"
	case strings.ContainsAny(value, ", ;"):
		return "more than one host; expected each as an element of the list, such as [cic-a.example.com, cic-b.example.com]"
	default:
		return ""
	}
}
