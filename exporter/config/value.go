package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
)

// value is what may stand at a key: of which kind, in the words of the problem when
// it is not, how to read it, and how to show it.
type value[T any] struct {
	kind, want string
	// read reads a field into its place in T and reports whether it was good. What is
	// wrong with it becomes a problem.
	read func(r *resolver, into *T, f field) bool
	// show returns the value as a file would have it, nil for one that is not set.
	show func(*T) *yaml.Node
	// bad are values in YAML that are refused, for a test of each.
	bad []string
}

// plain is a value that is one scalar: parse makes it of the node, or says what is
// wrong with it.
func plain[T, V any](kind, want string, at func(*T) *V, parse func(*yaml.Node) (v V, wrong string), show func(V) *yaml.Node, bad ...string) value[T] {
	read := func(r *resolver, into *T, f field) bool {
		if f.value.Kind != yaml.ScalarNode {
			r.add(f.at, "a list or a block stands here; expected %s", want)
			return false
		}
		v, wrong := parse(f.value)
		if wrong != "" {
			r.add(f.at, "%s; expected %s", wrong, want)
			return false
		}
		*at(into) = v
		return true
	}
	return value[T]{kind, want, read, func(from *T) *yaml.Node { return show(*at(from)) }, bad}
}

// shown repeats a bad value in a message, unless it might hold a secret.
func shown(value string) string {
	if len(value) > 40 || strings.Contains(value, "@") || strings.Contains(value, "://") {
		return "the value is"
	}
	return strconv.Quote(value) + " is"
}

// scalar is a text as a file has it, nil for an empty one.
func scalar(text string) *yaml.Node {
	if text == "" {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// text reads a text of 1 to limit bytes without control characters that good
// accepts.
func text[T any](at func(*T) *string, limit int, want string, good func(string) bool) value[T] {
	parse := func(n *yaml.Node) (string, string) {
		switch hint := hintForText(n); {
		case n.Value == "":
			return "", "empty"
		case len(n.Value) > limit:
			return "", fmt.Sprintf("longer than %d bytes", limit)
		case hint != "":
			return "", hint
		case !isPrintable(n.Value) || good != nil && !good(n.Value):
			return "", "not valid"
		}
		return n.Value, ""
	}
	return plain("text", want, at, parse, scalar,
		`""`, `" "`, `"a\tb"`, `"a "`, strconv.Quote(strings.Repeat("x", limit+1)), "'${NAME}'", "'{{ name }}'")
}

// isPrintable reports whether the value may stand in a label and in a log line,
// and looks the same there as in the file.
func isPrintable(value string) bool {
	if !utf8.ValidString(value) || strings.TrimSpace(value) != value {
		return false
	}
	return strings.IndexFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
}

// filePath reads the name of a file, relative to the directory of the configuration.
func filePath[T any](at func(*T) *string, want string) value[T] {
	v := text(at, 4096, want, nil)
	name := v.read
	v.kind = "path"
	v.read = func(r *resolver, into *T, f field) bool {
		if !name(r, into, f) {
			return false
		}
		if name := at(into); !filepath.IsAbs(*name) {
			*name = filepath.Join(r.dir, *name)
		}
		return true
	}
	return v
}

// choice reads one of a few words.
func choice[T any, W ~string](at func(*T) *W, words ...W) value[T] {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	parse := func(n *yaml.Node) (W, string) {
		if !slices.Contains(list, n.Value) {
			return "", shown(n.Value) + " not known"
		}
		return W(n.Value), ""
	}
	return plain("word", "one of "+strings.Join(list, ", "), at, parse, func(w W) *yaml.Node { return scalar(string(w)) },
		`""`, "nothing_known", strings.ToUpper(list[0])+"x")
}

// switched reads true or false, and shows true only.
func switched[T any](at func(*T) *bool) value[T] {
	parse := func(n *yaml.Node) (bool, string) {
		if n.Value != "true" && n.Value != "false" {
			return false, shown(n.Value) + " not valid"
		}
		return n.Value == "true", ""
	}
	show := func(on bool) *yaml.Node {
		if !on {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
	}
	return plain("boolean", "true or false", at, parse, show, `""`, "yes", "1", "True", "x")
}

// number reads a whole number from low to high.
func number[T any, N ~int | ~uint32](at func(*T) *N, low, high N) value[T] {
	parse := func(node *yaml.Node) (N, string) {
		n, err := strconv.ParseUint(node.Value, 10, 31)
		if err != nil || N(n) < low || N(n) > high {
			return 0, shown(node.Value) + " not valid"
		}
		return N(n), ""
	}
	show := func(n N) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(n)}
	}
	return plain("number", fmt.Sprintf("a whole number from %d to %d", low, high), at, parse, show,
		`""`, "x", "1.5", fmt.Sprint(int64(low)-1), fmt.Sprint(int64(high)+1), "99999999999999999999")
}

// duration reads a time from low to high, or the word for 0 where there is one.
func duration[T any](at func(*T) *time.Duration, low, high time.Duration, zero ...string) value[T] {
	want := fmt.Sprintf("a value from %s to %s", model.Duration(low), model.Duration(high))
	word := strings.Join(zero, "")
	if word != "" {
		want += ", or " + word
	}
	if word == "0" {
		want += " for never"
	}
	parse := func(n *yaml.Node) (time.Duration, string) {
		if word != "" && (n.Value == word || n.Value == word+"s") {
			return 0, ""
		}
		d, err := parseDuration(n.Value)
		switch {
		case err != nil:
			return 0, shown(n.Value) + " not a duration, which is a number with a unit such as 30s, 1m30s or 1d"
		case d < low || d > high:
			return 0, shown(n.Value) + " out of range"
		}
		return d, ""
	}
	show := func(d time.Duration) *yaml.Node {
		if d != 0 || word != "auto" {
			return scalar(model.Duration(d).String())
		}
		return scalar(word)
	}
	bad := []string{
		`""`, "x", "5", "-1s", "never", model.Duration(low - time.Millisecond).String(), model.Duration(high + time.Millisecond).String(), "999999999999d",
	}
	if word != "0" {
		bad = append(bad, "0", "0s")
	}
	return plain("duration", want, at, parse, show, bad...)
}

// parseDuration reads what Prometheus writes, such as 1d or 1m30s, and what Go
// does, such as 1.5s.
func parseDuration(text string) (time.Duration, error) {
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), nil
	}
	return time.ParseDuration(text)
}

// size reads a size from low to high.
func size[T any](at func(*T) *Bytes, low, high Bytes) value[T] {
	parse := func(n *yaml.Node) (Bytes, string) {
		size, ok := parseBytes(n.Value)
		switch {
		case !ok:
			return 0, shown(n.Value) + " not a size, which is a number of bytes, or a number with KiB, MiB or GiB, such as 16MiB"
		case size < low || size > high:
			return 0, shown(n.Value) + " out of range"
		}
		return size, ""
	}
	return plain("size", fmt.Sprintf("a value from %s to %s", low, high), at, parse, func(b Bytes) *yaml.Node { return scalar(b.String()) },
		`""`, "x", "0", "-1", "1.5MiB", "16MB", (low - 1).String(), (high + 1).String())
}

// list reads a list of at most limit texts, each of which good accepts. hints say
// what is wrong with one where they know.
func list[T any](at func(*T) *[]string, limit int, want string, good func(string) bool, hints ...func(string) string) value[T] {
	item := text(func(s *string) *string { return s }, 253, want, good)
	read := func(r *resolver, into *T, f field) bool {
		if f.value.Kind != yaml.SequenceNode {
			r.add(f.at, "not a list; expected a list such as [a, b], each %s", want)
			return false
		}
		// Checked first: through aliases a small file could hold long lists.
		if len(f.value.Content) > limit {
			r.add(f.at, "a list of %d; expected at most %d", len(f.value.Content), limit)
			return false
		}
		values, ok := []string(nil), true
		known := make(map[string]bool, len(f.value.Content))
		for i, n := range f.value.Content {
			var value string
			one := field{place{n.Line, n.Column, fmt.Sprintf("%s[%d]", f.at.key, i)}, target(n)}
			switch {
			case isNull(one.value):
				r.add(one.at, "has no value; expected %s", want)
				ok = false
			case one.value.Kind == yaml.ScalarNode && hinted(hints, one.value.Value) != "":
				r.add(one.at, "%s", hinted(hints, one.value.Value))
				ok = false
			case !item.read(r, &value, one):
				ok = false
			case known[strings.ToLower(value)]:
				r.add(one.at, "given twice; expected it once")
				ok = false
			default:
				values, known[strings.ToLower(value)] = append(values, value), true
			}
		}
		*at(into) = values
		return ok
	}
	return value[T]{
		kind: "list", want: fmt.Sprintf("at most %d, each %s", limit, want), read: read,
		show: func(from *T) *yaml.Node { return sequence(*at(from)) },
		bad:  []string{"a", `[""]`, `["a b"]`, "[a, A]", "[~]", "[[a]]", "[" + strings.Repeat("a, ", limit) + "b]"},
	}
}

// hinted is what the first of the hints says that knows the value.
func hinted(hints []func(string) string, value string) string {
	for _, hint := range hints {
		if text := hint(value); text != "" {
			return text
		}
	}
	return ""
}

func sequence(texts []string) *yaml.Node {
	if len(texts) == 0 {
		return nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, text := range texts {
		n.Content = append(n.Content, scalar(text))
	}
	return n
}
