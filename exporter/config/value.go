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
	read       reader[T]
	// show returns the value as a file would have it, nil for one that is not set.
	show func(*T) *yaml.Node
	// bad are values in YAML that are refused, for a test of each.
	bad []string
}

// reader reads a field into its place in T and reports whether it was good. What
// is wrong with it becomes a problem.
type reader[T any] func(r *resolver, into *T, f field) bool

// word returns the scalar as it is written: 007 stays 007.
func (r *resolver) word(f field, want string) (string, bool) {
	if f.value.Kind != yaml.ScalarNode {
		r.add(f.at, "a list or a block stands here; expected %s", want)
		return "", false
	}
	return f.value.Value, true
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
	read := func(r *resolver, into *T, f field) bool {
		value, ok := r.word(f, want)
		switch {
		case !ok:
			return false
		case value == "":
			r.add(f.at, "empty; expected %s", want)
		case len(value) > limit:
			r.add(f.at, "longer than %d bytes; expected %s", limit, want)
		case hintForText(f.value) != "":
			r.add(f.at, "%s; expected %s, without quotes or in single ones", hintForText(f.value), want)
		case !isPrintable(value) || good != nil && !good(value):
			r.add(f.at, "not valid; expected %s", want)
		default:
			*at(into) = value
			return true
		}
		return false
	}
	return value[T]{
		kind: "text", want: want, read: read, show: func(from *T) *yaml.Node { return scalar(*at(from)) },
		bad: []string{`""`, `" "`, `"a\tb"`, `"a "`, strconv.Quote(strings.Repeat("x", limit+1))},
	}
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
	want := "one of " + strings.Join(list, ", ")
	read := func(r *resolver, into *T, f field) bool {
		value, ok := r.word(f, want)
		if !ok {
			return false
		}
		if !slices.Contains(list, value) {
			r.add(f.at, "%s not known; expected %s", shown(value), want)
			return false
		}
		*at(into) = W(value)
		return true
	}
	return value[T]{
		kind: "word", want: want, read: read, show: func(from *T) *yaml.Node { return scalar(string(*at(from))) },
		bad: []string{`""`, "nothing_known", strings.ToUpper(list[0]) + "x"},
	}
}

// number reads a whole number from low to high.
func number[T any, N ~int | ~uint32](at func(*T) *N, low, high N) value[T] {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	read := func(r *resolver, into *T, f field) bool {
		word, ok := r.word(f, want)
		if !ok {
			return false
		}
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil || N(n) < low || N(n) > high {
			r.add(f.at, "%s not valid; expected %s", shown(word), want)
			return false
		}
		*at(into) = N(n)
		return true
	}
	return value[T]{
		kind: "number", want: want, read: read,
		show: func(from *T) *yaml.Node {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(*at(from))}
		},
		bad: []string{`""`, "x", "1.5", fmt.Sprint(int64(low) - 1), fmt.Sprint(int64(high) + 1), "99999999999999999999"},
	}
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
	read := func(r *resolver, into *T, f field) bool {
		text, ok := r.word(f, want)
		if !ok {
			return false
		}
		if word != "" && (text == word || text == word+"s") {
			*at(into) = 0
			return true
		}
		value, err := parseDuration(text)
		switch {
		case err != nil && hintForDuration(text, low, high) != "":
			r.add(f.at, "%s not a duration: %s; expected %s", shown(text), hintForDuration(text, low, high), want)
		case err != nil:
			r.add(f.at, "%s not a duration, which is a number with a unit such as 30s, 1m30s or 1d; expected %s", shown(text), want)
		case value < low || value > high:
			r.add(f.at, "%s out of range; expected %s", shown(text), want)
		default:
			*at(into) = value
			return true
		}
		return false
	}
	show := func(from *T) *yaml.Node {
		if d := *at(from); d != 0 || word != "auto" {
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
	return value[T]{kind: "duration", want: want, read: read, show: show, bad: bad}
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
	want := fmt.Sprintf("a value from %s to %s", low, high)
	read := func(r *resolver, into *T, f field) bool {
		text, ok := r.word(f, want)
		if !ok {
			return false
		}
		var value Bytes
		if err := value.UnmarshalText([]byte(text)); err != nil {
			r.add(f.at, "%s %v", shown(text), err)
			return false
		}
		if value < low || value > high {
			r.add(f.at, "%s out of range; expected %s", shown(text), want)
			return false
		}
		*at(into) = value
		return true
	}
	return value[T]{
		kind: "size", want: want, read: read, show: func(from *T) *yaml.Node { return scalar(at(from).String()) },
		bad: []string{`""`, "x", "0", "-1", "1.5MiB", "16MB", (low - 1).String(), (high + 1).String()},
	}
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
